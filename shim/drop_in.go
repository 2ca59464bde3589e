package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// DropIn is a Store in a folder that takes what damocles' own filestore takes: any spelling of a name, and
// folders and other things that are no objects where its Stat and Del take them. Its readers go on when the
// context of Get has ended.
type DropIn struct{ *Store }

var _ interface {
	objstore.Store
	RangeReader
} = DropIn{}

// OpenDropIn opens the folder config.Path, "" being the current one. Meta.Url and sectorstore.json do not lead
// elsewhere, and options that are not known or not valid are ignored, with a warning. scb_store_open
func OpenDropIn(config objstore.Config, storeType string) (objstore.Store, error) {
	folder, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, err
	}
	config.Path = folder
	s, err := open(config, storeType, true)
	if err != nil {
		return nil, err
	}
	s.readersOutliveGet = true
	return DropIn{s}, nil
}

// name is the object that a spelling such as "/a", "a//b" or "x/../a" leads to; "" for the folder itself. What
// leads outside stays as it is, for the core to refuse.
func (d DropIn) name(spelling string) string {
	full := filepath.Join(d.config.Path, spelling)
	if full == d.config.Path {
		return ""
	}
	if below, ok := strings.CutPrefix(full, d.root+"/"); ok {
		return below
	}
	return spelling
}

// FullPath names an object for other programs. It never leaves the store.
func (d DropIn) FullPath(ctx context.Context, object string) string {
	return d.Store.FullPath(ctx, d.name(object))
}

// Get is Store's.
func (d DropIn) Get(ctx context.Context, object string) (io.ReadCloser, error) {
	return d.Store.Get(ctx, d.name(object))
}

// Put is Store's.
func (d DropIn) Put(ctx context.Context, object string, src io.Reader) (int64, error) {
	return d.Store.Put(ctx, d.name(object), src)
}

// ReadRanges is Store's.
func (d DropIn) ReadRanges(ctx context.Context, objects []string, offsets []int64, into [][]byte) ([]int, []error, error) {
	names := make([]string, len(objects))
	for i, object := range objects {
		names[i] = d.name(object)
	}
	return d.Store.ReadRanges(ctx, names, offsets, into)
}

// Stat is Store's, and tells the size of folders too: programs ask so whether there is one.
func (d DropIn) Stat(ctx context.Context, object string) (objstore.Stat, error) {
	name := d.name(object)
	stat, err := d.Store.Stat(ctx, name)
	isFolder := name == "" && errors.Is(err, objstore.ErrInvalidObjectPath)
	if !isFolder && !errors.Is(err, objstore.ErrNotRegularFile) {
		return stat, err
	}
	err = d.besideTheCore(ctx, "stat", name, func() error {
		info, err := os.Stat(d.FullPath(ctx, name))
		if err == nil {
			stat.Size = info.Size()
		}
		return err
	})
	if err != nil {
		return objstore.Stat{}, err
	}
	return stat, nil
}

// Del is Store's, and removes empty folders and whatever else is no file too, but never the store's own folder.
func (d DropIn) Del(ctx context.Context, object string) error {
	name := d.name(object)
	err := d.Store.Del(ctx, name)
	if !errors.Is(err, objstore.ErrNotRegularFile) {
		return err
	}
	return d.besideTheCore(ctx, "remove", name, func() error { return os.Remove(d.FullPath(ctx, name)) })
}

// besideTheCore makes a file call that the core has no use for. One that hangs is left behind, in its place at
// the gate.
func (d DropIn) besideTheCore(ctx context.Context, verb, object string, call func() error) error {
	if err := d.enter(ctx, d.gates.calls, verb, object); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer d.gates.calls.leave()
		done <- call()
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.doing(verb, object), err)
	}
	return nil
}
