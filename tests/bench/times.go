package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/tests/bench/report"
)

const existingObject, missingObject = "cache/s-t01000-7/p_aux", "cache/s-t01000-8/p_aux"

// operation is one small call; it fails when the answer is not the expected one.
type operation func(objstore.Store) error

func statExisting(store objstore.Store) error {
	_, err := store.Stat(context.Background(), existingObject)
	return err
}

func statMissing(store objstore.Store) error {
	if _, err := store.Stat(context.Background(), missingObject); err == nil {
		return errors.New("stat of a missing object succeeded")
	}
	return nil
}

func getMissing(store objstore.Store) error {
	if _, err := store.Get(context.Background(), missingObject); !errors.Is(err, objstore.ErrObjectNotFound) {
		return fmt.Errorf("get of a missing object: %v", err)
	}
	return nil
}

func benchTimes(s settings, both *pair, results *report.Report) error {
	path := filepath.Join(both.folder, existingObject)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, make([]byte, 64), 0o644); err != nil {
		return err
	}
	for _, bench := range []struct {
		name string
		call operation
	}{{"stat_existing", statExisting}, {"stat_missing", statMissing}, {"get_missing", getMissing}} {
		for _, parallel := range []int{1, 128} {
			name := fmt.Sprintf("%s_%d", bench.name, parallel)
			if !s.wants(name) {
				continue
			}
			side := func(store objstore.Store) func() (float64, error) {
				return func() (float64, error) { return timePerCall(s.perRound, parallel, store, bench.call) }
			}
			found, err := measure(s.rounds, side(both.scabbard), side(both.peer))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			results.Add(name, found, "us/op", report.RatioAtMost(1))
		}
	}
	return nil
}

// timePerCall has `parallel` goroutines call for a while: wall time over all calls, in microseconds.
func timePerCall(length time.Duration, parallel int, store objstore.Store, call operation) (float64, error) {
	var group sync.WaitGroup
	counts := make([]int, parallel)
	failures := make([]error, parallel)
	start := time.Now()
	for i := range parallel {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Since(start) < length {
				for range 16 {
					if failures[i] = call(store); failures[i] != nil {
						return
					}
				}
				counts[i] += 16
			}
		}()
	}
	group.Wait()
	elapsed := time.Since(start)
	calls := 0
	for _, count := range counts {
		calls += count
	}
	return float64(elapsed.Nanoseconds()) / 1000 / float64(calls), errors.Join(failures...)
}
