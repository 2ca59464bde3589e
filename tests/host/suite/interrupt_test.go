package suite

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// A copy into a file is one call of the core for the whole object, so it is the one that can be met in the
// middle: the object here takes seconds to copy, and the interruption comes with the first bytes.
func TestCall_under_way_ends_when(t *testing.T) {
	const size = 8 << 30 // a hole, so that making it costs nothing
	folder := t.TempDir()
	store := open(t, objstore.Config{Path: folder})
	writeFile(t, folder+"/large", "")
	if err := os.Truncate(folder+"/large", size); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		interrupt func(cancel func(), r io.Closer)
		want      error
	}{
		{"its_context_ends", func(cancel func(), _ io.Closer) { cancel() }, context.Canceled},
		{"its_reader_is_closed", func(_ func(), r io.Closer) { r.Close() }, fs.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(bg)
			defer cancel()
			r, err := store.Get(ctx, "large")
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			file, err := os.Create(t.TempDir() + "/copy")
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()

			var copied int64
			done := make(chan error)
			go func() {
				var err error
				copied, err = io.Copy(file, r)
				done <- err
			}()
			for {
				if info, err := file.Stat(); err != nil || info.Size() > 0 {
					break
				}
			}
			test.interrupt(cancel, r)
			mustBe(t, "copy", <-done, test.want)
			if info, _ := file.Stat(); copied != info.Size() || copied >= size {
				t.Errorf("copied %d of %d, says the reader; the file holds %d", copied, int64(size), info.Size())
			}
			if _, err := r.Read(make([]byte, 1)); !errors.Is(err, test.want) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}
