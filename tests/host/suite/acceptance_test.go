package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// Every way to name a store gives one that passes the same tests.
func TestStore(t *testing.T) {
	for _, place := range []struct {
		name   string
		config func(t *testing.T, folder string) objstore.Config
	}{
		{"in_a_plain_directory", func(t *testing.T, folder string) objstore.Config {
			return objstore.Config{Path: folder}
		}},
		{"on_a_mount_that_could_hang", func(t *testing.T, folder string) objstore.Config {
			return objstore.Config{Path: folder, Meta: map[string]string{"Guard": "always"}}
		}},
		{"by_URL", func(t *testing.T, folder string) objstore.Config {
			return objstore.Config{Path: "file://" + folder}
		}},
		{"in_a_store_folder", func(t *testing.T, folder string) objstore.Config {
			writeFile(t, folder+"/sectorstore.json", `{"ID": "5ad6b7f2", "Name": "a", "PluginName": "scabbard", "Meta": {}}`)
			return objstore.Config{Path: folder, Name: "a"}
		}},
		{"elsewhere_than_the_store_folder", func(t *testing.T, folder string) objstore.Config {
			meta := map[string]string{"Url": "file://" + folder + "/elsewhere"}
			writeFile(t, folder+"/store/sectorstore.json",
				fmt.Sprintf(`{"Name": "a", "PluginName": "scabbard", "Meta": {"Url": %q}}`, meta["Url"]))
			if err := os.Mkdir(folder+"/elsewhere", 0o755); err != nil {
				t.Fatal(err)
			}
			return objstore.Config{Path: folder + "/store", Name: "a", Meta: meta}
		}},
	} {
		t.Run(place.name, func(t *testing.T) {
			folder := t.TempDir()
			store := open(t, place.config(t, folder))
			runAll(t, store, acceptance)
			runAll(t, store, ownAcceptance)
			runAll(t, store, folderAcceptance)
			noTemporaries(t, folder)
		})
	}
}

func TestFullPath_of_a_store_in_a_folder_is_the_file(t *testing.T) {
	folder := t.TempDir()
	store := open(t, objstore.Config{Path: folder})
	put(t, store, "sealed/s-t01000-7", content(100))
	path := store.FullPath(bg, "sealed/s-t01000-7")
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content(100)) || path != folder+"/sealed/s-t01000-7" {
		t.Errorf("%s: %d bytes, %v", path, len(got), err)
	}
}

// temporaries lists what writers keep in a folder while they write.
func temporaries(t *testing.T, folder string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".scabbard-tmp-") {
			found = append(found, path)
		}
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			err = nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// noTemporaries fails the test when a writer left something.
func noTemporaries(t *testing.T, folder string) {
	t.Helper()
	for _, left := range temporaries(t, folder) {
		t.Errorf("left behind: %s", left)
	}
}

type expectation struct {
	name string
	run  func(*testing.T, objstore.Store)
}

// runAll holds a store to what is expected of it. The store is empty, and may be written.
func runAll(t *testing.T, store objstore.Store, all []expectation) {
	for _, test := range all {
		t.Run(test.name, func(t *testing.T) { test.run(t, store) })
	}
}

// What damocles may rely on, from any store of either plugin; then, from those of plugin-scabbard; then, from those of
// them that are folders.
var (
	acceptance = []expectation{
		{"Object_reads_back_as_it_was_put", objectReadsBack},
		{"Missing_object_is_not_found_by_every_name_of_it", missingObject},
		{"Removed_object_is_gone", removedObject},
		{"Put_replaces_an_object", putReplaces},
		{"Empty_object_exists", emptyObject},
		{"Open_reader_keeps_its_content", readerKeepsContent},
		{"ReadAt_and_Seek_reach_every_range", ranges},
		{"Reader_serves_io_Copy_of_every_kind", copies},
		{"Closed_reader_says_so", closedReader},
		{"Unusual_name_is_kept_as_it_is", unusualNames},
		{"InstanceInfo_adds_up", instanceInfo},
		{"Ended_context_ends_the_call", endedContext},
		{"Context_that_ends_in_between_ends_the_call", contextEndsInBetween},
		{"Failing_source_leaves_no_object", failingSource},
		{"Source_that_never_gives_anything_is_given_up", sourceWithoutProgress},
		{"Panic_in_the_source_passes_through", panickingSource},
		{"Regular_file_is_put_from_its_position", putFile},
		{"Source_of_any_other_kind_is_put", putOthers},
		{"ReadRanges_has_a_result_for_each_range", readRanges},
	}
	ownAcceptance = []expectation{
		{"Name_outside_the_rules_is_refused", hostileNames},
		{"FullPath_never_leaves_the_store", fullPath},
		{"Context_of_Get_that_ends_ends_the_reading", contextOfGetEnds},
	}
	folderAcceptance = []expectation{
		{"Missing_object_is_a_missing_file", missingFile},
		{"Name_longer_than_that_of_a_file_is_refused", longName},
		{"Folder_is_no_object", folderIsNoObject},
		{"Type_is_scabbard_and_the_scheme", typeNamesTheScheme},
	}
)

var bg = context.Background()

// content is length bytes that look like a sector: no two blocks of it are alike.
func content(length int) []byte {
	b := make([]byte, length)
	rand.NewChaCha8([32]byte{byte(length), byte(length >> 8)}).Read(b)
	return b
}

func put(t *testing.T, store objstore.Store, object string, data []byte) {
	t.Helper()
	n, err := store.Put(bg, object, bytes.NewReader(data))
	if err != nil || n != int64(len(data)) {
		t.Fatalf("put %q: %d bytes, %v; want %d", object, n, err, len(data))
	}
}

func get(t *testing.T, store objstore.Store, object string) io.ReadCloser {
	t.Helper()
	r, err := store.Get(bg, object)
	if err != nil {
		t.Fatalf("get %q: %v", object, err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// mustHold checks size and bytes of an object.
func mustHold(t *testing.T, store objstore.Store, object string, want []byte) {
	t.Helper()
	stat, err := store.Stat(bg, object)
	if err != nil || stat.Size != int64(len(want)) {
		t.Fatalf("stat %q: %d bytes, %v; want %d", object, stat.Size, err, len(want))
	}
	r := get(t, store, object)
	defer r.Close()
	got, err := io.ReadAll(struct{ io.Reader }{r}) // Read, not WriteTo
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("get %q: %d bytes, %v; want %d, equal: %v", object, len(got), err, len(want), bytes.Equal(got, want))
	}
}

func mustBeMissing(t *testing.T, store objstore.Store, object string) {
	t.Helper()
	_, err := store.Stat(bg, object)
	mustBe(t, "stat "+object, err, objstore.ErrObjectNotFound)
}

// mustBe checks that err is all of the wanted errors at once, and that its text is one line.
func mustBe(t *testing.T, what string, err error, wanted ...error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %v", what, wanted)
		return
	}
	for _, want := range wanted {
		if !errors.Is(err, want) {
			t.Errorf("%s: %q is not %q", what, err, want)
		}
	}
	if text := err.Error(); text == "" || strings.Contains(text, "\n") {
		t.Errorf("%s: not one line: %q", what, text)
	}
}

func objectReadsBack(t *testing.T, store objstore.Store) {
	for _, length := range []int{1, 4096, 64<<10 - 1, 64 << 10, 1<<20 + 1, 64 << 20} {
		object := fmt.Sprintf("back/%d", length)
		put(t, store, object, content(length))
		mustHold(t, store, object, content(length))
	}
}

func missingObject(t *testing.T, store objstore.Store) {
	wanted := []error{objstore.ErrObjectNotFound, fs.ErrNotExist}
	for _, object := range []string{"missing", "no/such/folder/missing"} {
		_, err := store.Stat(bg, object)
		mustBe(t, "stat", err, wanted...)
		r, err := store.Get(bg, object)
		mustBe(t, "get", err, wanted...)
		if r != nil {
			t.Errorf("get of a missing object gave %T", r)
		}
		mustBe(t, "del", store.Del(bg, object), wanted...)
		if !strings.Contains(err.Error(), object) {
			t.Errorf("%q does not name the object", err)
		}
	}
}

func missingFile(t *testing.T, store objstore.Store) {
	_, err := store.Get(bg, "missing")
	mustBe(t, "get", err, syscall.ENOENT)
}

func removedObject(t *testing.T, store objstore.Store) {
	put(t, store, "removed", content(10))
	if err := store.Del(bg, "removed"); err != nil {
		t.Fatal(err)
	}
	mustBeMissing(t, store, "removed")
}

func putReplaces(t *testing.T, store objstore.Store) {
	for _, length := range []int{1 << 20, 10, 2 << 20} {
		put(t, store, "replaced", content(length))
		mustHold(t, store, "replaced", content(length))
	}
}

func emptyObject(t *testing.T, store objstore.Store) {
	put(t, store, "empty", nil)
	mustHold(t, store, "empty", nil)
	if n, err := io.Copy(io.Discard, get(t, store, "empty")); n != 0 || err != nil {
		t.Errorf("copy: %d, %v", n, err)
	}
}

func readerKeepsContent(t *testing.T, store objstore.Store) {
	old := content(3 << 20)
	put(t, store, "kept", old)
	r := get(t, store, "kept")
	got := make([]byte, len(old))
	if _, err := io.ReadFull(r, got[:1<<20]); err != nil {
		t.Fatal(err)
	}
	put(t, store, "kept", content(1<<20+7))
	if _, err := io.ReadFull(r, got[1<<20:2<<20]); err != nil {
		t.Fatal(err)
	}
	if err := store.Del(bg, "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, got[2<<20:]); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, old) {
		t.Error("the reader mixed two contents")
	}
}

func ranges(t *testing.T, store objstore.Store) {
	data := content(1000)
	put(t, store, "ranges", data)
	r := get(t, store, "ranges").(interface {
		io.ReaderAt
		io.ReadSeeker
	})
	for _, test := range []struct {
		offset int64
		length int
		want   []byte
		err    error
	}{
		{0, 10, data[:10], nil},
		{990, 10, data[990:], nil},
		{990, 11, data[990:], io.EOF},
		{1000, 1, nil, io.EOF},
		{1 << 40, 1, nil, io.EOF},
		{500, 0, nil, nil},
	} {
		got := make([]byte, test.length)
		n, err := r.ReadAt(got, test.offset)
		if !bytes.Equal(got[:n], test.want) || err != test.err {
			t.Errorf("ReadAt(%d, %d) = %d, %v", test.length, test.offset, n, err)
		}
	}
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("ReadAt(-1) = %v", err)
	}

	for _, test := range []struct {
		offset int64
		whence int
		want   int64
	}{
		{10, io.SeekStart, 10}, {5, io.SeekCurrent, 25}, {-100, io.SeekEnd, 900}, {7, io.SeekEnd, 1007}, {0, io.SeekStart, 0},
	} {
		position, err := r.Seek(test.offset, test.whence)
		if position != test.want || err != nil {
			t.Errorf("Seek(%d, %d) = %d, %v", test.offset, test.whence, position, err)
		}
		got := make([]byte, 10)
		n, err := io.ReadFull(r, got)
		if position > 1000 {
			if n != 0 || err != io.EOF {
				t.Errorf("read at %d = %d, %v", position, n, err)
			}
		} else if err != nil || !bytes.Equal(got, data[position:position+10]) {
			t.Errorf("read at %d = %d, %v", position, n, err)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Seek(-1) = %v", err)
	}
	if _, err := r.Seek(0, 9); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Seek with whence 9 = %v", err)
	}
}

// copies covers what io.Copy finds in the reader: WriteTo, with and without a descriptor behind it.
func copies(t *testing.T, store objstore.Store) {
	data := content(3<<20 + 5)
	put(t, store, "copied", data)

	t.Run("into_memory", func(t *testing.T) {
		var got bytes.Buffer
		if n, err := io.Copy(&got, get(t, store, "copied")); n != int64(len(data)) || err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%d, %v", n, err)
		}
	})
	for name, flags := range map[string]int{"into_a_file_at_its_position": 0, "into_a_file_that_appends": os.O_APPEND} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "copy")
			file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|flags, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			fmt.Fprint(file, "head")
			r := get(t, store, "copied")
			io.CopyN(io.Discard, struct{ io.Reader }{r}, 5)
			if n, err := io.Copy(file, r); n != int64(len(data)-5) || err != nil {
				t.Errorf("copy = %d, %v", n, err)
			}
			fmt.Fprint(file, "tail")
			got, _ := os.ReadFile(path)
			if want := "head" + string(data[5:]) + "tail"; string(got) != want {
				t.Errorf("the file holds %d bytes, want %d; head %q, tail %q", len(got), len(want), got[:4], got[len(got)-4:])
			}
			if n, err := io.Copy(file, r); n != 0 || err != nil {
				t.Errorf("copy at the end = %d, %v", n, err)
			}
		})
	}
	t.Run("into_a_pipe", func(t *testing.T) {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r := get(t, store, "copied")
		failed := make(chan error, 1)
		go func() {
			_, err := io.Copy(write, r)
			write.Close()
			failed <- err
		}()
		got, err := io.ReadAll(read)
		if err := errors.Join(err, <-failed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("into_a_closed_file", func(t *testing.T) {
		file, err := os.Create(filepath.Join(t.TempDir(), "closed"))
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		_, err = io.Copy(file, get(t, store, "copied"))
		mustBe(t, "copy", err, fs.ErrClosed)
	})
	t.Run("into_a_writer_that_fails", func(t *testing.T) {
		broken := errors.New("broken")
		_, err := io.Copy(writerFunc(func([]byte) (int, error) { return 0, broken }), get(t, store, "copied"))
		mustBe(t, "copy", err, broken)
		_, err = io.Copy(writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil }), get(t, store, "copied"))
		mustBe(t, "copy", err, io.ErrShortWrite)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func closedReader(t *testing.T, store objstore.Store) {
	put(t, store, "closed", content(1<<20))
	r := get(t, store, "closed")
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
	_, err := r.Read(make([]byte, 1))
	mustBe(t, "read", err, fs.ErrClosed, objstore.ErrNotOpened)
	_, err = r.(io.ReaderAt).ReadAt(make([]byte, 1), 0)
	mustBe(t, "read at", err, fs.ErrClosed)
	_, err = r.(io.Seeker).Seek(0, io.SeekStart)
	mustBe(t, "seek", err, fs.ErrClosed)
	_, err = io.Copy(io.Discard, r)
	mustBe(t, "copy", err, fs.ErrClosed)

	// Close while others read: each of them gets bytes or learns of the close.
	want := content(1 << 20)
	for range 20 {
		r := get(t, store, "closed")
		failures := make(chan error)
		for range 4 {
			go func() {
				got := make([]byte, 1<<20)
				for {
					n, err := r.(io.ReaderAt).ReadAt(got, 0)
					if err != nil {
						failures <- err
						return
					}
					if !bytes.Equal(got[:n], want) {
						failures <- errors.New("read other bytes")
						return
					}
				}
			}()
		}
		if _, err := io.CopyN(io.Discard, struct{ io.Reader }{r}, 1<<19); err != nil {
			t.Error(err)
		}
		r.Close()
		for range 4 {
			mustBe(t, "read during close", <-failures, fs.ErrClosed)
		}
	}
}

func hostileNames(t *testing.T, store objstore.Store) {
	for _, object := range []string{"", "/", "/x", "x/", "a//b", ".", "..", "./x", "../x", "a/../../x", "a/./b", "a/..",
		"nul\x00byte", "\x00", strings.Repeat("long/", 1000) + "x",
		".scabbard-tmp-1", "a/.scabbard-tmp-1"} {
		refusesName(t, store, object)
	}
}

func longName(t *testing.T, store objstore.Store) { refusesName(t, store, strings.Repeat("x", 300)) }

func refusesName(t *testing.T, store objstore.Store, object string) {
	t.Helper()
	_, err := store.Stat(bg, object)
	mustBe(t, fmt.Sprintf("stat %.40q", object), err, objstore.ErrInvalidObjectPath)
	_, err = store.Get(bg, object)
	mustBe(t, fmt.Sprintf("get %.40q", object), err, objstore.ErrInvalidObjectPath)
	mustBe(t, fmt.Sprintf("del %.40q", object), store.Del(bg, object), objstore.ErrInvalidObjectPath)
	_, err = store.Put(bg, object, strings.NewReader("x"))
	mustBe(t, fmt.Sprintf("put %.40q", object), err, objstore.ErrInvalidObjectPath)
}

func unusualNames(t *testing.T, store objstore.Store) {
	for i, object := range []string{"with space", " ", "unicode/日本語-é", "50%", "%2e%2e", "a+b", "a?b#c&d=e", "back\\slash",
		"..x", "x..", "...", "new\nline", "quote\"'", "-rf", "*", strings.Repeat("n", 255)} {
		put(t, store, "names/"+object, content(i))
		mustHold(t, store, "names/"+object, content(i))
		if err := store.Del(bg, "names/"+object); err != nil {
			t.Errorf("del %q: %v", object, err)
		}
	}
}

func folderIsNoObject(t *testing.T, store objstore.Store) {
	put(t, store, "folder/object", content(10))
	_, err := store.Get(bg, "folder")
	mustBe(t, "get", err, objstore.ErrNotRegularFile, objstore.ErrObjectNotFound)
	_, err = store.Stat(bg, "folder")
	mustBe(t, "stat", err, objstore.ErrNotRegularFile)
	_, err = store.Put(bg, "folder", strings.NewReader("x"))
	mustBe(t, "put", err, objstore.ErrNotRegularFile)
	mustBe(t, "del", store.Del(bg, "folder"), objstore.ErrNotRegularFile)
	mustHold(t, store, "folder/object", content(10))

	mustBeMissing(t, store, "folder/object/below")
	if _, err := store.Put(bg, "folder/object/below", strings.NewReader("x")); err == nil {
		t.Error("an object was put below another one")
	}
	mustHold(t, store, "folder/object", content(10))
}

func fullPath(t *testing.T, store objstore.Store) {
	root := store.FullPath(bg, "")
	if strings.HasSuffix(root, "/") {
		t.Errorf("root %q", root)
	}
	for object, want := range map[string]string{"/": "", "x": "/x", "/x": "/x", "x/": "/x", "../x": "/x", "a/../../x": "/x", "a//b": "/a/b",
		"a b%+": "/a b%+"} {
		if got := store.FullPath(bg, object); got != root+want {
			t.Errorf("FullPath(%q) = %q, want %q", object, got, root+want)
		}
	}
}

func instanceInfo(t *testing.T, store objstore.Store) {
	info, err := store.InstanceInfo(bg)
	if err != nil {
		t.Fatal(err)
	}
	if info.Total == 0 || info.Free == 0 || info.Used+info.Free > info.Total || info.Type == "" {
		t.Errorf("%+v", info)
	}
	if want := float64(info.Used) / float64(info.Used+info.Free) * 100; info.UsedPercent != want {
		t.Errorf("used %v %%, want %v", info.UsedPercent, want)
	}
	if info.Config.Name != store.Instance(bg) || info.Config.Path != store.InstanceConfig(bg).Path {
		t.Errorf("%+v", info.Config)
	}
	if store.Version() == "" {
		t.Error("no version")
	}
}

func typeNamesTheScheme(t *testing.T, store objstore.Store) {
	if store.Type() != "scabbard-file" {
		t.Errorf("type %q", store.Type())
	}
}

// readRanges looks the optional interface up as a host does: by its shape.
func readRanges(t *testing.T, store objstore.Store) {
	ranges, ok := store.(interface {
		ReadRanges(context.Context, []string, []int64, [][]byte) ([]int, []error, error)
	})
	if !ok {
		t.Fatal("no ReadRanges")
	}
	data := content(1 << 20)
	put(t, store, "batch/a", data)

	const many = 10_000
	objects, offsets, into := make([]string, many), make([]int64, many), make([][]byte, many)
	backing := make([]byte, many*32)
	for i := range many {
		objects[i], offsets[i], into[i] = "batch/a", int64(i*100), backing[i*32:(i+1)*32]
	}
	objects[5], objects[6], objects[7] = "batch/missing", "../batch/a", "nul\x00"
	offsets[8] = -32
	offsets[9] = 1<<20 - 10
	offsets[10], into[10] = 0, nil
	got, errs, err := ranges.ReadRanges(bg, objects, offsets, into)
	if err != nil {
		t.Fatal(err)
	}
	mustBe(t, "missing", errs[5], objstore.ErrObjectNotFound)
	mustBe(t, "outside", errs[6], objstore.ErrInvalidObjectPath)
	mustBe(t, "NUL", errs[7], objstore.ErrInvalidObjectPath)
	for i := range many {
		want := data[min(i*100, len(data)):min(i*100+32, len(data))]
		switch i {
		case 5, 6, 7:
			continue
		case 8:
			want = data[1<<20-32:]
		case 9:
			want = data[1<<20-10:]
		case 10:
			want = nil
		}
		if errs[i] != nil || !bytes.Equal(into[i][:got[i]], want) {
			t.Fatalf("range %d: %d bytes, %v", i, got[i], errs[i])
		}
	}

	cancelled, cancel := context.WithCancel(bg)
	cancel()
	_, _, err = ranges.ReadRanges(cancelled, objects, offsets, into)
	mustBe(t, "cancelled", err, context.Canceled)
	if _, _, err = ranges.ReadRanges(bg, objects, offsets[1:], into); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("lengths that differ: %v", err)
	}
	if got, _, err := ranges.ReadRanges(bg, nil, nil, nil); len(got) != 0 || err != nil {
		t.Errorf("nothing to read: %v, %v", got, err)
	}
}
