package shim

/*
#include "scabbard/scabbard.h"
*/
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"
)

// RangeReader reads many ranges in one call, which is how proofs read: on a store across a network all of
// them are under way at once. A host finds it by a type assertion on its objstore.Store; the method needs
// no type of this package.
type RangeReader interface {
	// ReadRanges reads len(into[i]) bytes of objects[i] from offsets[i] on, or where that is negative from
	// so many bytes before the end, into into[i]. got[i] is smaller than that only where the object ends;
	// errs[i] is why a range failed, which does not fail the others. An empty into[i] asks whether the
	// object exists. err is set where the call failed as a whole.
	ReadRanges(ctx context.Context, objects []string, offsets []int64, into [][]byte) (got []int, errs []error, err error)
}

var _ RangeReader = (*Store)(nil)

// ReadRanges is RangeReader's. scb_store_read
func (s *Store) ReadRanges(ctx context.Context, objects []string, offsets []int64, into [][]byte) ([]int, []error, error) {
	if len(offsets) != len(objects) || len(into) != len(objects) {
		return nil, nil, &Error{Code: InvalidArgument, Message: fmt.Sprintf(
			"read ranges: %d objects, %d offsets, %d buffers", len(objects), len(offsets), len(into))}
	}
	got, errs := make([]int, len(objects)), make([]error, len(objects))
	entries, which, names := make([]C.scb_range_read, 0, len(objects)), make([]int, 0, len(objects)), []byte{}
	starts := make([]int, 0, len(objects))
	for i, object := range objects {
		start := len(names)
		longer, err := cName(names, object)
		if err != nil {
			errs[i] = err
			continue
		}
		names = longer
		starts, which = append(starts, start), append(which, i)
		entries = append(entries, C.scb_range_read{offset: C.int64_t(offsets[i]), length: C.size_t(len(into[i]))})
	}
	if len(entries) == 0 {
		return got, errs, ctx.Err()
	}
	if err := s.enter(ctx, s.gates.calls, "read", ""); err != nil {
		return nil, nil, err
	}
	defer s.gates.calls.leave()
	w := watching(ctx)
	defer w.release()

	// The entries point to Go memory, which must not move while the core fills it.
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&names[0])
	for k, i := range which {
		entries[k].object = (*C.char)(unsafe.Pointer(&names[starts[k]]))
		if len(into[i]) > 0 {
			pinner.Pin(&into[i][0])
			entries[k].into = unsafe.Pointer(&into[i][0])
		}
	}
	var failure *C.scb_error
	c := w.context()
	code := C.scb_store_read(s.handle.pointer, &c, &entries[0], C.size_t(len(entries)), &failure)
	runtime.KeepAlive(s.handle)
	for k, i := range which {
		if entries[k].code != C.SCB_OK {
			errs[i] = takeError(ctx, entries[k].code, entries[k].error)
			continue
		}
		got[i] = int(entries[k].got)
	}
	if code != C.SCB_OK {
		return got, errs, takeError(ctx, code, failure)
	}
	return got, errs, nil
}
