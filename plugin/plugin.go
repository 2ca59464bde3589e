// Command plugin is plugin-scabbard.so: damocles' objstore plugin for every kind of store that scabbard
// knows. manifest.toml tells the plugin builder what of this is exported; see plugin/build.
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

// Open is the Constructor: config.Path is a directory, a store folder or a store URL.
func Open(config objstore.Config) (objstore.Store, error) { return shim.Open(config, "") }

// A plugin has no main; plain `go build ./...` wants one.
func main() {}
