// Command s3 measures scabbard as a client of S3 against its peers, and against libcurl alone: the processor time of
// the client, wall time, peak memory. Each run of a client is a process of its own (clients/job.hpp); the clients take turns,
// and each number is the median of its runs. It prints one JSON object a line, as tests/bench does:
//
//	{"bench":"ranges_256.processor","scabbard":22.1,"peer_name":"minio-go","peer":55.7,"unit":"us/request","ratio":0.397,"target":"<= 0.40","ok":true}
//
// ratio is the median over the rounds of scabbard's number over the peer's of the same round. There is a line for every
// peer; a target stands in that of the best one, or of the one it is about. The exit status is 1 when a target was
// missed, 2 when something could not be measured.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"scabbard/tests/bench/report"
)

type settings struct {
	build  string // where clients and servers are
	folder string // of our own, for what servers keep
	only   *regexp.Regexp
	rounds int
	quick  bool
}

func main() {
	// Servers die with the thread that started them.
	runtime.LockOSThread()
	if len(os.Args) == 4 && os.Args[1] == stockProver {
		report.Exit("bench-s3", playStockProver(os.Args[2], os.Args[3]))
	}
	var s settings
	var only string
	flag.StringVar(&s.build, "build", "build", "the folder with what was built")
	flag.StringVar(&s.folder, "dir", "build", "keep objects in a fresh folder below this one")
	flag.StringVar(&only, "only", "", "run the benches whose name matches this expression")
	flag.IntVar(&s.rounds, "rounds", 5, "runs of each client")
	flag.BoolVar(&s.quick, "quick", false, "little data and one run: shows that it works, not how fast")
	flag.Parse()
	if s.quick {
		s.rounds = 1
	}
	var err error
	if s.only, err = regexp.Compile(only); err == nil {
		err = run(s)
	}
	if err != nil {
		report.Exit("bench-s3", err)
	}
}

func run(s settings) error {
	folder, err := os.MkdirTemp(s.folder, "bench-data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if s.folder, err = filepath.Abs(folder); err != nil {
		return err
	}
	if s.build, err = filepath.Abs(s.build); err != nil {
		return err
	}
	place := newServers(s)
	defer place.stop()
	results := &report.Report{}
	for _, b := range benches(s) {
		if !s.only.MatchString(b.name) {
			continue
		}
		if err := b.run(s, place, results); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return results.Err()
}
