package suite

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"scabbard/tests/post"
)

// Which bytes the stock prover reads, as the kernel saw it, against what is planned and what is fetched.

const (
	nodeSize = 32 // bytes; all that is read begins and ends with one
	arity    = 8
)

// nodes are pieces of objects, by the objects' names.
type nodes map[string]map[int64]bool

func (n nodes) add(object string, offset, length int64) {
	of := n[object]
	if of == nil {
		of = map[int64]bool{}
		n[object] = of
	}
	for node := offset / nodeSize; node*nodeSize < offset+length; node++ {
		of[node] = true
	}
}

// besides tells, of each object in order, the first that the others lack.
func (n nodes) besides(others ...nodes) (found []string) {
	for _, object := range slices.Sorted(maps.Keys(n)) {
		for _, node := range slices.Sorted(maps.Keys(n[object])) {
			if !slices.ContainsFunc(others, func(other nodes) bool { return other[object][node] }) {
				found = append(found, fmt.Sprintf("%s at %d", object, node*nodeSize))
				break
			}
		}
	}
	return found
}

// withSiblings adds what lies beside the nodes of trees: of eight siblings the prover reads seven, and has computed the
// one on the path itself.
func (n nodes) withSiblings(t *testing.T, folder string) nodes {
	t.Helper()
	all := nodes{}
	for object, of := range n {
		info, err := os.Stat(filepath.Join(folder, object))
		if err != nil {
			t.Fatal(err)
		}
		for node := range of {
			first, count := node, int64(1)
			if strings.Contains(object, "tree-r-last") {
				first = node / arity * arity
				count = min(arity, info.Size()/nodeSize-first) // the root, at the end, has no siblings
			}
			all.add(object, first*nodeSize, count*nodeSize)
		}
	}
	return all
}

func needStrace(t *testing.T) {
	t.Helper()
	if said, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not run: %v: %s", err, said)
	}
}

var (
	pread      = regexp.MustCompile(`^pread64\(\d+<(.+)>, .*, (\d+)\)\s+= (\d+)$`)
	sequential = regexp.MustCompile(`^read\(\d+<(.+)>, .*, \d+\)\s+= (\d+)$`)
	opened     = regexp.MustCompile(`^openat\(.*= \d+<(.+)>$`)
	readsNone  = regexp.MustCompile(`^(statx|fstat|newfstatat|close)\(`)
)

// stockReads is what a stock prover reads of sectors below a folder.
func stockReads(t *testing.T, stage, folder string, task post.Task) nodes {
	t.Helper()
	traces := t.TempDir()
	// A file for each thread, so that no line is of two calls; %desc are all calls on descriptors.
	command := exec.Command("strace", "-ff", "--seccomp-bpf", "-y", "-s", "0", "-e", "trace=%desc", "-o", filepath.Join(traces, "thread"),
		stockProver(), "processor", stage)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(in).Encode(map[string]any{"id": 1, "task": task}); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	lines.ReadString('\n') // that it is ready
	answer, err := lines.ReadBytes('\n')
	in.Close()
	_ = command.Wait() // the end of its input is an error to it
	if err != nil {
		t.Fatal(err)
	}
	said := decoded[struct{ Output windowOutput }](t, answer)
	if len(said.Output.Proofs) == 0 {
		t.Fatalf("there is nothing to compare with: %s", answer)
	}

	reads := nodes{}
	threads, _ := filepath.Glob(filepath.Join(traces, "*"))
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			t.Fatal(err)
		}
		reads.addTraced(t, folder, string(text))
	}
	return reads
}

func (n nodes) addTraced(t *testing.T, folder, trace string) {
	t.Helper()
	at := map[string]int64{} // where the next sequential read of a file begins
	number := func(text string) int64 {
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for line := range strings.Lines(trace) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.Contains(line, folder+"/") || readsNone.MatchString(line) {
			continue
		}
		if call := pread.FindStringSubmatch(line); call != nil {
			n.add(objectBelow(folder, call[1]), number(call[2]), number(call[3]))
		} else if call := sequential.FindStringSubmatch(line); call != nil {
			n.add(objectBelow(folder, call[1]), at[call[1]], number(call[2]))
			at[call[1]] += number(call[2])
		} else if call := opened.FindStringSubmatch(line); call != nil {
			at[call[1]] = 0
		} else {
			t.Fatalf("the stock prover does what this test does not know: %s", line)
		}
	}
}

func objectBelow(folder, path string) string { return strings.TrimPrefix(path, folder+"/") }

func nodesOf(reads []post.PlannedRead) nodes {
	all := nodes{}
	for _, read := range reads {
		all.add(read.Object, read.Offset, read.Length)
	}
	return all
}

// forThisSeed makes sparse sectors that tell whether all is read for countingSeed.
func forThisSeed() []string {
	seed := post.CountingSeed()
	return []string{"--seed", hex.EncodeToString(seed[:])}
}

func TestProver_plan_is_what_the_stock_prover_reads(t *testing.T) {
	needOracle(t)
	needStrace(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	for _, test := range []struct {
		size, how string
		more      []string
	}{
		{size: "2KiB", how: "seal"},
		{size: "8MiB", how: "random"},
		{size: "32GiB", how: "sparse", more: forThisSeed()},
		{size: "64GiB", how: "sparse", more: forThisSeed()},
	} {
		made := provable{folder: t.TempDir(), size: test.size, sectors: []uint64{7, 9, 11}}.make(t, test.how, test.more...)
		for proofType, stage := range map[string]string{
			"StackedDrgWindow" + test.size + "V1_2": windowPost,
			"StackedDrgWindow" + test.size + "V1":   windowPost,
			"StackedDrgWinning" + test.size + "V1":  winning,
		} {
			t.Run(proofType, func(t *testing.T) {
				made := made
				if stage == winning {
					made.sectors = made.sectors[:1]
				}
				if proofType == "StackedDrgWindow2KiBV1_2" { // with all that a prover does besides
					oracle(t, "", "parameters", "--size", "2KiB", "--proof", "window")
					t.Setenv("ORACLE_VANILLA_ONLY", "0")
				}
				read := stockReads(t, stage, made.folder, made.task(t, proofType, made.folder)).withSiblings(t, made.folder)
				plan := nodesOf(planned(t, proofType, post.CountingSeed(), made.sectors...))
				if missed := read.besides(plan); missed != nil {
					t.Errorf("not planned: %q", missed)
				}
				if idle := plan.besides(read); idle != nil {
					t.Errorf("planned, and not read: %q", idle)
				}
			})
		}
	}
}

// `scabbard plan` knows the usual number of rows only, and so does a prover until it has asked for a tree. What it asks
// for then is what is read.
func TestProver_fetches_what_the_stock_prover_reads(t *testing.T) {
	needOracle(t)
	needStrace(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	for _, test := range []struct {
		name, size, how, rowsDiscarded string
		more                           []string
	}{
		{name: "no_row_discarded", size: "8MiB", how: "random", rowsDiscarded: "0"},
		{name: "one_row_discarded", size: "8MiB", how: "random", rowsDiscarded: "1"},
		{name: "two_rows_discarded", size: "32GiB", how: "sparse", rowsDiscarded: "2", more: forThisSeed()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("FIL_PROOFS_ROWS_TO_DISCARD", test.rowsDiscarded)
			server := startS3(t)
			server.options = []string{"MergeGap=0", "Hedging=never"}
			notedReads := server.noteReads(t)
			to, made := onServer(t, server, provable{size: test.size, sectors: []uint64{7, 9}}, test.how, test.more...)
			for proofType, stage := range map[string]string{
				"StackedDrgWindow" + test.size + "V1_2": windowPost,
				"StackedDrgWinning" + test.size + "V1":  winning,
			} {
				made := made
				if stage == winning {
					made.sectors = made.sectors[:1]
				}
				startProver(t, stage).mustProve(t, made.task(t, proofType, to.folder))
				fetched := notedReads()
				read := stockReads(t, stage, made.folder, made.task(t, proofType, made.folder)).withSiblings(t, made.folder)
				if missed := read.besides(fetched); missed != nil {
					t.Errorf("%s: not fetched: %q", proofType, missed)
				}
				usual := nodesOf(planned(t, proofType, post.CountingSeed(), made.sectors...))
				if idle := fetched.besides(read, usual); idle != nil {
					t.Errorf("%s: fetched, and not read: %q", proofType, idle)
				}
			}
		})
	}
}

// noteReads gives what was asked for since it was called last.
func (server *s3Server) noteReads(t *testing.T) (since func() nodes) {
	var mutex sync.Mutex
	noted := nodes{}
	server.putBehind(t, func(pass http.Handler) http.Handler {
		return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			var first, last int64
			if _, err := fmt.Sscanf(request.Header.Get("Range"), "bytes=%d-%d", &first, &last); err != nil {
				t.Errorf("%s %s: %v", request.Method, request.URL, err)
			}
			mutex.Lock()
			noted.add(strings.TrimPrefix(request.URL.Path, "/"+server.bucket+"/f01000/"), first, last-first+1)
			mutex.Unlock()
			pass.ServeHTTP(answer, request)
		})
	})
	return func() nodes {
		mutex.Lock()
		defer mutex.Unlock()
		was := noted
		noted = nodes{}
		return was
	}
}
