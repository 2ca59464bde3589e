package shim

/*
#include "scabbard/scabbard.h"
*/
import "C"

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"unsafe"
)

// Reader reads one object, always the content that it had when it was opened. ReadAt and Close may be
// called at any time from any goroutine; calls that use the position take turns.
type Reader struct {
	object string
	size   int64
	watch  watch // of the context that was given to Get
	gate   gate

	position sync.Mutex // held while the core's position is used

	mu     sync.Mutex // guards what follows
	handle *handle[*C.scb_reader]
	users  int // calls under way
	closed bool
}

var _ interface {
	io.ReadCloser
	io.WriterTo
	io.ReaderAt
	io.Seeker
} = (*Reader)(nil)

// newReader takes the reader and the watch over. scb_reader_info
func newReader(pointer *C.scb_reader, object string, w watch, reads gate) *Reader {
	var info C.scb_object_info
	C.scb_reader_info(pointer, &info)
	return &Reader{
		object: object,
		size:   int64(info.size),
		watch:  w,
		gate:   reads,
		handle: own(pointer, func(p *C.scb_reader) { C.scb_reader_free(p) }),
	}
}

// begin makes sure that the core's reader stays until end is called.
func (r *Reader) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.errClosed()
	}
	r.users++
	return nil
}

func (r *Reader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users--
	if r.closed && r.users == 0 {
		r.handle.Free()
	}
}

// beginCall is begin for a call that may wait.
func (r *Reader) beginCall() error {
	if err := r.begin(); err != nil {
		return err
	}
	if err := r.gate.enter(r.watch.ctx); err != nil {
		r.end()
		return fmt.Errorf("read %q: %w", r.object, err)
	}
	return nil
}

func (r *Reader) endCall() {
	r.gate.leave()
	r.end()
}

// Close ends reads that are under way and releases the object. Idempotent. scb_reader_free
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if r.users > 0 { // the last of them releases the object
		if r.watch.stop != nil {
			r.watch.stop()
		}
		fire(r.watch.token)
		return nil
	}
	r.watch.release()
	r.handle.Free()
	return nil
}

func (r *Reader) errClosed() error {
	return &Error{Code: Closed, Message: fmt.Sprintf("read %q: the reader is closed", r.object)}
}

// failed turns the failure of a read into an error: one that Close ended is not the context's doing.
func (r *Reader) failed(code C.int32_t, failure *C.scb_error) error {
	err := takeError(r.watch.ctx, code, failure)
	if Code(code) == Cancelled && r.watch.ctx.Err() == nil {
		return r.errClosed()
	}
	return err
}

// Read reads at the position. scb_reader_read
func (r *Reader) Read(p []byte) (int, error) {
	r.position.Lock()
	defer r.position.Unlock()
	if err := r.beginCall(); err != nil {
		return 0, err
	}
	defer r.endCall()
	if len(p) == 0 {
		return 0, nil
	}
	var got C.size_t
	var failure *C.scb_error
	c := r.watch.context()
	code := C.scb_reader_read(r.handle.pointer, &c, unsafe.Pointer(&p[0]), C.size_t(len(p)), &got, &failure)
	if code != C.SCB_OK {
		return 0, r.failed(code, failure)
	}
	if got == 0 {
		return 0, io.EOF
	}
	return int(got), nil
}

// ReadAt reads at an offset and leaves the position alone. scb_reader_read_at
func (r *Reader) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, &fs.PathError{Op: "readat", Path: r.object, Err: fs.ErrInvalid}
	}
	if err := r.beginCall(); err != nil {
		return 0, err
	}
	defer r.endCall()
	if len(p) == 0 {
		return 0, nil
	}
	var got C.size_t
	var failure *C.scb_error
	c := r.watch.context()
	code := C.scb_reader_read_at(r.handle.pointer, &c, C.uint64_t(offset), unsafe.Pointer(&p[0]), C.size_t(len(p)),
		&got, &failure)
	if code != C.SCB_OK {
		return 0, r.failed(code, failure)
	}
	if int(got) < len(p) {
		return int(got), io.EOF
	}
	return int(got), nil
}

// Seek moves the position; past the end is allowed. scb_reader_seek
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	r.position.Lock()
	defer r.position.Unlock()
	if err := r.begin(); err != nil {
		return 0, err
	}
	defer r.end()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += int64(C.scb_reader_position(r.handle.pointer))
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, &fs.PathError{Op: "seek", Path: r.object, Err: fs.ErrInvalid}
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: r.object, Err: fs.ErrInvalid}
	}
	C.scb_reader_seek(r.handle.pointer, C.uint64_t(offset))
	return offset, nil
}

// blocks are what WriteTo reads into: large enough that a call costs nothing beside the copying, small
// enough to stay in the processor's cache between being read and written.
var blocks = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// WriteTo copies from the position to the end, in the kernel where w is a regular file. scb_reader_copy_to
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	if file, ok := w.(*os.File); ok {
		// A pipe's or socket's descriptor may be non-blocking, and then belongs to Go's poller.
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			return r.copyTo(file)
		}
	}
	block := blocks.Get().(*[256 << 10]byte)
	defer blocks.Put(block)
	var copied int64
	for {
		n, err := r.Read(block[:])
		if err == io.EOF {
			return copied, nil
		}
		if err != nil {
			return copied, err
		}
		written, err := w.Write(block[:n])
		copied += int64(written)
		if err != nil {
			return copied, err
		}
		if written < n {
			return copied, io.ErrShortWrite
		}
		if n < len(block) { // only the end makes a read short
			return copied, nil
		}
	}
}

// copyTo keeps the file's descriptor open for as long as the core uses it. scb_reader_copy_to
func (r *Reader) copyTo(file *os.File) (int64, error) {
	r.position.Lock()
	defer r.position.Unlock()
	if err := r.beginCall(); err != nil {
		return 0, err
	}
	defer r.endCall()
	conn, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var copied C.uint64_t
	var code C.int32_t
	var failure *C.scb_error
	c := r.watch.context()
	err = conn.Control(func(descriptor uintptr) {
		code = C.scb_reader_copy_to(r.handle.pointer, &c, C.int(descriptor), &copied, &failure)
	})
	if err == nil && code != C.SCB_OK {
		err = r.failed(code, failure)
	}
	return int64(copied), err
}
