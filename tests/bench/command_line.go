package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"scabbard/tests/bench/report"
)

// objects is how many a bench has, in folders as those of caches.
type objects struct {
	folders, each int
	size          int64 // bytes of one
}

func (o objects) count() int { return o.folders * o.each }

// write makes the objects below a folder.
func (o objects) write(folder string) error {
	content := bytes.Repeat([]byte("scabbard"), int(o.size/8))
	for i := range o.folders {
		cache := filepath.Join(folder, fmt.Sprintf("s-t01000-%d", i))
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return err
		}
		for j := range o.each {
			if err := os.WriteFile(filepath.Join(cache, fmt.Sprintf("sc-02-data-tree-r-last-%d.dat", j)), content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// cost is what processes took: wall time from the start of the first to the end of the last, and processor
// time of them all.
type cost struct{ wall, processor time.Duration }

// timed runs commands one after the other.
func timed(output io.Writer, commands ...[]string) (cost, error) {
	var spent cost
	start := time.Now()
	for _, arguments := range commands {
		command := exec.Command(arguments[0], arguments[1:]...)
		var said bytes.Buffer
		command.Stdout, command.Stderr = output, &said
		if err := command.Run(); err != nil {
			return cost{}, fmt.Errorf("%s: %w: %s", arguments[0], err, said.String())
		}
		spent.processor += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	}
	spent.wall = time.Since(start)
	return spent, nil
}

// addProcessorTime is to be read beside a bench's wall time.
func addProcessorTime(results *report.Report, bench string, rounds []round[cost]) {
	results.Add(bench+"_cpu", resultOf(rounds, func(c cost) float64 { return c.processor.Seconds() * 1000 }), "ms", report.NoTarget)
}

// initStore makes a store folder, and those above it, as its owner would.
func (s settings) initStore(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	_, err := timed(nil, []string{s.executable, "init", folder})
	return err
}

// copying is a copy from store to store, by one process that ends when all is on the disk, or by cp and sync.
type copying struct {
	bench  string
	object string // or folder
	write  func(source string) error
	flags  []string // of both cp
	sync   []string
	check  func(target string) error
	amount float64 // that is copied, in the unit's first half
	unit   string
	goal   report.Target
}

func benchCopies(s settings, _ *pair, results *report.Report) error {
	size := fmt.Sprintf("%dc", s.copied.size)
	for _, c := range []copying{
		{
			bench:  "cp_big",
			object: bigObject,
			write:  func(source string) error { return writeRandomLike(source, s.putSize) },
			sync:   []string{"sync"},
			check:  func(target string) error { return has(1, target, "-size", fmt.Sprintf("%dc", s.putSize)) },
			amount: megabytes(s.putSize), unit: "MB/s", goal: report.RatioAtLeast(0.95),
		},
		{
			bench:  "cp_small",
			object: "cache",
			write:  s.copied.write,
			flags:  []string{"-r"},
			sync:   []string{"sync", "-f"},
			check:  func(target string) error { return has(s.copied.count(), target, "-type", "f", "-size", size) },
			amount: float64(s.copied.count()), unit: "objects/s", goal: report.RatioAtLeast(1),
		},
	} {
		if !s.wants(c.bench) {
			continue
		}
		found, err := c.measure(s)
		if err != nil {
			return fmt.Errorf("%s: %w", c.bench, err)
		}
		results.Add(c.bench, resultOf(found, func(spent cost) float64 { return c.amount / spent.wall.Seconds() }), c.unit, c.goal)
		addProcessorTime(results, c.bench, found)
	}
	return nil
}

// has fails unless find finds so many.
func has(count int, arguments ...string) error {
	var found bytes.Buffer
	if _, err := timed(&found, append([]string{"find"}, arguments...)); err != nil {
		return err
	}
	if lines := bytes.Count(found.Bytes(), []byte("\n")); lines != count {
		return fmt.Errorf("%d whole objects instead of %d", lines, count)
	}
	return nil
}

func (c copying) measure(s settings) ([]round[cost], error) {
	folder := filepath.Join(s.folder, c.bench)
	defer os.RemoveAll(folder)
	from, to := filepath.Join(folder, "from"), filepath.Join(folder, "to")
	source, target := filepath.Join(from, c.object), filepath.Join(to, c.object)
	if err := errors.Join(s.initStore(from), s.initStore(to), c.write(source), os.MkdirAll(filepath.Dir(target), 0o755)); err != nil {
		return nil, err
	}
	command := func(start ...string) []string { return append(append(start, c.flags...), source, target) }
	peer := [][]string{command("cp"), append(c.sync, target)}
	scabbard := [][]string{command(s.executable, "cp", "--quiet")}
	if s.noise {
		scabbard = peer
	}
	side := func(commands [][]string) func() (cost, error) {
		return func() (cost, error) {
			if err := settle(source, target); err != nil {
				return cost{}, err
			}
			spent, err := timed(nil, commands...)
			return spent, errors.Join(err, c.check(target))
		}
	}
	return inTurn(s.puts, side(scabbard), side(peer))
}

// settle makes rounds begin alike: without the target, with the source in memory, and with nothing waiting to be written.
func settle(source, target string) error {
	return errors.Join(os.RemoveAll(target), readAll(source), exec.Command("sync").Run())
}

// readAll brings what lies at or below a path into the page cache.
func readAll(path string) error {
	return filepath.WalkDir(path, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{file}, make([]byte, 1<<20))
		return err
	})
}

func benchListing(s settings, _ *pair, results *report.Report) error {
	if !s.wants("ls_recursive") {
		return nil
	}
	store := filepath.Join(s.folder, "listed")
	defer os.RemoveAll(store)
	folder := filepath.Join(store, "cache")
	if err := errors.Join(s.initStore(store), s.listed.write(folder)); err != nil {
		return err
	}
	ls := []string{s.executable, "ls", "-r", folder}
	find := []string{"find", folder, "-type", "f", "-printf", `%P\n`}
	if err := listAlike(s, ls, find); err != nil {
		return fmt.Errorf("ls_recursive: %w", err)
	}
	if s.noise {
		ls = find
	}
	side := func(command []string) func() (cost, error) {
		return func() (cost, error) {
			output, err := os.Create(filepath.Join(s.folder, "list"))
			if err != nil {
				return cost{}, err
			}
			defer output.Close()
			return timed(output, command)
		}
	}
	found, err := inTurn(s.rounds, side(ls), side(find))
	if err != nil {
		return fmt.Errorf("ls_recursive: %w", err)
	}
	results.Add("ls_recursive", resultOf(found, func(c cost) float64 { return c.wall.Seconds() * 1000 }), "ms", report.RatioAtMost(2))
	addProcessorTime(results, "ls_recursive", found)
	return nil
}

// listAlike fails when the two do not write the same lines, in whatever order.
func listAlike(s settings, commands ...[]string) error {
	var lists [2][][]byte
	for i, command := range commands {
		var listed bytes.Buffer
		if _, err := timed(&listed, command); err != nil {
			return err
		}
		lists[i] = slices.SortedFunc(bytes.Lines(listed.Bytes()), bytes.Compare)
	}
	if len(lists[0]) != s.listed.count() || !slices.EqualFunc(lists[0], lists[1], bytes.Equal) {
		return fmt.Errorf("%d and %d names, or different ones, instead of %d", len(lists[0]), len(lists[1]), s.listed.count())
	}
	return nil
}
