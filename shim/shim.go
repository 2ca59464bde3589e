// Package shim makes a scabbard store a damocles objstore.Store. It is the only package of the project
// that uses cgo, and it does nothing but translate: Go's contexts, errors, readers and strings on one
// side, include/scabbard/scabbard.h on the other.
//
// Everything exported may be used from any number of goroutines at once, except where its comment says
// otherwise. A doc comment that ends with a C function's name says which one it calls.
//
// It imports the standard library and manager-plugin only: every further package is one more that a
// plugin and its host could disagree on.
package shim

/*
#cgo CFLAGS: -I${SRCDIR}/../include
#cgo LDFLAGS: ${SRCDIR}/../build/libscabbard_plugin.a -lcurl -lcrypto -lpugixml -lstdc++ -lm -lpthread
// The loader opens plugins with RTLD_GLOBAL. Without this the scb_* of the first plugin would serve the
// second one too.
#cgo LDFLAGS: -Wl,-Bsymbolic-functions

// These neither keep a Go pointer nor call back into Go, so what is passed to them can stay on the stack.
#cgo noescape scb_store_stat
#cgo noescape scb_store_remove
#cgo noescape scb_store_space
#cgo noescape scb_reader_open
#cgo noescape scb_reader_info
#cgo noescape scb_reader_read
#cgo noescape scb_reader_read_at
#cgo nocallback scb_store_capabilities
#cgo nocallback scb_store_stat
#cgo nocallback scb_store_remove
#cgo nocallback scb_store_space
#cgo nocallback scb_reader_open
#cgo nocallback scb_reader_info
#cgo nocallback scb_reader_read
#cgo nocallback scb_reader_read_at

#include "scabbard/scabbard.h"
*/
import "C"

import (
	"fmt"
	"strings"
)

// Init checks that the core a plugin was built for, as its own buildID says, is the one that runs: with two
// plugins in a process that is the first one's, for both, because Go has this package once. A plugin calls it
// from its OnInit. scb_build_id
func Init(buildID string) error {
	running := C.GoString(C.scb_build_id())
	if buildID == running {
		return nil
	}
	return fmt.Errorf("scabbard: the plugin was built for core %s but runs with core %s: build all plugins of "+
		"scabbard again, together", buildID, running)
}

// version is the release and which build of it: "0.1.0 (build 95d0bc0b1a3c2e44)". scb_version, scb_build_id
func version() string {
	release := C.GoString(C.scb_version())
	build := strings.TrimPrefix(C.GoString(C.scb_build_id()), release+"-")
	return release + " (build " + build + ")"
}
