package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/tests/bench/osstore"
	"scabbard/tests/bench/report"
	"scabbard/tests/procfs"
)

// benchMemory compares the peak resident memory of two processes that do the same work, one through the
// plugin, one through the peer.
func benchMemory(s settings, _ *pair, results *report.Report) error {
	if !s.wants("peak_memory") {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	side := func(name string) func() (float64, error) {
		return func() (float64, error) {
			folder, err := os.MkdirTemp(s.folder, "memory-")
			if err != nil {
				return 0, err
			}
			defer os.RemoveAll(folder)
			arguments := []string{"-memory-of", name, "-plugin", s.plugin, "-dir", folder}
			if s.putSize < 1<<30 {
				arguments = append(arguments, "-quick")
			}
			command := exec.Command(self, arguments...)
			command.Stderr = os.Stderr
			out, err := command.Output()
			if err != nil {
				return 0, err
			}
			return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		}
	}
	first := "scabbard"
	if s.noise {
		first = "peer"
	}
	found, err := measure(3, side(first), side("peer"))
	if err != nil {
		return fmt.Errorf("peak_memory: %w", err)
	}
	results.Add("peak_memory", found, "MiB", report.OverPeerAtMost(64, "MiB"))
	return nil
}

// printPeakMemory puts and gets big objects four at a time, calls Stat from 128 goroutines, and prints the
// peak resident memory of the process in MiB.
func printPeakMemory(s settings, side string) error {
	config := objstore.DefaultConfig(filepath.Join(s.folder, "store"), false)
	config.Name = "memory"
	object := filepath.Join(config.Path, bigObject)
	if err := writeRandomLike(object, s.getSize); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(config.Path, filepath.Dir(existingObject)), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(config.Path, existingObject), make([]byte, 64), 0o644); err != nil {
		return err
	}
	store, closeStore, err := openSide(s, side, config)
	if err != nil {
		return err
	}
	if _, err := timePerCall(time.Second, 128, store, statExisting); err != nil {
		return err
	}
	var group sync.WaitGroup
	failures := make(chan error, 8)
	for i := range 4 {
		group.Add(2)
		go func() {
			defer group.Done()
			_, err := copyObject(store, io.Discard)
			failures <- err
		}()
		go func() {
			defer group.Done()
			file, err := os.Open(object)
			if err == nil {
				defer file.Close()
				_, err = store.Put(context.Background(), fmt.Sprintf("sealed/written-%d", i), stream{file})
			}
			failures <- err
		}()
	}
	group.Wait()
	for range 8 {
		if err := <-failures; err != nil {
			return err
		}
	}
	peak, err := procfs.StatusMiB("self", "VmHWM")
	if err != nil {
		return err
	}
	fmt.Println(peak)
	return closeStore()
}

func openSide(s settings, side string, config objstore.Config) (objstore.Store, func() error, error) {
	if side == "scabbard" {
		return openPlugin(s, config)
	}
	store, err := osstore.Open(config)
	return store, func() error { return nil }, err
}
