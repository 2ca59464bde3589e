package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"scabbard/tests/bench/report"
	"scabbard/tests/bench/worker"
	"scabbard/tests/transfer"
)

// transfers is a sector on its way from a worker to a store, and a folder of many small files.
func transfers(s settings, length, files int64) []bench {
	persist := func(name, server string) bench {
		return bench{name: name, server: server, unit: "s", scale: 1,
			clients: []client{s.processor(false), s.minio(), s.python("awscrt")},
			job:     job{Work: "put_file", Length: length},
			goals: []goal{
				{"processor", nil, report.RatioAtMost(0.8)},
				{"wall", nil, report.RatioAtMost(1)},
				{"peak", nil, report.AtMost(300, "MiB")},
			}}
	}
	// One after the other, as a simple client puts them.
	small := bench{name: "persist_small_files", server: "versitygw", unit: "us/file", scale: 1e6 / float64(files),
		clients: []client{s.processor(true), s.minio()},
		job:     job{Work: "put_folder", Key: "folder", Count: files, File: filepath.Join(s.folder, "small-files")},
		goals:   []goal{{"wall", nil, report.RatioAtMost(1. / 3)}}}
	small.prepare = func() error { return writeSmallFiles(small.job.File, files) }
	return []bench{persist("persist_http", "versitygw"), persist("persist_minio", "minio"), small}
}

func writeSmallFiles(folder string, count int64) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i := range count {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%d", i)), make([]byte, 4<<10), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// processor is scabbard as the child of a worker, from its start on.
func (s settings) processor(isFolder bool) client {
	return client{name: "scabbard", own: func(j job) (cost, error) { return s.transfer(j, isFolder) }}
}

func (s settings) transfer(j job, isFolder bool) (spent cost, err error) {
	folder, err := os.MkdirTemp(s.folder, "attached-")
	if err != nil {
		return cost{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	attached, environment, err := s.attach(folder, "s3://"+j.Bucket, "Endpoint="+j.Endpoint, "PayloadSigning=never")
	if err != nil {
		return cost{}, err
	}
	name := storeName
	took, err := worker.Transfer(s.executable(), environment,
		transfer.Route{
			Source:      transfer.End{URI: j.File},
			Destination: transfer.End{Store: &name, URI: filepath.Join(attached, j.Key)},
			Options:     transfer.Options{IsDir: isFolder},
		})
	return cost{Processor: took.Processor.Seconds(), Wall: took.Wall.Seconds(), Peak: took.PeakMiB}, err
}

func (s settings) executable() string { return filepath.Join(s.build, "scabbard") }

const storeName = "bench"

// attach makes a store folder below one of our own, and gives the environment to use it in.
func (s settings) attach(folder, url string, options ...string) (attached string, environment []string, err error) {
	attached = filepath.Join(folder, "store")
	initStore := exec.Command(s.executable(), "init", "--quiet", attached, "--name", storeName, "--url", url)
	for _, option := range options {
		initStore.Args = append(initStore.Args, "--option", option)
	}
	initStore.Env = append(os.Environ(), keys()...)
	if said, err := initStore.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("init: %w: %s", err, said)
	}
	return attached, append(keys(), "SCABBARD_STATE="+filepath.Join(folder, "state")), nil
}
