// Command receive stores its standard input as an object: whole and durable, or not at all.
//
//	receive STORE OBJECT      STORE is a folder
//
// It calls the C interface through cgo, found by pkg-config; a plugin for damocles is another thing, see plugin/.
package main

// #cgo pkg-config: scabbard
// #include <stdlib.h>
// #include <scabbard/scabbard.h>
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: receive STORE OBJECT")
		os.Exit(2)
	}
	size, err := receive(os.Args[1], os.Args[2], os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "receive:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d bytes\n", os.Args[2], size)
}

// call runs a function of the library and makes an error of Go of the one that it gives.
func call(function func(failed **C.scb_error) C.int32_t) error {
	var failed *C.scb_error
	if function(&failed) == C.SCB_OK {
		return nil
	}
	defer C.scb_error_free(failed)
	return errors.New(C.GoString(C.scb_error_message(failed)))
}

func openStore(path string) (*C.scb_store, error) {
	config, err := json.Marshal(map[string]string{"Path": path})
	if err != nil {
		return nil, err
	}
	text := C.CString(string(config))
	defer C.free(unsafe.Pointer(text))
	var store *C.scb_store
	err = call(func(failed **C.scb_error) C.int32_t { return C.scb_store_open(text, &store, failed) })
	return store, err
}

func receive(path, object string, from io.Reader) (size uint64, err error) {
	store, err := openStore(path)
	if err != nil {
		return 0, err
	}
	defer C.scb_store_free(store)
	name := C.CString(object)
	defer C.free(unsafe.Pointer(name))
	var writer *C.scb_writer
	err = call(func(failed **C.scb_error) C.int32_t {
		return C.scb_writer_open(store, nil, name, 0, C.SCB_LENGTH_UNKNOWN, &writer, failed)
	})
	if err != nil {
		return 0, err
	}
	defer C.scb_writer_free(writer) // gives the object up where it was not finished
	return write(writer, from)
}

// write reads into the library's own buffers, so that every byte is moved once. The calls may take as long as they
// need: nil stands for a context without cancel token and time limit.
func write(writer *C.scb_writer, from io.Reader) (uint64, error) {
	for {
		var buffer unsafe.Pointer
		var capacity C.size_t
		err := call(func(failed **C.scb_error) C.int32_t {
			return C.scb_writer_acquire(writer, nil, &buffer, &capacity, failed)
		})
		if err != nil {
			return 0, err
		}
		n, readErr := from.Read(unsafe.Slice((*byte)(buffer), int(capacity)))
		err = call(func(failed **C.scb_error) C.int32_t { return C.scb_writer_commit(writer, nil, C.size_t(n), failed) })
		if err != nil {
			return 0, err
		}
		if readErr == io.EOF {
			var written C.scb_write_info
			err := call(func(failed **C.scb_error) C.int32_t { return C.scb_writer_finish(writer, nil, &written, failed) })
			return uint64(written.size), err
		}
		if readErr != nil {
			return 0, readErr
		}
	}
}
