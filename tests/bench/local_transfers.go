package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"scabbard/tests/bench/report"
	"scabbard/tests/bench/worker"
	"scabbard/tests/transfer"
)

// benchLocalTransfers is about a worker's disk: a sector from one folder of it to another. The peer is cp, and sync where
// bytes are copied.
func benchLocalTransfers(s settings, _ *pair, results *report.Report) error {
	if s.wants("transfer_local") {
		peer := func(source, target string) (cost, error) {
			return timed(nil, []string{"cp", "--reflink=never", source, target}, []string{"sync", target})
		}
		found, err := s.localTransfer(s.folder, peer)
		if err != nil {
			return fmt.Errorf("transfer_local: %w", err)
		}
		rate := func(c cost) float64 { return megabytes(s.putSize) / c.wall.Seconds() }
		results.Add("transfer_local", resultOf(found, rate), "MB/s", report.RatioAtLeast(0.95))
		addProcessorTime(results, "transfer_local", found)
	}
	if s.wants("transfer_reflink") {
		folder, unmount, err := mountReflinks(s)
		if err != nil {
			return fmt.Errorf("transfer_reflink: %w (-only leaves it out)", err)
		}
		defer unmount()
		peer := func(source, target string) (cost, error) {
			return timed(nil, []string{"cp", "--reflink=always", source, target})
		}
		found, err := s.localTransfer(folder, peer)
		if err != nil {
			return fmt.Errorf("transfer_reflink: %w", err)
		}
		milliseconds := func(c cost) float64 { return c.wall.Seconds() * 1000 }
		results.Add("transfer_reflink", resultOf(found, milliseconds), "ms", report.AtMost(1000, "ms"))
		addProcessorTime(results, "transfer_reflink", found)
	}
	return nil
}

func (s settings) localTransfer(folder string, peer func(source, target string) (cost, error)) ([]round[cost], error) {
	source, target := filepath.Join(folder, "worker-sealed"), filepath.Join(folder, "stored-sealed")
	defer os.Remove(source)
	defer os.Remove(target)
	if err := writeRandomLike(source, s.putSize); err != nil {
		return nil, err
	}
	scabbard := func(source, target string) (cost, error) {
		took, err := worker.Transfer(s.executable, nil,
			transfer.Route{Source: transfer.End{URI: source}, Destination: transfer.End{URI: target}})
		return cost{wall: took.Wall, processor: took.Processor}, err
	}
	if s.noise {
		scabbard = peer
	}
	side := func(copy func(source, target string) (cost, error)) func() (cost, error) {
		return func() (cost, error) {
			if err := settle(source, target); err != nil {
				return cost{}, err
			}
			spent, err := copy(source, target)
			return spent, errors.Join(err, has(1, target, "-size", fmt.Sprintf("%dc", s.putSize)))
		}
	}
	return inTurn(s.puts, side(scabbard), side(peer))
}

// mountReflinks makes a filesystem that has them, in a file.
func mountReflinks(s settings) (folder string, unmount func(), err error) {
	image, folder := filepath.Join(s.folder, "xfs.image"), filepath.Join(s.folder, "xfs")
	for _, command := range [][]string{
		{"truncate", "--size", fmt.Sprint(s.putSize + 1<<30), image},
		{"mkfs.xfs", "-q", "-m", "reflink=1", image},
		{"mkdir", folder},
		{"mount", "-o", "loop", image, folder},
	} {
		if _, err := timed(nil, command); err != nil {
			return "", nil, err
		}
	}
	return folder, func() { _, _ = timed(nil, []string{"umount", folder}) }, nil
}
