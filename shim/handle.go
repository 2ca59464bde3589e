package shim

import "runtime"

// handle owns one C object, P being the pointer to it. The object is released once: by Free, or when
// nothing refers to the handle any more. Whoever passes pointer to C calls runtime.KeepAlive on the handle
// afterwards, or the collector may release the object in the middle of the call.
type handle[P comparable] struct {
	pointer P
	release func(P)
	cleanup runtime.Cleanup
}

func own[P comparable](pointer P, release func(P)) *handle[P] {
	h := &handle[P]{pointer: pointer, release: release}
	h.cleanup = runtime.AddCleanup(h, release, pointer)
	return h
}

// Free releases the C object. Idempotent; not to be called while the pointer is in use.
func (h *handle[P]) Free() {
	var none P
	if h.pointer == none {
		return
	}
	h.cleanup.Stop()
	h.release(h.pointer)
	h.pointer = none
}
