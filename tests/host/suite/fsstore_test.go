package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// What damocles' own fsstore does was found by running it, at 4235a895 (2025-09), with the same calls.

func TestFsstore(t *testing.T) {
	for name, meta := range map[string]map[string]string{"in_a_folder": nil, "on_a_mount_that_could_hang": {"Guard": "always"}} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			runAll(t, openFsstore(t, objstore.Config{Path: folder, Meta: meta}), acceptance)
			noTemporaries(t, folder)
		})
	}
}

func TestFsstore_is_named_and_configured_as_upstreams(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := errors.Join(os.Mkdir("store", 0o755), os.Symlink("store", "link"), os.Mkdir("file:", 0o755)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"store": "/store", "store/": "/store", "./x/../store": "/store", "": "", ".": "",
		folder + "//store": "/store", "link": "/link", "link/": "/link", "file:///": "/file:"} {
		for _, name := range []string{"", "store-1"} {
			config := objstore.Config{Name: name, Path: path, Strict: true, Weight: 3, Meta: map[string]string{"A": "b"}}
			store := openFsstore(t, config)
			config.Path = folder + want
			if name == "" {
				config.Name = config.Path
			}
			if got := store.InstanceConfig(bg); !reflect.DeepEqual(got, config) || store.Instance(bg) != config.Name {
				t.Errorf("%q: %+v, instance %q", path, got, store.Instance(bg))
			}
			info, err := store.InstanceInfo(bg)
			if err != nil || !reflect.DeepEqual(info.Config, config) {
				t.Errorf("%q: info of %+v, %v", path, info.Config, err)
			}
			if got := store.FullPath(bg, "sealed/s-t01000-7"); got != config.Path+"/sealed/s-t01000-7" {
				t.Errorf("%q: full path %q", path, got)
			}
			if store.Type() != "plugin-fs" {
				t.Errorf("type %q", store.Type())
			}
		}
	}
	for path, want := range map[string]error{"missing": fs.ErrNotExist, "file://" + folder: fs.ErrNotExist, "nul\x00": fs.ErrInvalid,
		"bytes-\xff": fs.ErrInvalid} {
		store, err := fsstore.Constructor(objstore.Config{Path: path})
		mustBe(t, "open "+path, err, want)
		if store != nil {
			t.Errorf("gave %T as well", store)
		}
	}
}

func TestFsstore_says_of_the_disk_what_statfs_says(t *testing.T) {
	folder := t.TempDir()
	info, err := openFsstore(t, objstore.Config{Path: folder}).InstanceInfo(bg)
	if err != nil {
		t.Fatal(err)
	}
	var status syscall.Statfs_t
	if err := syscall.Statfs(folder, &status); err != nil {
		t.Fatal(err)
	}
	if info.Total != status.Blocks*uint64(status.Bsize) || info.Used+info.Free > info.Total {
		t.Errorf("%+v, statfs says %+v", info, status)
	}
}

// Another program may have the file under any of these names.
func TestFsstore_takes_every_spelling_of_a_name_that_leads_into_the_folder(t *testing.T) {
	folder := t.TempDir() + "/store"
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	store := openFsstore(t, objstore.Config{Path: folder})
	for spelling, file := range map[string]string{"/o": "o", "./o": "o", "o/": "o", "o//": "o", "d//o": "d/o", "d/../o": "o", "no/../o": "o",
		"../store/o": "o", "/./d/./o/.": "d/o", "..o": "..o", " ": " ", "a\\b": "a\\b", "bytes-\xff": "bytes-\xff"} {
		for _, put := range []string{spelling, file} {
			if n, err := store.Put(bg, put, strings.NewReader(put)); n != int64(len(put)) || err != nil {
				t.Errorf("put %q = %d, %v", put, n, err)
			}
			for _, path := range []string{folder + "/" + file, store.FullPath(bg, spelling), store.FullPath(bg, file)} {
				if got, err := os.ReadFile(path); string(got) != put || err != nil {
					t.Errorf("put %q: %s holds %q, %v", put, path, got, err)
				}
			}
			mustHold(t, store, spelling, []byte(put))
		}
		into := [][]byte{make([]byte, 1)}
		got, errs, err := store.(interface {
			ReadRanges(context.Context, []string, []int64, [][]byte) ([]int, []error, error)
		}).ReadRanges(bg, []string{spelling}, []int64{0}, into)
		if err != nil || errs[0] != nil || got[0] != 1 {
			t.Errorf("read %q: %v, %v, %v", spelling, got, errs, err)
		}
		if err := store.Del(bg, spelling); err != nil {
			t.Errorf("del %q: %v", spelling, err)
		}
		mustBeMissing(t, store, file)
	}
}

func TestFsstore_refuses_a_name_that_leads_outside(t *testing.T) {
	above := t.TempDir()
	writeFile(t, above+"/store/o", "inside")
	writeFile(t, above+"/store2/x", "outside")
	writeFile(t, above+"/x", "outside")
	store := openFsstore(t, objstore.Config{Path: above + "/store"})
	for _, object := range []string{"..", "../x", "../store2/x", "d/../../x", "/../x"} {
		_, err := store.Put(bg, object, strings.NewReader("new"))
		mustBe(t, "put "+object, err, objstore.ErrInvalidObjectPath)
		mustBe(t, "del "+object, store.Del(bg, object), objstore.ErrInvalidObjectPath)
		_, err = store.Get(bg, object)
		mustBe(t, "get "+object, err, fs.ErrInvalid)
		_, err = store.Stat(bg, object)
		mustBe(t, "stat "+object, err, objstore.ErrInvalidObjectPath)
		if path := store.FullPath(bg, object); path != above+"/store" && !strings.HasPrefix(path, above+"/store/") {
			t.Errorf("FullPath(%q) = %q", object, path)
		}
	}
	for _, file := range []string{"/store2/x", "/x"} {
		if got, err := os.ReadFile(above + file); string(got) != "outside" {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
}

// Nobody may be surprised by an object that configures the store, or that a sweep removes.
func TestFsstore_keeps_two_names_for_itself(t *testing.T) {
	store := openFsstore(t, objstore.Config{Path: t.TempDir()})
	for _, object := range []string{"sectorstore.json", "/sectorstore.json", ".scabbard-tmp-1", "a/.scabbard-tmp-1"} {
		_, err := store.Put(bg, object, strings.NewReader("x"))
		mustBe(t, "put "+object, err, objstore.ErrInvalidObjectPath)
	}
	put(t, store, "a/sectorstore.json", content(10))
}

// Each is an error of upstream's for the same call, and what more ours is.
func TestFsstore_errors_are_all_that_upstreams_are(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder+"/o", "OOO")
	if err := errors.Join(os.Mkdir(folder+"/d", 0o755), os.Symlink("nowhere", folder+"/dangling"), os.Symlink("loop", folder+"/loop")); err != nil {
		t.Fatal(err)
	}
	store := openFsstore(t, objstore.Config{Path: folder})
	for _, test := range []struct {
		object string
		is     []error
	}{
		{"missing", []error{fs.ErrNotExist, syscall.ENOENT, objstore.ErrObjectNotFound}},
		{"missing/below", []error{fs.ErrNotExist, syscall.ENOENT, objstore.ErrObjectNotFound}},
		{"dangling", []error{fs.ErrNotExist, syscall.ENOENT, objstore.ErrObjectNotFound}},
		{"o/below", []error{syscall.ENOTDIR}},
		{"loop", []error{syscall.ELOOP}},
	} {
		_, err := store.Stat(bg, test.object)
		mustBe(t, "stat "+test.object, err, test.is...)
		_, err = store.Get(bg, test.object)
		mustBe(t, "get "+test.object, err, test.is...)
		if !strings.HasPrefix(test.object, "dangling") && test.object != "loop" { // those are links, and can be removed
			mustBe(t, "del "+test.object, store.Del(bg, test.object), test.is...)
		}
	}
	_, err := store.Put(bg, "o/below", strings.NewReader("x"))
	mustBe(t, "put", err, syscall.ENOTDIR)
	_, err = store.Put(bg, "loop", strings.NewReader("x"))
	mustBe(t, "put", err, syscall.ELOOP)
	_, err = store.Put(bg, "d", strings.NewReader("x"))
	mustBe(t, "put", err, syscall.EISDIR)
	long := strings.Repeat("x", 256)
	_, err = store.Put(bg, long, strings.NewReader("x"))
	mustBe(t, "put", err, syscall.ENAMETOOLONG)
	_, err = store.Stat(bg, strings.Repeat("x/", 2500))
	mustBe(t, "stat", err, syscall.ENAMETOOLONG)
	_, err = store.Get(bg, "nul\x00")
	mustBe(t, "get", err, fs.ErrInvalid)

	cancelled, cancel := context.WithCancel(bg)
	cancel()
	_, err = store.Get(cancelled, "o")
	mustBe(t, "get", err, context.Canceled)
	_, err = store.Stat(cancelled, "o")
	mustBe(t, "stat", err, context.Canceled)
}

func TestFsstore_that_is_read_only_says_so_whatever_the_name(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder+"/o", "OOO")
	store := openFsstore(t, objstore.Config{Path: folder, ReadOnly: true})
	for _, object := range []string{"o", "/o", "missing", "", "..", "../x"} {
		_, err := store.Put(bg, object, strings.NewReader("x"))
		mustBe(t, "put "+object, err, objstore.ErrReadOnlyStore)
		mustBe(t, "del "+object, store.Del(bg, object), objstore.ErrReadOnlyStore)
	}
	mustHold(t, store, "/o", []byte("OOO"))
}

// notFiles makes one of everything that is no object.
func notFiles(t *testing.T, folder string) {
	t.Helper()
	writeFile(t, folder+"/full/o", "O")
	if err := errors.Join(os.Mkdir(folder+"/empty", 0o755), os.Symlink("full", folder+"/link"),
		syscall.Mkfifo(folder+"/pipe", 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestFsstore_stats_and_removes_folders_and_pipes(t *testing.T) {
	for _, guard := range []string{"always", "never"} {
		folder := t.TempDir()
		notFiles(t, folder)
		store := openFsstore(t, objstore.Config{Path: folder, Meta: map[string]string{"Guard": guard}})
		for _, object := range []string{"full", "full/", "empty", "link", "pipe", "", "/", "."} {
			info, err := os.Stat(folder + "/" + object)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := store.Stat(bg, object); got.Size != info.Size() || err != nil {
				t.Errorf("stat %q = %d, %v; want %d", object, got.Size, err, info.Size())
			}
		}
		mustBe(t, "del of a folder that is not empty", store.Del(bg, "full"), syscall.ENOTEMPTY, fs.ErrExist)
		for _, object := range []string{"link", "empty", "pipe"} {
			if err := store.Del(bg, object); err != nil {
				t.Errorf("del %q: %v", object, err)
			}
			mustBeMissing(t, store, object)
		}
		mustHold(t, store, "full/o", []byte("O"))
		mustBe(t, "del of the store's folder", store.Del(bg, ""), objstore.ErrInvalidObjectPath)
	}
}

func TestFsstore_does_not_read_or_write_what_is_no_file(t *testing.T) {
	for _, strict := range []bool{false, true} {
		folder := t.TempDir()
		notFiles(t, folder)
		store := openFsstore(t, objstore.Config{Path: folder, Strict: strict})
		for _, object := range []string{"full", "empty", "link", "pipe"} {
			_, err := store.Get(bg, object)
			mustBe(t, "get "+object, err, objstore.ErrObjectNotFound, objstore.ErrNotRegularFile)
			_, err = store.Put(bg, object, strings.NewReader("x"))
			mustBe(t, "put "+object, err, objstore.ErrNotRegularFile)
		}
	}
}

func TestFsstore_reader_goes_on_after_the_context_of_Get_has_ended(t *testing.T) {
	store := openFsstore(t, objstore.Config{Path: t.TempDir()})
	data := content(1 << 20)
	put(t, store, "read", data)
	for range 100 {
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		r, err := store.Get(ctx, "read")
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
}

func TestFsstore_Close_ends_a_read_under_way(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder+"/large", "")
	if err := os.Truncate(folder+"/large", 8<<30); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bg)
	r, err := openFsstore(t, objstore.Config{Path: folder}).Get(ctx, "large")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	began, ended := make(chan struct{}, 1), make(chan error)
	go func() {
		_, err := io.Copy(writerFunc(func(p []byte) (int, error) {
			select {
			case began <- struct{}{}:
			default:
			}
			return len(p), nil
		}), r)
		ended <- err
	}()
	<-began
	r.Close()
	mustBe(t, "copy", <-ended, fs.ErrClosed)
}

func TestFsstore_ignores_what_it_cannot_use_in_Meta(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	writeFile(t, folder+"/sectorstore.json", `{"PluginName": "scabbard", "ReadOnly": true, "Meta": {"Url": "file://`+elsewhere+`"}}`)
	config := objstore.Config{Path: folder,
		Meta: map[string]string{"Timeuot": "1m", "Timeout": "soon", "Url": "file://" + elsewhere, "": "\xff"}}
	store := openFsstore(t, config)
	put(t, store, "o", content(10))
	if _, err := os.Stat(folder + "/o"); err != nil {
		t.Error(err)
	}
	if got := store.InstanceConfig(bg).Meta; !reflect.DeepEqual(got, config.Meta) {
		t.Errorf("%v", got)
	}
	if _, err := manifest.Constructor(objstore.Config{Path: t.TempDir(), Meta: config.Meta}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("plugin-scabbard: %v", err)
	}
}

func TestFsstore_makes_the_folders_of_an_object_and_keeps_the_mode_of_one_that_it_replaces(t *testing.T) {
	folder := t.TempDir()
	store := openFsstore(t, objstore.Config{Path: folder})
	put(t, store, "new/folder/o", content(10))
	writeFile(t, folder+"/private", "x")
	if err := os.Chmod(folder+"/private", 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, store, "private", content(10))
	umask := syscall.Umask(0)
	syscall.Umask(umask)
	for file, want := range map[string]fs.FileMode{"/private": 0o600, "/new/folder/o": 0o644 &^ fs.FileMode(umask)} {
		if info, err := os.Stat(folder + file); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

// Where upstream's truncates in place, other names of the file change with it.
func TestFsstore_Put_leaves_other_hard_links_of_a_file_alone(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder+"/o", "old")
	if err := os.Link(folder+"/o", folder+"/other"); err != nil {
		t.Fatal(err)
	}
	store := openFsstore(t, objstore.Config{Path: folder})
	put(t, store, "o", content(10))
	mustHold(t, store, "other", []byte("old"))
}

func TestFsstore_can_store_what_it_reads_under_the_same_name(t *testing.T) {
	store := openFsstore(t, objstore.Config{Path: t.TempDir()})
	data := content(3 << 20)
	put(t, store, "o", data)
	if n, err := store.Put(bg, "o", get(t, store, "o")); n != int64(len(data)) || err != nil {
		t.Errorf("put = %d, %v", n, err)
	}
	mustHold(t, store, "o", data)
}

func TestBoth_plugins_work_at_once_on_one_folder(t *testing.T) {
	folder := t.TempDir()
	stores := []objstore.Store{open(t, objstore.Config{Path: folder}), openFsstore(t, objstore.Config{Path: folder})}
	var all sync.WaitGroup
	for worker := range 32 {
		all.Add(1)
		go func() {
			defer all.Done()
			mine, other := stores[worker%2], stores[(worker+1)%2]
			for i := range 20 {
				object, data := fmt.Sprintf("%d/%d", worker, i), content(1+i*10_000)
				if _, err := mine.Put(bg, object, bytes.NewReader(data)); err != nil {
					t.Errorf("put %s: %v", object, err)
					return
				}
				r, err := other.Get(bg, object)
				if err != nil {
					t.Errorf("get %s: %v", object, err)
					return
				}
				got, err := io.ReadAll(r)
				if err := errors.Join(err, r.Close(), other.Del(bg, object)); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s: %d bytes, %v", object, len(got), err)
				}
			}
		}()
	}
	all.Wait()
	noTemporaries(t, folder)
	if a, b := stores[0].Version(), stores[1].Version(); a != b {
		t.Errorf("two cores: %s, %s", a, b)
	}
}

func TestFolder_that_may_be_entered_and_not_read_is_a_store(t *testing.T) {
	const variable = "SCABBARD_TEST_IN_UNREADABLE"
	folder := os.Getenv(variable)
	if folder == "" {
		folder = t.TempDir()
		writeFile(t, folder+"/store/object", "x")
		for above := folder; above != filepath.Clean(os.TempDir()) && above != "/"; above = filepath.Dir(above) {
			if err := os.Chmod(above, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(folder+"/store", 0o333); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(folder+"/store", 0o755)
		if os.Getuid() == 0 { // root may do everything: again as somebody who may not
			command := again(t, variable, folder)
			command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("as nobody: %v\n%s", err, output)
			}
			return
		}
	}
	for _, store := range []objstore.Store{open(t, objstore.Config{Path: folder + "/store"}), openFsstore(t, objstore.Config{Path: folder + "/store"})} {
		mustHold(t, store, "object", []byte("x"))
		put(t, store, "new", content(10))
		mustHold(t, store, "new", content(10))
		if err := store.Del(bg, "new"); err != nil {
			t.Error(err)
		}
	}
}
