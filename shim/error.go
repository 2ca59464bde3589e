package shim

/*
#include <string.h>
#include "scabbard/scabbard.h"

typedef struct {
  int32_t code, retryable, error_number;
  const char *message, *request_id;
} error_fields;

// All fields in one crossing from Go to C: a missing object is an everyday answer and must be cheap.
static void read_error(const scb_error *error, error_fields *fields) {
  fields->code = scb_error_code(error);
  fields->retryable = scb_error_retryable(error);
  fields->error_number = scb_error_errno(error);
  fields->message = scb_error_message(error);
  fields->request_id = scb_error_request_id(error);
}

#cgo noescape read_error
#cgo nocallback read_error
#cgo nocallback scb_error_free
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// Code says what kind of failure an Error is: one of the SCB_E* constants of scabbard.h.
type Code int32

// The codes, as scabbard.h describes them.
const (
	NotFound         Code = C.SCB_ENOT_FOUND
	AlreadyExists    Code = C.SCB_EALREADY_EXISTS
	InvalidArgument  Code = C.SCB_EINVALID_ARGUMENT
	InvalidPath      Code = C.SCB_EINVALID_PATH
	NotRegularFile   Code = C.SCB_ENOT_REGULAR_FILE
	ReadOnly         Code = C.SCB_EREAD_ONLY
	PermissionDenied Code = C.SCB_EPERMISSION_DENIED
	NoSpace          Code = C.SCB_ENO_SPACE
	Cancelled        Code = C.SCB_ECANCELLED
	DeadlineExceeded Code = C.SCB_EDEADLINE_EXCEEDED
	Unavailable      Code = C.SCB_EUNAVAILABLE
	Changed          Code = C.SCB_ECHANGED
	Corrupt          Code = C.SCB_ECORRUPT
	Unsupported      Code = C.SCB_EUNSUPPORTED
	Closed           Code = C.SCB_ECLOSED
	IO               Code = C.SCB_EIO
	Internal         Code = C.SCB_EINTERNAL
)

// identities lists what an Error of a code is to errors.Is. Cancelled and DeadlineExceeded are not here:
// which of the two a caller's context ended with is known to the context alone.
var identities = map[Code][]error{
	NotFound:         {objstore.ErrObjectNotFound, fs.ErrNotExist},
	AlreadyExists:    {fs.ErrExist},
	InvalidArgument:  {fs.ErrInvalid},
	InvalidPath:      {objstore.ErrInvalidObjectPath, fs.ErrInvalid},
	NotRegularFile:   {objstore.ErrNotRegularFile},
	ReadOnly:         {objstore.ErrReadOnlyStore},
	PermissionDenied: {fs.ErrPermission},
	Unsupported:      {errors.ErrUnsupported},
	Closed:           {objstore.ErrNotOpened, fs.ErrClosed},
}

// Error is why a call failed. errors.Is finds in it, at the same time, damocles' own errors (such as
// objstore.ErrObjectNotFound), their counterparts in io/fs, the errno of the failed system call, and the
// error of the context that ended the call.
type Error struct {
	Code    Code
	Message string // one line: operation, object, store, and why
	// Retryable: the same call may succeed later without anybody changing anything.
	Retryable bool
	Errno     syscall.Errno // 0 where no system call failed
	RequestID string        // the server's, "" where there is none

	also error // one more identity, may be nil
}

func (e *Error) Error() string { return e.Message }

// Temporary is Retryable for a host, which cannot name this type.
func (e *Error) Temporary() bool { return e.Retryable }

// Is makes errors.Is true for everything that e means.
func (e *Error) Is(target error) bool {
	if number, ok := target.(syscall.Errno); ok {
		return number != 0 && number == e.Errno
	}
	if e.also != nil && target == e.also {
		return true
	}
	for _, identity := range identities[e.Code] {
		if target == identity {
			return true
		}
	}
	return false
}

// takeError turns what a C call left behind into an *Error and releases it. scb_error_free
func takeError(ctx context.Context, code C.int32_t, failure *C.scb_error) error {
	if failure == nil { // no memory even for that
		return &Error{Code: Code(code), Message: C.GoString(C.scb_code_name(code)), also: endOf(ctx, Code(code))}
	}
	var fields C.error_fields
	C.read_error(failure, &fields)
	e := &Error{
		Code:      Code(fields.code),
		Message:   C.GoString(fields.message),
		Retryable: fields.retryable != 0,
		Errno:     syscall.Errno(fields.error_number),
		RequestID: C.GoString(fields.request_id),
		also:      endOf(ctx, Code(fields.code)),
	}
	C.scb_error_free(failure)
	return e
}

// endOf is the context's error where the core says that the context ended, else nil. The core's clock may
// be a moment ahead of the context's timer, hence the second choice.
func endOf(ctx context.Context, code Code) error {
	if code != Cancelled && code != DeadlineExceeded {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if code == DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// cName writes object and the NUL that C needs into space, which the caller has on its stack.
func cName(space []byte, object string) ([]byte, error) {
	if strings.IndexByte(object, 0) >= 0 {
		return nil, &Error{Code: InvalidPath, Message: fmt.Sprintf("object name %q: holds a NUL byte", object)}
	}
	return append(append(space, object...), 0), nil
}

// nameSpace holds every name that damocles uses; longer ones go to the heap.
const nameSpace = 128
