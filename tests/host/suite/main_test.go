// Package suite is the part of the host tests that runs inside a host: a process that loads the plugin as
// damocles-manager does. A plugin and its host have to be built alike, so package host builds both and
// runs this one; by itself it does nothing.
package suite

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	managerplugin "github.com/ipfs-force-community/damocles/manager-plugin"
	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

var (
	plugins    = flag.String("plugins", "", "folder with plugin-scabbard.so and plugin-fsstore.so")
	executable = flag.String("scabbard", "build/scabbard", "the executable")
	servers    = flag.String("servers", "build/servers", "folder with versitygw")

	loaded            *managerplugin.LoadedPlugins
	manifest, fsstore *managerplugin.ObjStoreManifest
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *plugins == "" {
		fmt.Println("nothing done: `go test ./tests/host` builds plugin and host alike and runs this")
		return
	}
	var err error
	if loaded, err = load(*plugins); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	loaded.Shutdown(ctx, func(p *managerplugin.Plugin, err error) {
		fmt.Fprintf(os.Stderr, "shut plugin %s down: %v\n", p.Name, err)
		code = 1
	})
	os.Exit(code)
}

// load does what damocles-manager does at its start.
func load(folder string) (*managerplugin.LoadedPlugins, error) {
	loaded, err := managerplugin.Load(folder)
	if err != nil {
		return nil, fmt.Errorf("load plugins from %s: %w", folder, err)
	}
	var failed error
	loaded.Init(context.Background(), func(p *managerplugin.Plugin, err error) {
		failed = fmt.Errorf("init plugin %s: %w", p.Name, err)
	})
	if failed != nil {
		return nil, failed
	}
	for name, into := range map[string]**managerplugin.ObjStoreManifest{"scabbard": &manifest, "fsstore": &fsstore} {
		plugin := loaded.Get(managerplugin.ObjStore, name)
		if plugin == nil {
			return nil, fmt.Errorf("no objstore plugin %s in %s", name, folder)
		}
		*into = managerplugin.DeclareObjStoreManifest(plugin.Manifest)
	}
	return loaded, nil
}

// open opens a store of plugin-scabbard or fails the test.
func open(t testing.TB, config objstore.Config) objstore.Store {
	t.Helper()
	return openBy(t, manifest, config)
}

// openFsstore is open with the other plugin.
func openFsstore(t testing.TB, config objstore.Config) objstore.Store {
	t.Helper()
	return openBy(t, fsstore, config)
}

func openBy(t testing.TB, plugin *managerplugin.ObjStoreManifest, config objstore.Config) objstore.Store {
	t.Helper()
	store, err := plugin.Constructor(config)
	if err != nil {
		t.Fatalf("open %s: %v", config.Path, err)
	}
	return store
}

// writeFile makes a file and the folders above it.
func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
