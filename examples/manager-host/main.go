// Command manager-host does with a sector what damocles-manager does: it loads plugin-scabbard.so through
// managerplugin.Load, stores a sealed file and its cache, looks at every file before a proof, reads all of
// it back, and removes it.
//
//	manager-host -plugins=build/plugins [-store=/some/folder]
//
// It has to be built with the same toolchain and flags as the plugin.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	managerplugin "github.com/ipfs-force-community/damocles/manager-plugin"
	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

func main() {
	plugins := flag.String("plugins", "build/plugins", "folder of the plugins, as in [Common.Plugins] Dir")
	path := flag.String("store", "", "Path of the store: a folder or a store URL (default: a new temporary folder)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *plugins, *path); err != nil {
		fmt.Fprintln(os.Stderr, "manager-host:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, plugins, path string) (err error) {
	if path == "" {
		if path, err = os.MkdirTemp("", "scabbard-store-"); err != nil {
			return err
		}
		defer os.RemoveAll(path)
	}
	loaded, err := load(ctx, plugins)
	if err != nil {
		return err
	}
	defer loaded.Shutdown(context.Background(), func(p *managerplugin.Plugin, failure error) {
		err = errors.Join(err, fmt.Errorf("shut plugin %s down: %w", p.Name, failure))
	})
	store, err := open(ctx, loaded, path)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, objstore.Store) error{put, check, readBack, miss, remove} {
		if err := step(ctx, store); err != nil {
			return err
		}
	}
	return nil
}

// say prints one line: what was done, to what, and a detail.
func say(did, what, detail string) { fmt.Printf("%-8s  %-44s  %s\n", did, what, detail) }

// took is the time since start, short enough to read.
func took(start time.Time) string { return time.Since(start).Round(10 * time.Microsecond).String() }

func load(ctx context.Context, folder string) (*managerplugin.LoadedPlugins, error) {
	start := time.Now()
	loaded, err := managerplugin.Load(folder)
	if err != nil {
		return nil, fmt.Errorf("load plugins from %s: %w", folder, err)
	}
	loaded.Init(ctx, func(p *managerplugin.Plugin, failure error) { // the manager goes on, without the plugin
		say("disabled", "plugin "+p.Name, failure.Error())
	})
	say("loaded", "plugins from "+folder, took(start))
	return loaded, nil
}

func open(ctx context.Context, loaded *managerplugin.LoadedPlugins, path string) (objstore.Store, error) {
	plugin := loaded.Get(managerplugin.ObjStore, "scabbard")
	if plugin == nil {
		return nil, errors.New("no objstore plugin is called scabbard")
	}
	store, err := managerplugin.DeclareObjStoreManifest(plugin.Manifest).Constructor(objstore.Config{Name: "store-1", Path: path})
	if err != nil {
		return nil, err
	}
	info, err := store.InstanceInfo(ctx)
	if err != nil {
		return nil, err
	}
	say("opened", store.Type()+" "+store.Version(), fmt.Sprintf("%s, %s of %s free", info.Type, size(info.Free), size(info.Total)))
	return store, nil
}

// sector is one of 8 MiB, made for this miner and number. The bytes are as random as those of a real one.
var sector = []struct {
	object string
	length int
}{
	{"sealed/s-t01000-7", 8 << 20},
	{"cache/s-t01000-7/p_aux", 64},
	{"cache/s-t01000-7/t_aux", 1 << 10},
	{"cache/s-t01000-7/sc-02-data-tree-r-last.dat", 18_720},
}

func content(file int) []byte {
	data := make([]byte, sector[file].length)
	rand.NewChaCha8([32]byte{byte(file)}).Read(data)
	return data
}

func put(ctx context.Context, store objstore.Store) error {
	for i, file := range sector {
		start := time.Now()
		if _, err := store.Put(ctx, file.object, bytes.NewReader(content(i))); err != nil {
			return err
		}
		say("stored", file.object, fmt.Sprintf("%s in %s, durable", size(uint64(file.length)), took(start)))
	}
	return nil
}

// check is what the manager does before it proves a sector: one Stat a file.
func check(ctx context.Context, store objstore.Store) error {
	start := time.Now()
	for _, file := range sector {
		stat, err := store.Stat(ctx, file.object)
		if err != nil {
			return err
		}
		if stat.Size != int64(file.length) {
			return fmt.Errorf("%s has %d bytes, not %d", file.object, stat.Size, file.length)
		}
	}
	say("checked", fmt.Sprintf("%d files, as before a WindowPoSt", len(sector)), took(start))
	return nil
}

func readBack(ctx context.Context, store objstore.Store) error {
	for i, file := range sector {
		start := time.Now()
		reader, err := store.Get(ctx, file.object)
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, reader)
		if err := errors.Join(err, reader.Close()); err != nil {
			return err
		}
		want := sha256.Sum256(content(i))
		if !bytes.Equal(sum.Sum(nil), want[:]) {
			return fmt.Errorf("%s came back with SHA-256 %x, not %x", file.object, sum.Sum(nil), want)
		}
		say("read", file.object, fmt.Sprintf("SHA-256 %x… as stored, %s", want[:4], took(start)))
	}
	return nil
}

// miss shows that an object which does not exist is one to the manager, which relies on this very error.
func miss(ctx context.Context, store objstore.Store) error {
	_, err := store.Get(ctx, "sealed/s-t01000-8")
	if !errors.Is(err, objstore.ErrObjectNotFound) {
		return fmt.Errorf("a missing object gave %v", err)
	}
	say("missed", "sealed/s-t01000-8", "is objstore.ErrObjectNotFound:")
	fmt.Printf("%10s%v\n", "", err)
	return nil
}

func remove(ctx context.Context, store objstore.Store) error {
	start := time.Now()
	for _, file := range sector {
		if err := store.Del(ctx, file.object); err != nil {
			return err
		}
		if _, err := store.Stat(ctx, file.object); !errors.Is(err, objstore.ErrObjectNotFound) {
			return fmt.Errorf("%s after its removal: %v", file.object, err)
		}
	}
	say("removed", fmt.Sprintf("%d files", len(sector)), took(start))
	return nil
}

// size is a number of bytes for people.
func size(bytes uint64) string {
	const units = "BKMGTPE"
	unit := 0
	for bytes >= 10<<10 || (bytes >= 1<<10 && bytes%(1<<10) == 0) {
		bytes >>= 10
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%d %ciB", bytes, units[unit])
}
