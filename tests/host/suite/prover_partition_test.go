package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"scabbard/tests/post"
	"scabbard/tests/procfs"
)

// Partitions of full size. All of their sectors are the same files, of a replica of zeros, under different names.

const (
	sectorsOfPartition = 2349 // of 32 GiB
	mostMemory         = 400 << 20
	mostStaged         = 450_000 // bytes of a sector

	descriptorsOfSector = 2 * 8 // of the stock prover: two for each tree
	otherDescriptors    = 256
)

func descriptorsOf(sectors int) uint64 { return uint64(sectors*descriptorsOfSector + otherDescriptors) }

// descriptors is how many files a process that is started may have open: `wanted`, where this one may raise its limit.
func descriptors(t *testing.T, wanted uint64) uint64 {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if was.Max >= wanted {
		return wanted
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: was.Cur, Max: wanted}); err != nil {
		return was.Max
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) })
	return wanted
}

// stagingInMemory is where a provider has it.
func stagingInMemory(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "scabbard-test-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// processor is the worker's child.
func (w *worker) processor(t *testing.T) (process int) {
	t.Helper()
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", w.command.Process.Pid))
	for _, of := range children {
		text, err := os.ReadFile(of)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(string(text), &process); err == nil {
			return process
		}
	}
	t.Fatal("the worker has no child")
	return 0
}

// peakMemory of a process, in bytes.
func peakMemory(t *testing.T, process int) int64 {
	t.Helper()
	peak, err := procfs.StatusMiB(strconv.Itoa(process), "VmHWM")
	if err != nil {
		t.Fatal(err)
	}
	return int64(peak * (1 << 20))
}

// space is how much the files below a folder take, and how many there are. Some may go meanwhile.
func space(t *testing.T, folder string) (bytes int64, files int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		files++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes, files
}

func TestProver_partitions_of_full_size(t *testing.T) {
	needOracle(t)
	if os.Getenv("SCABBARD_LONG_TESTS") == "" {
		t.Skip("takes minutes: SCABBARD_LONG_TESTS=1")
	}
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	for _, partitions := range []int{1, 3} {
		t.Run(strconv.Itoa(partitions), func(t *testing.T) {
			count := partitions * sectorsOfPartition
			made := provable{size: "32GiB"}
			for number := range count {
				made.sectors = append(made.sectors, uint64(number+1))
			}
			to, made := onServer(t, startNginx(t), made, "zero")
			staging := stagingInMemory(t)
			inOneRequest := (int(descriptors(t, descriptorsOf(count))) - otherDescriptors) / descriptorsOfSector
			w := startProverWith(t, windowPost, "--staging", staging)

			begun := time.Now()
			var requests []request
			for sectors := range slices.Chunk(made.sectors, min(inOneRequest, count)) {
				of := made
				of.sectors = sectors
				requests = append(requests, request{of, w.ask(t, of.task(t, "StackedDrgWindow32GiBV1_2", to.folder))})
			}
			t.Logf("%d sectors in %d requests at once", count, len(requests))
			for range requests {
				w.waitUntilItSays(t, "handed to the stock prover")
			}
			staged, _ := space(t, staging)
			t.Logf("handed over after %.1f s, %d bytes staged for each sector", time.Since(begun).Seconds(), staged/int64(count))
			if staged > mostStaged*int64(count) {
				t.Errorf("%d bytes are staged, more than %d for each of %d sectors", staged, mostStaged, count)
			}
			for _, asked := range requests {
				done := <-asked.answers
				if done.err != nil {
					t.Fatal(done.err)
				}
				proof := decoded[windowOutput](t, done.output)
				if len(proof.Proofs) != 1 || len(proof.Faults) != 0 {
					t.Errorf("%d proofs, %d faults", len(proof.Proofs), len(proof.Faults))
				} else if partitions == 1 && !bytes.Equal(proof.Proofs[0], asked.of.vanilla(t, "window")) {
					// Of more it takes too long; the prover has verified what it made.
					t.Error("another proof than of whole files")
				}
			}
			memory := peakMemory(t, w.processor(t))
			t.Logf("proven after %.1f s; at most %d MiB of memory", time.Since(begun).Seconds(), memory>>20)
			if memory > mostMemory {
				t.Errorf("it took up to %d bytes of memory", memory)
			}
			for limit := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // it is answered first
				if _, files := space(t, staging); files == 0 {
					break
				} else if time.Now().After(limit) {
					t.Fatalf("%d files are left behind", files)
				}
			}
		})
	}
}

type request struct {
	of      provable
	answers <-chan answer
}

func TestProver_says_how_many_descriptors_the_stock_prover_needs(t *testing.T) {
	w := startProcessor(t, windowPost, "sh", "-c", `ulimit -n 1000 && exec "$0" "$@"`,
		*executable, "processor", windowPost, "--staging", t.TempDir(), "--delegate", "true")
	task := post.Task{MinerID: miner, ProofType: "StackedDrgWindow32GiBV1_2", Seed: post.CountingSeed()}
	for number := range sectorsOfPartition {
		task.Replicas = append(task.Replicas, post.Replica{SectorID: uint64(number), CacheDir: "/nowhere", SealedFile: "/nowhere"})
	}
	done := <-w.ask(t, task)
	if done.err == nil || !strings.Contains(done.err.Error(), fmt.Sprintf("to at least %d", descriptorsOf(sectorsOfPartition))) {
		t.Errorf("%v: %s", done.err, done.output)
	}
}
