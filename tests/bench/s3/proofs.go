package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"scabbard/tests/bench/report"
	"scabbard/tests/bench/worker"
	"scabbard/tests/post"
)

// Sectors of 32 GiB, whose files all have the same bytes: most are zeros.
const (
	sectors    = "f01000" // the folder of sectors
	miner      = 1000
	partition  = 2349 // sectors
	sealedSize = 32 << 30
	treeSize   = 9_586_976
	trees      = 8
	auxSize    = 64
	// The longest range that is read of one.
	segmentSize = 16 << 10
)

const (
	windowPost, windowType   = "window_post", "StackedDrgWindow32GiBV1_2"
	winningPost, winningType = "winning_post", "StackedDrgWinning32GiBV1"
)

// proofs are what a prover reads, from its request on.
func proofs(s settings) []bench {
	count, plans, mounted := int64(partition), int64(100), int64(20)
	if s.quick {
		count, plans, mounted = 50, 2, 1
	}
	list := filepath.Join(s.folder, fmt.Sprintf("reads-%d", count))
	read := func(name, server string, inFlight int, clients []client, goals ...goal) bench {
		return bench{name: name, server: server, clients: clients, goals: append(goals, times...),
			unit: "us/read", scale: 1e6 / float64(reads(count)), prepare: func() error { return s.writeReads(list, count) },
			job: job{Work: "ranges", Key: sectors, List: list, Count: count, Size: segmentSize, InFlight: inFlight}}
	}
	winning := func(name string, inFlight int, milliseconds float64, how proving) bench {
		how.stage = winningPost
		return bench{name: name, server: "delaying-sectors", clients: []client{s.prover(how)},
			job:   job{Key: sectors, Count: 1, InFlight: inFlight},
			goals: []goal{{"hand_over", nil, report.AtMost(milliseconds, "ms")}, {"answer", nil, report.Told}}}
	}
	return []bench{
		{name: "plan", clients: []client{s.scabbard()}, job: job{Work: "plan", Count: plans, Size: partition},
			unit: "ms", scale: 1e3 / float64(plans), goals: []goal{{"processor", nil, report.AtMost(20, "ms")}}},
		read("partition", "nginx", 64, []client{s.prover(proving{stage: windowPost}), s.minio(), s.bare("poll")},
			goal{"processor", nil, report.AtMost(25, "us")},
			goal{"processor", []string{"minio-go"}, report.RatioAtMost(0.45)},
			goal{"peak", nil, report.AtMost(400, "MiB")},
			goal{"requests", nil, report.AtMost(float64(128_000*count/partition), "requests")}),
		read("partition_warm", "nginx", 64, []client{s.prover(proving{stage: windowPost, cached: true})},
			goal{"processor", nil, report.Told},
			goal{"wall", nil, report.Told},
			goal{"peak", nil, report.AtMost(400, "MiB")},
			goal{"requests", nil, report.AtMost(float64(73_000*count/partition), "requests")}),
		read("partition_20ms", "delaying-sectors", 256, []client{s.prover(proving{stage: windowPost}), s.bare("poll"), s.bare("epoll")},
			goal{"wall", nil, report.RatioAtMost(1.1)}),
		// With connections that are yet to be made, and with those of the proof before.
		winning("winning_20ms", 64, 200, proving{}),
		winning("winning_20ms_again", 64, 200, proving{before: 1}),
		winning("winning_20ms_warm", 256, 60, proving{cached: true}),
		winning("winning_20ms_warm_again", 256, 60, proving{cached: true, before: 1}),
		read("mounts", "versitygw-sectors", 64, []client{s.prover(proving{stage: windowPost}), s.mount("rclone", mounted), s.mount("s3fs", mounted)}),
	}
}

// times are told of every prover.
var times = []goal{{"hand_over", nil, report.Told}, {"answer", nil, report.Told}}

// reads of so many sectors: what the list has, but for ranges that challenges have in common.
func reads(count int64) int64 { return count * 174_031 / partition }

func id(sector int64) string { return fmt.Sprintf("s-t0%d-%d", miner, sector) }

// writeSector writes the files of a sector below a folder, and gives the folder.
func writeSector(below string) (string, error) {
	folder := filepath.Join(below, "sector")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	for name, size := range map[string]int64{"sealed": sealedSize, "tree": treeSize, "p_aux": auxSize} {
		file, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			return "", err
		}
		if err := closed(file, file.Truncate(size)); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// linkSectors puts sectors where versitygw has its objects.
func linkSectors(folder string, count int64) error {
	files, err := writeSector(filepath.Dir(folder))
	if err != nil {
		return err
	}
	link := func(from string, to ...string) {
		target := filepath.Join(append([]string{folder, bucket, sectors}, to...)...)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o755), os.Link(filepath.Join(files, from), target),
			syscall.Setxattr(target, "user.etag", fmt.Appendf(nil, "%q", from), 0))
	}
	for number := int64(1); number <= count && err == nil; number++ {
		link("sealed", "sealed", id(number))
		link("p_aux", "cache", id(number), "p_aux")
		for tree := range trees {
			link("tree", "cache", id(number), fmt.Sprintf("sc-02-data-tree-r-last-%d.dat", tree))
		}
	}
	return err
}

// objectsOfSectors are all sectors' for the scripted server.
func objectsOfSectors() []string {
	return []string{
		"--object", fmt.Sprintf("%s/sealed/*=%d", sectors, int64(sealedSize)),
		"--object", fmt.Sprintf("%s/cache/*/p_aux=%d", sectors, auxSize),
		"--object", fmt.Sprintf("%s/cache/*.dat=%d", sectors, treeSize),
	}
}

// writeReads writes what `scabbard plan` says of the first sectors.
func (s settings) writeReads(list string, count int64) error {
	seed := post.CountingSeed()
	arguments := []string{"plan", "--json", "--proof-type", windowType, "--miner", strconv.Itoa(miner), "--seed", hex.EncodeToString(seed[:])}
	for sector := range count {
		arguments = append(arguments, "--sector", strconv.FormatInt(sector+1, 10))
	}
	plan := exec.Command(s.executable(), arguments...)
	var said bytes.Buffer
	plan.Stderr = &said
	text, err := plan.Output()
	if err != nil {
		return fmt.Errorf("plan: %w: %s", err, said.String())
	}
	return os.WriteFile(list, text, 0o644)
}

// waitFor waits until somebody has put a file there, whose name matches.
func waitFor(pattern string) error {
	for range 100 {
		if found, err := filepath.Glob(pattern); err != nil || len(found) != 0 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s has not come", pattern)
}

func taskOf(stage, folder string, numbers []int64) post.Task {
	task := post.Task{MinerID: miner, ProofType: windowType, Seed: post.CountingSeed()}
	if stage == winningPost {
		task.ProofType = winningType
	}
	for _, number := range numbers {
		task.Replicas = append(task.Replicas, post.Replica{SectorID: uint64(number),
			CacheDir: filepath.Join(folder, "cache", id(number)), SealedFile: filepath.Join(folder, "sealed", id(number))})
	}
	return task
}

// proving is how a prover is asked.
type proving struct {
	stage string
	// With the tree tops in its cache. All sectors have the same p_aux, and so the same tree tops.
	cached bool
	// Requests for other sectors before the one that counts. Processor time and memory are of all.
	before int
}

// prover is scabbard between damocles and a stock prover that answers at once.
func (s settings) prover(how proving) client {
	return client{name: "scabbard", own: func(j job) (cost, error) { return s.prove(j, how) }}
}

func (s settings) prove(j job, how proving) (spent cost, err error) {
	folder, err := os.MkdirTemp(s.folder, "prover-")
	if err != nil {
		return cost{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	staging, err := os.MkdirTemp("/dev/shm", "scabbard-bench-")
	if err != nil {
		return cost{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	attached, environment, err := s.attach(folder, "s3://"+j.Bucket+"/"+j.Key, "Endpoint="+j.Endpoint, fmt.Sprintf("MaxConnections=%d", j.InFlight))
	if err != nil {
		return cost{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	stock := filepath.Join(folder, "stock-prover")
	options := []string{"--staging", staging, "--max-reads", strconv.Itoa(j.InFlight),
		"--delegate", fmt.Sprintf("'%s' %s %s '%s'", self, stockProver, how.stage, stock)}
	if how.cached {
		cache := filepath.Join(folder, "cache")
		options = append(options, "--cache", cache)
		if err := s.fillCache(cache, taskOf(how.stage, attached, []int64{1}), environment, how.stage, options); err != nil {
			return cost{}, err
		}
	}
	process, err := worker.Start(s.executable(), environment, how.stage, options...)
	if err != nil {
		return cost{}, err
	}
	p := provingProcess{Process: process, stock: stock}
	asked := p.askAll(j, how, attached)
	took, err := process.End(asked)
	p.spent.Processor, p.spent.Peak = took.Processor.Seconds(), took.PeakMiB
	return p.spent, err
}

// fillCache has another process prove something. `scabbard warm` lists, which nginx cannot.
func (s settings) fillCache(cache string, task post.Task, environment []string, stage string, options []string) error {
	process, err := worker.Start(s.executable(), environment, stage, options...)
	if err != nil {
		return err
	}
	if _, err = process.Ask(task); err == nil {
		err = waitFor(filepath.Join(cache, "[^.]*"))
	}
	_, err = process.End(err)
	return err
}

type provingProcess struct {
	*worker.Process
	stock string // file in which the stock prover notes its times
	spent cost
}

func (p *provingProcess) askAll(j job, how proving, folder string) error {
	if err := waitFor(p.stock); err != nil {
		return err
	}
	for i := range how.before {
		if err := p.ask(taskOf(how.stage, folder, []int64{partition + int64(i) + 1})); err != nil {
			return err
		}
	}
	p.spent = cost{}
	most, err := sectorsInRequest()
	if err != nil {
		return err
	}
	var numbers []int64
	for number := range j.Count {
		numbers = append(numbers, number+1)
	}
	for some := range slices.Chunk(numbers, most) {
		if err := p.ask(taskOf(how.stage, folder, some)); err != nil {
			return err
		}
	}
	return nil
}

func (p *provingProcess) ask(task post.Task) error {
	start := time.Now()
	output, err := p.Ask(task)
	if err != nil {
		return err
	}
	end := time.Now()
	var answer struct{ Faults []int64 }
	if err := json.Unmarshal(output, &answer); err != nil {
		return err
	}
	if len(answer.Faults) != 0 {
		return fmt.Errorf("%d sectors could not be read", len(answer.Faults))
	}
	text, err := os.ReadFile(p.stock)
	if err != nil {
		return err
	}
	var noted stockTimes
	if err := json.Unmarshal(text, &noted); err != nil {
		return err
	}
	p.spent.Wall += end.Sub(start).Seconds()
	p.spent.HandOver += noted.Asked.Sub(start).Seconds() * 1e3
	p.spent.Answer += end.Sub(noted.Answered).Seconds() * 1e3
	return nil
}

// sectorsInRequest is as many as the stock prover may open files for: a whole partition, but in some containers.
func sectorsInRequest() (int, error) {
	const others = 256
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	most := int(min((limit.Max-others)/(2*trees), partition))
	if most < partition {
		splitOnce.Do(func() {
			fmt.Fprintf(os.Stderr, "bench-s3: the limit of %d open files (ulimit -Hn) makes a request of %d sectors at most: a partition is several\n", limit.Max, most)
		})
	}
	return most, err
}

var splitOnce sync.Once
