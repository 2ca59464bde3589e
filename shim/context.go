package shim

/*
#include "scabbard/scabbard.h"

#cgo nocallback scb_cancel_new
#cgo nocallback scb_cancel_fire
#cgo nocallback scb_cancel_free
*/
import "C"

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// token ends C calls.
type token = handle[*C.scb_cancel]

// tokens holds some that were never fired. scb_cancel_new
var tokens = sync.Pool{New: func() any {
	pointer := C.scb_cancel_new()
	if pointer == nil {
		panic("scabbard: out of memory")
	}
	return own(pointer, func(p *C.scb_cancel) { C.scb_cancel_free(p) })
}}

// fire ends every call that was given the token. scb_cancel_fire
func fire(t *token) {
	C.scb_cancel_fire(t.pointer)
	runtime.KeepAlive(t)
}

// watch carries a context into C calls: its token fires when the context ends.
type watch struct {
	ctx   context.Context
	token *token
	stop  func() bool // nil where ctx never ends
}

// watching is for calls that only ctx can end: no token where ctx never ends.
func watching(ctx context.Context) watch {
	if ctx.Done() == nil {
		return watch{ctx: ctx}
	}
	return watchingWith(ctx, tokens.Get().(*token))
}

// watchingWith is for calls that the owner of the token can end too.
func watchingWith(ctx context.Context, t *token) watch {
	w := watch{ctx: ctx, token: t}
	if ctx.Done() != nil {
		w.stop = context.AfterFunc(ctx, func() {
			// A deadline is the core's own to keep, which then says so and not "cancelled".
			if _, known := ctx.Deadline(); !known || ctx.Err() != context.DeadlineExceeded {
				fire(t)
			}
		})
	}
	return w
}

// outliving is w without its context, for what goes on when that has ended.
func (w watch) outliving() watch {
	t := w.token
	if w.stop != nil && !w.stop() { // fired, or about to be
		t = tokens.Get().(*token)
	}
	return watchingWith(context.Background(), t)
}

// context is what a C call that starts now is given.
func (w *watch) context() C.scb_context {
	c := C.scb_context{timeout_ns: -1}
	if w.token != nil {
		c.cancel = w.token.pointer
	}
	if deadline, ok := w.ctx.Deadline(); ok {
		c.timeout_ns = C.int64_t(max(1, time.Until(deadline))) // 0 would be none
	}
	return c
}

// release ends the watch. A token that has fired, or is about to, is left to the collector.
func (w *watch) release() {
	runtime.KeepAlive(w.token)
	if w.token != nil && (w.stop == nil || w.stop()) {
		tokens.Put(w.token)
	}
}

// gate bounds how many C calls wait at once: each holds a thread, and 10,000 threads end a Go process.
type gate chan struct{}

// enter waits for a place, or for the end of ctx. An ended ctx never enters.
func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	default:
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// gates are a store's, 256 places in all, so that one store that hangs leaves the others alone. There are
// several because a call that waits for memory must never keep out the one that would give memory back:
// an object being read or written goes on whatever is queued in front of the next one.
type gates struct {
	calls gate // stat, remove, opening a reader, batches
	reads gate // each read of an open reader
	puts  gate // each Put from beginning to end
	space gate // InstanceInfo, which the manager calls under a lock: not behind 128 calls that hang
}

func newGates() gates {
	return gates{calls: make(gate, 120), reads: make(gate, 64), puts: make(gate, 64), space: make(gate, 8)}
}
