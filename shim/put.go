package shim

/*
#include "scabbard/scabbard.h"
*/
import "C"

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unsafe"
)

// Put stores what src holds from here to its end, durably, and returns how many bytes that was. Until it
// succeeds the name keeps what it held before; after an error the count says how much of src was taken.
// It never returns while src is being read: a Read that hangs makes Put hang, whatever ctx says.
// scb_store_put_file, scb_writer_open
func (s *Store) Put(ctx context.Context, object string, src io.Reader) (int64, error) {
	name, err := cName(nil, object)
	if err != nil {
		return 0, err
	}
	if err := s.enter(ctx, s.gates.puts, "put", object); err != nil {
		return 0, err
	}
	defer s.gates.puts.leave()
	w := watching(ctx)
	defer w.release()

	if source, ok := fileSourceOf(src); ok {
		n, err := s.putFile(&w, name, source)
		if e, ok := err.(*Error); !ok || e.Code != Unsupported {
			return n, err
		}
	}
	return s.putStream(&w, name, src)
}

// putStream reads src straight into the core's buffers. scb_writer_open, scb_writer_finish
func (s *Store) putStream(w *watch, name []byte, src io.Reader) (int64, error) {
	var pointer *C.scb_writer
	var failure *C.scb_error
	c := w.context()
	code := C.scb_writer_open(s.handle.pointer, &c, (*C.char)(unsafe.Pointer(&name[0])), 0, lengthOf(src), &pointer, &failure)
	runtime.KeepAlive(s.handle)
	if code != C.SCB_OK {
		return 0, takeError(w.ctx, code, failure)
	}
	writer := own(pointer, func(p *C.scb_writer) { C.scb_writer_free(p) })
	defer writer.Free() // gives an unfinished object up, also where src panics

	var taken int64
	for end := false; !end; {
		var buffer unsafe.Pointer
		var capacity C.size_t
		c = w.context()
		if code = C.scb_writer_acquire(writer.pointer, &c, &buffer, &capacity, &failure); code != C.SCB_OK {
			return taken, takeError(w.ctx, code, failure)
		}
		filled, err := fill(w.ctx, unsafe.Slice((*byte)(buffer), int(capacity)), src)
		end = err == io.EOF
		if err != nil && !end {
			return taken + int64(filled), fmt.Errorf("%s: read the source: %w", s.doing("put", string(name[:len(name)-1])), err)
		}
		c = w.context()
		if code = C.scb_writer_commit(writer.pointer, &c, C.size_t(filled), &failure); code != C.SCB_OK {
			return taken, takeError(w.ctx, code, failure)
		}
		taken += int64(filled)
	}
	c = w.context()
	if code = C.scb_writer_finish(writer.pointer, &c, nil, &failure); code != C.SCB_OK {
		return taken, takeError(w.ctx, code, failure)
	}
	return taken, nil
}

// maxEmptyReads is how often in a row a Reader may return nothing and no error, as in package bufio.
const maxEmptyReads = 100

// fill reads until buffer is full or src ends, which is io.EOF, and looks at ctx before every Read.
func fill(ctx context.Context, buffer []byte, src io.Reader) (filled int, err error) {
	for empty := 0; filled < len(buffer); {
		if err := ctx.Err(); err != nil {
			return filled, err
		}
		n, err := src.Read(buffer[filled:])
		if n < 0 || n > len(buffer)-filled {
			return filled, fmt.Errorf("%T returned the count %d from Read", src, n)
		}
		filled += n
		if err != nil {
			return filled, err
		}
		if n > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads {
			return filled, io.ErrNoProgress
		}
	}
	return filled, nil
}

// lengthOf is how long src is where its type tells, else SCB_LENGTH_UNKNOWN.
func lengthOf(src io.Reader) C.uint64_t {
	switch src := src.(type) {
	case *bytes.Reader:
		return C.uint64_t(src.Len())
	case *bytes.Buffer:
		return C.uint64_t(src.Len())
	case *strings.Reader:
		return C.uint64_t(src.Len())
	}
	return C.SCB_LENGTH_UNKNOWN
}

// fileSource is a range of a regular file: from its position on.
type fileSource struct {
	file           *os.File
	limit          *io.LimitedReader // may be nil
	offset, length int64
}

// fileSourceOf recognises a regular file, or an io.LimitedReader of one. One that looks empty is none: the
// files of /proc say so, and an empty object costs the other way nothing.
func fileSourceOf(src io.Reader) (fileSource, bool) {
	var f fileSource
	if limit, ok := src.(*io.LimitedReader); ok {
		f.limit, src = limit, limit.R
	}
	var ok bool
	if f.file, ok = src.(*os.File); !ok {
		return f, false
	}
	info, err := f.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, false
	}
	if f.offset, err = f.file.Seek(0, io.SeekCurrent); err != nil {
		return f, false
	}
	f.length = info.Size() - f.offset
	if f.limit != nil {
		f.length = min(f.length, f.limit.N)
	}
	return f, f.length > 0
}

// taken leaves the source as if it had been read.
func (f *fileSource) taken() error {
	if f.limit != nil {
		f.limit.N -= f.length
	}
	_, err := f.file.Seek(f.offset+f.length, io.SeekStart)
	return err
}

// putFile lets the core copy from the file's descriptor, which stays open meanwhile. scb_store_put_file
func (s *Store) putFile(w *watch, name []byte, source fileSource) (int64, error) {
	conn, err := source.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var code C.int32_t
	var failure *C.scb_error
	c := w.context()
	err = conn.Control(func(descriptor uintptr) {
		code = C.scb_store_put_file(s.handle.pointer, &c, (*C.char)(unsafe.Pointer(&name[0])), C.int(descriptor),
			C.uint64_t(source.offset), C.uint64_t(source.length), 0, nil, &failure)
	})
	runtime.KeepAlive(s.handle)
	if err != nil {
		return 0, err
	}
	if code != C.SCB_OK {
		return 0, takeError(w.ctx, code, failure)
	}
	return source.length, source.taken()
}
