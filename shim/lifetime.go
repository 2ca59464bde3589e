package shim

/*
#include "scabbard/scabbard.h"
*/
import "C"

import (
	"context"
	"runtime"
	"sync"
)

// background is the work that nobody waits for, until Shutdown ends it.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

var (
	currentMu sync.Mutex
	current   = newBackground()
)

func newBackground() *background {
	b := &background{}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

func startBackground(task func(context.Context)) {
	currentMu.Lock()
	defer currentMu.Unlock()
	b := current
	b.tasks.Add(1)
	go func() {
		defer b.tasks.Done()
		task(b.ctx)
	}()
}

// replaceBackground returns the background so far; what starts from now on belongs to the next one.
func replaceBackground() *background {
	currentMu.Lock()
	defer currentMu.Unlock()
	b := current
	current = newBackground()
	return b
}

// sweep removes what writers that died on this host left in the store. That it failed is the core's to
// log, and no reason for the store not to work. scb_store_sweep
func (s *Store) sweep(ctx context.Context) {
	w := watching(ctx)
	defer w.release()
	var failure *C.scb_error
	c := w.context()
	C.scb_store_sweep(s.handle.pointer, &c, nil, nil, &failure)
	runtime.KeepAlive(s.handle)
	C.scb_error_free(failure)
}

// Shutdown closes every open store and ends the core's threads; a plugin calls it from its OnShutdown.
// When ctx ends first, its error is returned and the rest happens in the background. Stores opened
// afterwards work. scb_shutdown
func Shutdown(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := replaceBackground()
		b.cancel()
		C.scb_shutdown()
		b.tasks.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
