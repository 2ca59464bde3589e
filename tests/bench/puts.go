package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/tests/bench/report"
)

const putObject = "sealed/s-t01000-9"

// stream hides what a reader is besides a reader, as an HTTP body would.
type stream struct{ io.Reader }

func benchPuts(s settings, both *pair, results *report.Report) error {
	if !s.wants("put_stream") && !s.wants("put_file") && !s.wants("put_upstream") {
		return nil
	}
	source := filepath.Join(s.folder, "source")
	if err := writeRandomLike(source, s.putSize); err != nil {
		return err
	}
	defer os.Remove(source)
	destination := filepath.Join(both.folder, putObject)
	if err := os.MkdirAll(filepath.Dir(destination), 0o755); err != nil {
		return err
	}
	// Each repetition begins without the file and with nothing waiting to be written.
	rate := func(write func() error) func() (float64, error) {
		return func() (float64, error) {
			os.Remove(destination)
			if err := exec.Command("sync").Run(); err != nil {
				return 0, err
			}
			start := time.Now()
			err := write()
			return megabytes(s.putSize) / time.Since(start).Seconds(), err
		}
	}
	put := func(store objstore.Store, isStream bool) func() error {
		return func() error {
			file, err := os.Open(source)
			if err != nil {
				return err
			}
			defer file.Close()
			var reader io.Reader = file
			if isStream {
				reader = stream{file}
			}
			size, err := store.Put(context.Background(), putObject, reader)
			if err == nil && size != s.putSize {
				err = fmt.Errorf("%d bytes instead of %d", size, s.putSize)
			}
			return err
		}
	}
	dd := func() error {
		command := exec.Command("dd", "if="+source, "of="+destination, "bs=1M", "conv=fsync", "status=none")
		var said bytes.Buffer
		command.Stderr = &said
		if err := command.Run(); err != nil {
			return fmt.Errorf("dd: %w: %s", err, said.String())
		}
		return nil
	}
	for _, bench := range []struct {
		name        string
		write, peer func() error
		goal        report.Target
	}{
		{"put_stream", put(both.scabbard, true), dd, report.RatioAtLeast(0.95)},
		{"put_file", put(both.scabbard, false), dd, report.RatioAtLeast(0.95)},
		// Upstream does not sync: what durability costs, to be read.
		{"put_upstream", put(both.scabbard, true), put(both.peer, true), report.NoTarget},
	} {
		if !s.wants(bench.name) {
			continue
		}
		found, err := measure(s.puts, rate(bench.write), rate(bench.peer))
		if err != nil {
			return fmt.Errorf("%s: %w", bench.name, err)
		}
		results.Add(bench.name, found, "MB/s", bench.goal)
	}
	os.Remove(destination)
	return nil
}
