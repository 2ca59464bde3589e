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
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

func endedContext(t *testing.T, store objstore.Store) {
	put(t, store, "ended", content(10))
	cancelled, cancel := context.WithCancel(bg)
	cancel()
	late, cancelLate := context.WithDeadline(bg, time.Now().Add(-time.Second))
	defer cancelLate()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: context.DeadlineExceeded} {
		_, err := store.Stat(ctx, "ended")
		mustBe(t, "stat", err, want)
		if !strings.HasPrefix(err.Error(), `stat "ended" in store `) {
			t.Errorf("does not say what was to be done: %v", err)
		}
		_, err = store.Get(ctx, "ended")
		mustBe(t, "get", err, want)
		_, err = store.Put(ctx, "ended", readerFunc(func([]byte) (int, error) {
			t.Error("the source was read")
			return 0, io.EOF
		}))
		mustBe(t, "put", err, want)
		mustBe(t, "del", store.Del(ctx, "ended"), want)
		_, err = store.InstanceInfo(ctx)
		mustBe(t, "instance info", err, want)
	}
	mustHold(t, store, "ended", content(10))
}

func contextEndsInBetween(t *testing.T, store objstore.Store) {
	t.Run("of_Put", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bg)
		reads := 0
		_, err := store.Put(ctx, "between", readerFunc(func(p []byte) (int, error) {
			if reads++; reads == 3 {
				cancel()
			}
			return len(p) / 2, nil
		}))
		mustBe(t, "put", err, context.Canceled)
		if reads != 3 {
			t.Errorf("%d reads of the source, want none after the cancel", reads)
		}
		mustBeMissing(t, store, "between")
	})
	t.Run("of_Put_by_deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(bg, 5*time.Millisecond)
		defer cancel()
		_, err := store.Put(ctx, "between", readerFunc(func(p []byte) (int, error) { return min(100, len(p)), nil }))
		mustBe(t, "put", err, context.DeadlineExceeded)
		if strings.Contains(err.Error(), "cancelled") {
			t.Errorf("nobody cancelled: %v", err)
		}
		mustBeMissing(t, store, "between")
	})
	t.Run("after_the_call_and_hurts_nobody", func(t *testing.T) {
		put(t, store, "read", content(1<<20))
		ctx, cancel := context.WithCancel(bg)
		if _, err := store.Stat(ctx, "read"); err != nil {
			t.Fatal(err)
		}
		cancel()
		mustHold(t, store, "read", content(1<<20))
	})
}

func contextOfGetEnds(t *testing.T, store objstore.Store) {
	put(t, store, "read", content(1<<20))
	t.Run("of_reading", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bg)
		r, err := store.Get(ctx, "read")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = r.Read(make([]byte, 1000))
		mustBe(t, "read", err, context.Canceled)
		_, err = r.(io.ReaderAt).ReadAt(make([]byte, 1000), 0)
		mustBe(t, "read at", err, context.Canceled)
		_, err = io.Copy(io.Discard, r)
		mustBe(t, "copy", err, context.Canceled)
	})
	t.Run("of_copying", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bg)
		r, err := store.Get(ctx, "read")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = io.Copy(writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }), r)
		mustBe(t, "copy", err, context.Canceled)
	})
}

func failingSource(t *testing.T, store objstore.Store) {
	broken := errors.New("broken")
	put(t, store, "old", content(10))
	for _, object := range []string{"failing", "old"} {
		for _, length := range []int{0, 1, 100_000, 3 << 20} {
			// At the end the error comes with the last bytes, then on its own.
			for name, source := range map[string]io.Reader{
				"with":  iotest.DataErrReader(io.MultiReader(bytes.NewReader(content(length)), iotest.ErrReader(broken))),
				"after": io.MultiReader(bytes.NewReader(content(length)), iotest.ErrReader(broken)),
			} {
				n, err := store.Put(bg, object, source)
				mustBe(t, "put", err, broken)
				if n != int64(length) {
					t.Errorf("error %s %d bytes: put says %d", name, length, n)
				}
			}
		}
	}
	_, err := store.Put(bg, "two\nlines", iotest.ErrReader(broken))
	if err == nil || !strings.HasPrefix(err.Error(), `put "two\nlines" in store `) {
		t.Errorf("not one line that says what was to be done: %v", err)
	}
	_, err = store.Put(bg, "failing", readerFunc(func(p []byte) (int, error) { return len(p) + 1, nil }))
	mustBe(t, "put from a source that cannot count", err)
	mustBeMissing(t, store, "failing")
	mustHold(t, store, "old", content(10))
}

func sourceWithoutProgress(t *testing.T, store objstore.Store) {
	reads := 0
	_, err := store.Put(bg, "idle", readerFunc(func([]byte) (int, error) { reads++; return 0, nil }))
	mustBe(t, "put", err, io.ErrNoProgress)
	if reads != 100 {
		t.Errorf("%d reads", reads)
	}
	mustBeMissing(t, store, "idle")
}

func panickingSource(t *testing.T, store objstore.Store) {
	func() {
		defer func() {
			if got := recover(); got != "from the source" {
				t.Errorf("recovered %v", got)
			}
		}()
		reads := 0
		store.Put(bg, "panic", readerFunc(func(p []byte) (int, error) {
			if reads++; reads == 3 {
				panic("from the source")
			}
			return len(p) / 2, nil
		}))
	}()
	mustBeMissing(t, store, "panic")
	put(t, store, "panic", content(10))
}

// putFile covers sources that have a descriptor.
func putFile(t *testing.T, store objstore.Store) {
	data := content(2<<20 + 9)
	path := filepath.Join(t.TempDir(), "source")
	writeFile(t, path, string(data))
	open := func(t *testing.T) *os.File {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	position := func(file *os.File) int64 {
		at, _ := file.Seek(0, io.SeekCurrent)
		return at
	}

	for _, start := range []int64{0, 1, 1 << 20, int64(len(data)), int64(len(data)) + 5} {
		t.Run(fmt.Sprint("from_", start), func(t *testing.T) {
			file := open(t)
			file.Seek(start, io.SeekStart)
			want := data[min(start, int64(len(data))):]
			n, err := store.Put(bg, "file", file)
			if n != int64(len(want)) || err != nil {
				t.Errorf("put = %d, %v", n, err)
			}
			mustHold(t, store, "file", want)
			if want := max(start, int64(len(data))); position(file) != want {
				t.Errorf("position %d, want %d", position(file), want)
			}
		})
	}
	t.Run("and_as_far_as_a_LimitedReader_allows", func(t *testing.T) {
		for _, limit := range []int64{0, 1000, 1 << 30} {
			file := open(t)
			file.Seek(7, io.SeekStart)
			source := &io.LimitedReader{R: file, N: limit}
			want := data[7:min(7+limit, int64(len(data)))]
			n, err := store.Put(bg, "limited", source)
			if n != int64(len(want)) || err != nil {
				t.Errorf("put = %d, %v", n, err)
			}
			mustHold(t, store, "limited", want)
			if source.N != limit-n || position(file) != 7+n {
				t.Errorf("%d left, position %d", source.N, position(file))
			}
		}
	})
	t.Run("but_not_once_it_is_closed", func(t *testing.T) {
		file := open(t)
		file.Close()
		_, err := store.Put(bg, "unreadable", file)
		mustBe(t, "put", err, fs.ErrClosed)
		mustBeMissing(t, store, "unreadable")
	})
}

func putOthers(t *testing.T, store objstore.Store) {
	data := content(3<<20 + 1)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		write.Write(data)
		write.Close()
	}()
	for name, source := range map[string]io.Reader{
		"a_pipe":            read,
		"single_bytes":      io.MultiReader(iotest.OneByteReader(bytes.NewReader(data[:100_000])), bytes.NewReader(data[100_000:])),
		"data_with_EOF":     iotest.DataErrReader(bytes.NewReader(data)),
		"a_bytes_Buffer":    bytes.NewBuffer(data),
		"a_strings_Reader":  strings.NewReader(string(data)),
		"an_unknown_length": struct{ io.Reader }{bytes.NewReader(data)},
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := store.Put(bg, "other", source); n != int64(len(data)) || err != nil {
				t.Errorf("put = %d, %v", n, err)
			}
			mustHold(t, store, "other", data)
		})
	}
	t.Run("a_file_that_hides_its_length", func(t *testing.T) {
		file, err := os.Open("/proc/self/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		want, _ := os.ReadFile("/proc/self/cmdline")
		if _, err := store.Put(bg, "proc", file); err != nil {
			t.Fatal(err)
		}
		mustHold(t, store, "proc", want)
	})
	t.Run("no_directory", func(t *testing.T) {
		file, err := os.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		_, err = store.Put(bg, "directory", file)
		mustBe(t, "put", err)
		mustBeMissing(t, store, "directory")
	})
}
