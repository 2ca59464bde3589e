// Command fsstore is plugin-fsstore.so: it takes the place of damocles' own plugin of that name, on the same
// folders and with the same configuration. docs/semantics.md says what is alike and what is better.
package main

import (
	"context"

	managerplugin "github.com/ipfs-force-community/damocles/manager-plugin"
	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/shim"
)

// OnInit disables the plugin where its Go part and its core were not built together.
func OnInit(context.Context, string, *managerplugin.Manifest) error { return shim.Init(buildID) }

// OnShutdown closes every store.
func OnShutdown(ctx context.Context, _ *managerplugin.Manifest) error { return shim.Shutdown(ctx) }

// Open is the Constructor: config.Path is a folder.
func Open(config objstore.Config) (objstore.Store, error) {
	return shim.OpenDropIn(config, "plugin-fs")
}

// A plugin has no main; plain `go build ./...` wants one.
func main() {}
