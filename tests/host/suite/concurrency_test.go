package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// usage is what this process has of everything that can leak.
type usage struct{ goroutines, threads, descriptors, megabytes int }

func used(t *testing.T) usage {
	runtime.GC() // twice: what a cleanup releases is garbage only afterwards
	runtime.GC()
	debug.FreeOSMemory()
	u := usage{goroutines: runtime.NumGoroutine()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "Threads: %d", &u.threads)
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "RssAnon: %d", &kilobytes); n == 1 {
			u.megabytes = kilobytes >> 10
		}
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	u.descriptors = len(open)
	return u
}

func TestThreads_descriptors_and_memory_do_not_grow_with_use(t *testing.T) {
	for name, guard := range map[string]string{"on_a_local_filesystem": "never", "on_a_mount_that_could_hang": "always"} {
		t.Run(name, func(t *testing.T) { useTwice(t, map[string]string{"Guard": guard}) })
	}
}

const workers = 128

func useTwice(t *testing.T, options map[string]string) {
	folder := t.TempDir()
	store := open(t, objstore.Config{Path: folder, Meta: options})
	round := func() {
		var all sync.WaitGroup
		for i := range workers {
			all.Add(1)
			go func() {
				defer all.Done()
				work(t, store, rand.New(rand.NewPCG(7, uint64(i))))
			}()
		}
		all.Wait()
	}
	round()
	first := used(t)
	round()
	second := used(t)
	// A goroutine that context.AfterFunc started may still be on its way out.
	for limit := time.Now().Add(5 * time.Second); second.goroutines > first.goroutines && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
		second = used(t)
	}
	t.Logf("after one round %+v, after two %+v", first, second)
	if second.goroutines > first.goroutines || second.descriptors > first.descriptors {
		t.Errorf("leaked: %+v, then %+v", first, second)
	}
	// How many workers were in a call at once, each on a thread of its own, differs from round to round; what
	// malloc kept differs a little.
	if second.threads > max(first.threads, workers)+16 || second.megabytes > first.megabytes+16 {
		t.Errorf("grew: %+v, then %+v", first, second)
	}
	noTemporaries(t, folder)
}

// work uses a few objects that all workers share; every second call is cancelled at a random moment. An
// object holds one letter many times over, so that a torn one shows.
func work(t *testing.T, store objstore.Store, random *rand.Rand) {
	for range 60 {
		object := fmt.Sprintf("shared/%d", random.IntN(8))
		letter, length := byte('a'+random.IntN(26)), 1+random.IntN(300_000)
		ctx, cancel := bg, func() {}
		if random.IntN(2) == 0 {
			soon := time.Duration(random.IntN(2000)) * time.Microsecond
			if random.IntN(2) == 0 {
				ctx, cancel = context.WithTimeout(bg, soon)
			} else {
				ctx, cancel = context.WithCancel(bg)
				time.AfterFunc(soon, cancel)
			}
		}
		var err error
		switch random.IntN(4) {
		case 0:
			_, err = store.Stat(ctx, object)
		case 1:
			err = readWhole(ctx, store, object)
		case 2:
			_, err = store.Put(ctx, object, bytes.NewReader(bytes.Repeat([]byte{letter}, length)))
		case 3:
			err = store.Del(ctx, object)
		}
		if err != nil && !errors.Is(err, objstore.ErrObjectNotFound) && !isEndOf(ctx, err) {
			t.Errorf("%s: %v (context: %v)", object, err, ctx.Err())
		}
		cancel()
	}
}

// isEndOf says whether err is that of ctx, whose own timer may be a moment late.
func isEndOf(ctx context.Context, err error) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Now().After(deadline) {
		return errors.Is(err, context.DeadlineExceeded)
	}
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

func readWhole(ctx context.Context, store objstore.Store, object string) error {
	r, err := store.Get(ctx, object)
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err == nil && (len(data) == 0 || bytes.Count(data, data[:1]) != len(data)) {
		return errors.New("read a torn object")
	}
	return err
}

// A manager's context lives as long as the manager: what each call adds to it has to go with the call.
func TestContext_that_lives_long_collects_nothing(t *testing.T) {
	store := open(t, objstore.Config{Path: t.TempDir()})
	put(t, store, "object", content(10))
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	for range 10_000 {
		store.Stat(ctx, "object")
		store.Get(ctx, "missing")
		if r, err := store.Get(ctx, "object"); err == nil {
			r.Close()
		}
	}
	if after := heap(); after > before+1<<20 { // 10,000 of anything are more
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}

func TestReader_that_nobody_closes_is_released(t *testing.T) {
	store := open(t, objstore.Config{Path: t.TempDir()})
	put(t, store, "forgotten", content(10))
	before := used(t).descriptors
	for range 100 {
		if _, err := store.Get(bg, "forgotten"); err != nil {
			t.Fatal(err)
		}
	}
	for limit := time.Now().Add(10 * time.Second); used(t).descriptors > before; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d descriptors, then %d", before, used(t).descriptors)
		}
	}
}
