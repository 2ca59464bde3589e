package suite

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

func TestShutdown_ends_everything_that_was_open(t *testing.T) {
	folder := t.TempDir()
	store := open(t, objstore.Config{Path: folder})
	put(t, store, "object", content(1<<20))
	reader := get(t, store, "object")
	source, feed := io.Pipe()
	failed := make(chan error)
	go func() {
		_, err := store.Put(bg, "unfinished", source)
		failed <- err
	}()
	if _, err := feed.Write([]byte("x")); err != nil { // returns once Put reads
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(bg, time.Minute)
	defer cancel()
	if err := manifest.OnShutdown(ctx, &manifest.Manifest); err != nil {
		t.Fatal(err)
	}
	feed.Close()
	wanted := []error{fs.ErrClosed, objstore.ErrNotOpened}
	mustBe(t, "put under way", <-failed, wanted...)
	_, err := reader.Read(make([]byte, 1))
	mustBe(t, "read", err, wanted...)
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	_, err = store.Stat(bg, "object")
	mustBe(t, "stat", err, wanted...)
	_, err = store.Get(bg, "object")
	mustBe(t, "get", err, wanted...)
	_, err = store.Put(bg, "object", strings.NewReader("x"))
	mustBe(t, "put", err, wanted...)
	mustBe(t, "del", store.Del(bg, "object"), wanted...)
	_, err = store.InstanceInfo(bg)
	mustBe(t, "instance info", err, wanted...)
	if store.Instance(bg) != folder || store.FullPath(bg, "x") != folder+"/x" {
		t.Error("a closed store forgot its name")
	}

	again := open(t, objstore.Config{Path: folder})
	mustHold(t, again, "object", content(1<<20))
	mustBeMissing(t, again, "unfinished")
	noTemporaries(t, folder)
}
