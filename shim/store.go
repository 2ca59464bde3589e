package shim

/*
#include "scabbard/scabbard.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// Store is a scabbard store as damocles sees it. There is no Close in objstore.Store: the core's store is
// released when nothing refers to the Store any more, or closed by Shutdown.
type Store struct {
	handle    *handle[*C.scb_store]
	config    objstore.Config
	storeType string
	root      string // FullPath without the object, no trailing '/'
	gates     gates
	// A reader goes on when the context that was given to Get has ended.
	readersOutliveGet bool
}

var _ objstore.Store = (*Store)(nil)

// Open opens the store that config describes; only the configuration is checked, no server is asked.
// storeType is what Type will say; "" stands for "scabbard-" and the backend's scheme. Leftovers of dead
// writers are removed in the background. scb_store_open
func Open(config objstore.Config, storeType string) (objstore.Store, error) {
	s, err := open(config, storeType, false)
	if err != nil {
		return nil, err // and no Store that is not nil and holds one that is
	}
	return s, nil
}

func open(config objstore.Config, storeType string, dropIn bool) (*Store, error) {
	text, err := configText(config, dropIn)
	if err != nil {
		return nil, err
	}
	var pointer *C.scb_store
	var failure *C.scb_error
	code := C.scb_store_open((*C.char)(unsafe.Pointer(&text[0])), &pointer, &failure)
	if code != C.SCB_OK {
		return nil, takeError(context.Background(), code, failure)
	}
	s := &Store{
		handle:    own(pointer, func(p *C.scb_store) { C.scb_store_free(p) }),
		config:    config,
		storeType: storeType,
		root:      strings.TrimSuffix(location(pointer), "/"),
		gates:     newGates(),
	}
	s.config.Meta = maps.Clone(config.Meta)
	s.config.Path = C.GoString(C.scb_store_path(pointer))
	if s.config.Name == "" {
		s.config.Name = C.GoString(C.scb_store_name(pointer))
	}
	if storeType == "" {
		s.storeType = "scabbard-" + C.GoString(C.scb_store_scheme(pointer))
	}
	// The store folder's own sectorstore.json may say so too, and the manager must not choose it then.
	s.config.ReadOnly = C.scb_store_capabilities(pointer)&C.SCB_IS_READ_ONLY != 0
	if !s.config.ReadOnly {
		startBackground(s.sweep)
	}
	runtime.KeepAlive(s.handle)
	return s, nil
}

// configText is config as the JSON that scb_store_open takes, with a final NUL. JSON is Unicode: other
// bytes would be replaced silently, and then name another folder.
func configText(config objstore.Config, dropIn bool) ([]byte, error) {
	if !utf8.ValidString(config.Path) || strings.IndexByte(config.Path, 0) >= 0 {
		return nil, &Error{Code: InvalidArgument,
			Message: fmt.Sprintf("open store %q: Path %q is not valid UTF-8 text", config.Name, config.Path)}
	}
	text, err := json.Marshal(struct {
		Name, Path       string
		Meta             map[string]string `json:",omitempty"`
		Strict, ReadOnly bool
		Weight           uint
		DropIn           bool `json:",omitempty"`
	}{config.Name, config.Path, config.Meta, config.Strict, config.ReadOnly, config.Weight, dropIn})
	return append(text, 0), err
}

// location is where the store's objects are. scb_store_location
func location(store *C.scb_store) string {
	none := [1]C.char{}
	text := C.scb_store_location(store, &none[0])
	defer C.scb_string_free(text)
	return C.GoString(text)
}

// Type says which backend this is.
func (s *Store) Type() string { return s.storeType }

// Version says which release and build of scabbard this is. scb_version, scb_build_id
func (s *Store) Version() string { return version() }

// Instance is Config.Name, verbatim: damocles keeps its reservations under it.
func (s *Store) Instance(context.Context) string { return s.config.Name }

// InstanceConfig is the configuration, with an absolute Path and, where Name was empty, that for a Name.
func (s *Store) InstanceConfig(context.Context) objstore.Config { return s.config }

// InstanceInfo says how full the store is; Type is what it lies on, such as "ext4". scb_store_space
func (s *Store) InstanceInfo(ctx context.Context) (objstore.InstanceInfo, error) {
	if err := s.enter(ctx, s.gates.space, "ask for the space of", ""); err != nil {
		return objstore.InstanceInfo{}, err
	}
	defer s.gates.space.leave()
	w := watching(ctx)
	defer w.release()

	var space C.scb_space
	var failure *C.scb_error
	c := w.context()
	code := C.scb_store_space(s.handle.pointer, &c, &space, &failure)
	runtime.KeepAlive(s.handle)
	if code != C.SCB_OK {
		return objstore.InstanceInfo{}, takeError(ctx, code, failure)
	}
	config := s.config
	config.ReadOnly = config.ReadOnly || space.read_only != 0 // the kernel turns a disk so after errors
	return objstore.InstanceInfo{
		Config:      config,
		Type:        C.GoString(&space._type[0]),
		Total:       uint64(space.total),
		Free:        uint64(space.free),
		Used:        uint64(space.used),
		UsedPercent: usedPercent(uint64(space.used), uint64(space.free)),
	}, nil
}

// enter waits for a place at one of the store's gates; its error says what was to be done.
func (s *Store) enter(ctx context.Context, g gate, verb, object string) error {
	if err := g.enter(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.doing(verb, object), err)
	}
	return nil
}

// doing is how the core begins an error of the same call.
func (s *Store) doing(verb, object string) string {
	if object == "" {
		return fmt.Sprintf("%s store %q", verb, s.config.Name)
	}
	return fmt.Sprintf("%s %q in store %q", verb, object, s.config.Name)
}

// usedPercent is df's: blocks that are reserved for root are neither used nor free.
func usedPercent(used, free uint64) float64 {
	if used == 0 {
		return 0
	}
	return float64(used) / (float64(used) + float64(free)) * 100
}

// FullPath names an object for other programs. It never leaves the store.
func (s *Store) FullPath(_ context.Context, object string) string {
	below := path.Clean("/" + object)
	if below == "/" && s.root != "" {
		return s.root
	}
	return s.root + below
}

// Stat says how long an object is. scb_store_stat
func (s *Store) Stat(ctx context.Context, object string) (objstore.Stat, error) {
	var space [nameSpace]byte
	name, err := cName(space[:0], object)
	if err != nil {
		return objstore.Stat{}, err
	}
	if err := s.enter(ctx, s.gates.calls, "stat", object); err != nil {
		return objstore.Stat{}, err
	}
	defer s.gates.calls.leave()
	w := s.watchingStat(ctx)
	defer w.release()

	var info C.scb_object_info
	var failure *C.scb_error
	c := w.context()
	code := C.scb_store_stat(s.handle.pointer, &c, (*C.char)(unsafe.Pointer(&name[0])), &info, &failure)
	runtime.KeepAlive(s.handle)
	if code != C.SCB_OK {
		return objstore.Stat{}, takeError(ctx, code, failure)
	}
	return objstore.Stat{Size: int64(info.size)}, nil
}

// watchingStat saves the watch, which costs as much as a stat, where that is answered at once: the manager
// asks for 26,000 of them a partition. scb_store_capabilities
func (s *Store) watchingStat(ctx context.Context) watch {
	if ctx.Done() == nil {
		return watch{ctx: ctx}
	}
	immediate := C.scb_store_capabilities(s.handle.pointer)&C.SCB_IS_IMMEDIATE != 0
	runtime.KeepAlive(s.handle)
	if immediate {
		return watch{ctx: context.Background()}
	}
	return watching(ctx)
}

// Del removes an object; of one that does not exist it says objstore.ErrObjectNotFound. scb_store_remove
func (s *Store) Del(ctx context.Context, object string) error {
	var space [nameSpace]byte
	name, err := cName(space[:0], object)
	if err != nil {
		return err
	}
	if err := s.enter(ctx, s.gates.calls, "remove", object); err != nil {
		return err
	}
	defer s.gates.calls.leave()
	w := watching(ctx)
	defer w.release()

	var failure *C.scb_error
	c := w.context()
	code := C.scb_store_remove(s.handle.pointer, &c, (*C.char)(unsafe.Pointer(&name[0])), &failure)
	runtime.KeepAlive(s.handle)
	if code != C.SCB_OK {
		return takeError(ctx, code, failure)
	}
	return nil
}

// Get opens an object for reading, or fails at once. What it returns is a *Reader; ctx ends its reads too.
// scb_reader_open
func (s *Store) Get(ctx context.Context, object string) (io.ReadCloser, error) {
	var space [nameSpace]byte
	name, err := cName(space[:0], object)
	if err != nil {
		return nil, err
	}
	if err := s.enter(ctx, s.gates.calls, "open", object); err != nil {
		return nil, err
	}
	defer s.gates.calls.leave()
	w := watchingWith(ctx, tokens.Get().(*token))

	var pointer *C.scb_reader
	var failure *C.scb_error
	c := w.context()
	code := C.scb_reader_open(s.handle.pointer, &c, (*C.char)(unsafe.Pointer(&name[0])), &pointer, &failure)
	runtime.KeepAlive(s.handle)
	if code != C.SCB_OK {
		w.release()
		err := takeError(ctx, code, failure)
		if e := err.(*Error); e.Code == NotRegularFile {
			e.also = objstore.ErrObjectNotFound // as upstream's Get says, beside ErrNotRegularFile
		}
		return nil, err
	}
	if s.readersOutliveGet {
		w = w.outliving()
	}
	return newReader(pointer, object, w, s.gates.reads), nil
}
