package suite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"scabbard/tests/post"
)

// The prover between damocles' own parent and the real filecoin-proofs: what it hands over has to give the proofs that
// the whole sectors give.

var oracleFolder = flag.String("oracle", "", "folder with the programs of tests/oracle; without it, its tests are left out")

const (
	miner      = 1000
	windowPost = "window_post"
	winning    = "winning_post"
)

// oracle gives its lines.
func oracle(t *testing.T, in string, arguments ...string) []json.RawMessage {
	t.Helper()
	command := exec.Command(filepath.Join(*oracleFolder, "oracle"), arguments...)
	var out, said bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(in), &out, &said
	if err := command.Run(); err != nil {
		t.Fatalf("oracle %q: %v\n%s%s", arguments, err, out.String(), said.String())
	}
	var lines []json.RawMessage
	for line := range bytes.Lines(out.Bytes()) {
		lines = append(lines, slices.Clone(line))
	}
	return lines
}

func decoded[T any](t *testing.T, text json.RawMessage) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func list(sectors []uint64) string {
	var text []string
	for _, sector := range sectors {
		text = append(text, strconv.FormatUint(sector, 10))
	}
	return strings.Join(text, ",")
}

// provable are sectors that the oracle has made, below a folder as in a store.
type provable struct {
	folder, size string
	sectors      []uint64
	upgraded     bool
	environment  []string
}

func (p provable) arguments(more ...string) []string {
	arguments := append([]string{more[0], "--store", p.folder, "--size", p.size, "--sectors", list(p.sectors)}, more[1:]...)
	if p.upgraded {
		arguments = append(arguments, "--update")
	}
	return arguments
}

func (p provable) make(t *testing.T, how string, more ...string) provable {
	t.Helper()
	oracle(t, "", p.arguments(append([]string{how}, more...)...)...)
	return p
}

// windowOutput is as damocles' Go types have it (damocles-manager/pkg/extproc/stage).
type windowOutput struct {
	Proofs [][]byte `json:"proofs"`
	Faults []uint64 `json:"faults"`
}

// task asks for a proof of the sectors as they lie below a folder.
func (p provable) task(t *testing.T, proofType, folder string) post.Task {
	t.Helper()
	task := post.Task{MinerID: miner, ProofType: proofType, Seed: post.CountingSeed()}
	sealed, cache := "sealed", "cache"
	if p.upgraded {
		sealed, cache = "update", "update-cache"
	}
	for _, line := range oracle(t, "", p.arguments("comm-r")...) {
		said := decoded[struct {
			Sector uint64
			CommR  string `json:"comm_r"`
		}](t, line)
		id := fmt.Sprintf("s-t0%d-%d", miner, said.Sector)
		one := post.Replica{SectorID: said.Sector, CacheDir: filepath.Join(folder, cache, id), SealedFile: filepath.Join(folder, sealed, id)}
		if _, err := hex.Decode(one.CommR[:], []byte(said.CommR)); err != nil {
			t.Fatal(err)
		}
		task.Replicas = append(task.Replicas, one)
	}
	return task
}

// vanilla is what a stock prover that makes no SNARKs answers of whole sectors.
func (p provable) vanilla(t *testing.T, kind string) []byte {
	t.Helper()
	seed := post.CountingSeed()
	all := sha256.New()
	for _, line := range oracle(t, "", p.arguments("vanilla", "--proof", kind, "--seed", hex.EncodeToString(seed[:]))...) {
		sum, err := hex.DecodeString(decoded[struct{ Sha256 string }](t, line).Sha256)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(sum)
	}
	return all.Sum(nil)
}

func stockProver() string { return filepath.Join(*oracleFolder, "stock_prover") }

// startProver starts one whose stock prover is the oracle's.
func startProver(t *testing.T, stage string) *worker {
	t.Helper()
	return startProverWith(t, stage, "--staging", filepath.Join(t.TempDir(), "staging"), "--sector-limit", "30s")
}

func startProverWith(t *testing.T, stage string, options ...string) *worker {
	t.Helper()
	t.Setenv("RUST_BACKTRACE", "0")
	arguments := []string{*executable, "processor", stage, "--delegate", stockProver() + " processor " + stage}
	return startProcessor(t, stage, append(arguments, options...)...)
}

func (w *worker) mustProve(t *testing.T, task post.Task) windowOutput {
	t.Helper()
	done := <-w.ask(t, task)
	if done.err != nil {
		t.Fatal(done.err)
	}
	return decoded[windowOutput](t, done.output)
}

// onServer makes sectors where an S3 server has its objects, and attaches the store. Nothing is copied: most of what
// sectors have is holes.
func onServer(t *testing.T, server *s3Server, made provable, how string, more ...string) (attached, provable) {
	t.Helper()
	made.folder = filepath.Join(server.objects, "f01000")
	made.make(t, how, more...)
	err := filepath.WalkDir(made.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return syscall.Setxattr(path, "user.etag", fmt.Appendf(nil, "%q", entry.Name()), 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.attach(t), made
}

func needOracle(t *testing.T) {
	t.Helper()
	if *oracleFolder == "" {
		t.Skip("needs -oracle")
	}
	parameters := filepath.Join(filepath.Dir(*oracleFolder), "parameters")
	t.Setenv("FIL_PROOFS_PARAMETER_CACHE", parameters)
	t.Setenv("FIL_PROOFS_PARENT_CACHE", filepath.Join(parameters, "parents"))
}

// mustVerify takes a SNARK of these sectors.
func (p provable) mustVerify(t *testing.T, kind string, proof windowOutput) {
	t.Helper()
	if len(proof.Proofs) != 1 || len(proof.Faults) != 0 {
		t.Fatalf("%d proofs, faults %v", len(proof.Proofs), proof.Faults)
	}
	seed := post.CountingSeed()
	oracle(t, "", p.arguments("verify", "--proof", kind, "--seed", hex.EncodeToString(seed[:]),
		"--snark", base64.StdEncoding.EncodeToString(proof.Proofs[0]))...)
}

func TestProver_SNARKs_verify(t *testing.T) {
	needOracle(t)
	for _, test := range []struct{ kind, stage, size, proofType string }{
		{"window", windowPost, "2KiB", "StackedDrgWindow2KiBV1_2"},
		{"window", windowPost, "8MiB", "StackedDrgWindow8MiBV1_2"},
		{"winning", winning, "2KiB", "StackedDrgWinning2KiBV1"},
	} {
		oracle(t, "", "parameters", "--size", test.size, "--proof", test.kind)
		made := provable{folder: t.TempDir(), size: test.size, sectors: []uint64{7, 9}}
		if test.kind == "winning" {
			made.sectors = made.sectors[:1]
		}
		if test.size == "2KiB" {
			made.make(t, "seal")
		} else {
			made.make(t, "random")
		}
		tried := backends
		if test.size == "8MiB" { // its proofs take long
			tried = tried[1:2]
		}
		for _, backend := range tried {
			t.Run(test.kind+test.size+backend.name, func(t *testing.T) {
				to := backend.attach(t)
				scabbard(t, "sector", "cp", "-q", "--all", "--store", made.folder, "--to", to.folder)
				proof := startProver(t, test.stage).mustProve(t, made.task(t, test.proofType, to.folder))
				made.mustVerify(t, test.kind, proof)
			})
		}
	}
}

// Of partitions of two sectors: a circuit for 2349 takes more memory than machines for tests have.
func TestProver_SNARK_of_32_GiB_verifies(t *testing.T) {
	needOracle(t)
	if os.Getenv("SCABBARD_LONG_TESTS") == "" {
		t.Skip("parameters take minutes: SCABBARD_LONG_TESTS=1")
	}
	t.Setenv("ORACLE_WINDOW_SECTOR_COUNT", "2")
	oracle(t, "", "parameters", "--size", "32GiB", "--proof", "window")
	to, made := onServer(t, startS3(t), provable{size: "32GiB", sectors: []uint64{7, 9}}, "sparse", forThisSeed()...)
	made.mustVerify(t, "window", startProver(t, windowPost).mustProve(t, made.task(t, "StackedDrgWindow32GiBV1_2", to.folder)))
}

func TestProver_staged_sectors_give_the_proofs_of_whole_ones(t *testing.T) {
	needOracle(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	for _, test := range []struct {
		name, how, size string
		rowsDiscarded   string
		upgraded        bool
		start           func(t *testing.T) *s3Server // versitygw, unless it is named
	}{
		{name: "8MiB", how: "random", size: "8MiB"},
		{name: "8MiB_from_nginx", how: "random", size: "8MiB", start: startNginx},
		{name: "8MiB_of_an_upgraded_sector", how: "random", size: "8MiB", upgraded: true},
		{name: "8MiB_one_row_discarded", how: "random", size: "8MiB", rowsDiscarded: "1"},
		{name: "8MiB_no_row_discarded", how: "random", size: "8MiB", rowsDiscarded: "0"},
		{name: "32GiB", how: "sparse", size: "32GiB"},
		{name: "64GiB", how: "sparse", size: "64GiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var more []string
			if test.how == "sparse" {
				more = forThisSeed()
			}
			if test.rowsDiscarded != "" {
				more = append(more, "--rows-discarded", test.rowsDiscarded)
				t.Setenv("FIL_PROOFS_ROWS_TO_DISCARD", test.rowsDiscarded)
			}
			if test.start == nil {
				test.start = startS3
			}
			to, made := onServer(t, test.start(t), provable{size: test.size, sectors: []uint64{7, 9, 11}, upgraded: test.upgraded}, test.how, more...)
			for kind, suffix := range map[string]string{"window": "V1_2", "window-v1": "V1"} {
				proof := startProver(t, windowPost).mustProve(t, made.task(t, "StackedDrgWindow"+test.size+suffix, to.folder))
				if len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], made.vanilla(t, kind)) {
					t.Errorf("%s: %d other proofs, faults %v", kind, len(proof.Proofs), proof.Faults)
				}
			}
			made.sectors = made.sectors[:1]
			proof := startProver(t, winning).mustProve(t, made.task(t, "StackedDrgWinning"+test.size+"V1", to.folder))
			if len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], made.vanilla(t, "winning")) {
				t.Errorf("winning: %d other proofs", len(proof.Proofs))
			}
		})
	}
}

// Objects are found by their names alone: what damages one is told by the answer.
func TestProver_names_as_faults_what_cannot_be_proven(t *testing.T) {
	needOracle(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	const tree = "cache/s-t01000-9/sc-02-data-tree-r-last.dat"
	flip := func(offset int64, bits byte) func(t *testing.T, file string) {
		return func(t *testing.T, file string) {
			damaged, err := os.OpenFile(file, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer damaged.Close()
			var one [1]byte
			damaged.ReadAt(one[:], offset)
			one[0] ^= bits
			damaged.WriteAt(one[:], offset)
		}
	}
	remove := func(t *testing.T, file string) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	shorten := func(t *testing.T, file string) {
		info, err := os.Stat(file)
		if err == nil {
			err = os.Truncate(file, info.Size()-1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, damage := range map[string]struct {
		object string
		do     func(t *testing.T, file string)
	}{
		"replica_missing":   {"sealed/s-t01000-9", remove},
		"replica_truncated": {"sealed/s-t01000-9", shorten},
		"p_aux_missing":     {"cache/s-t01000-9/p_aux", remove},
		"p_aux_truncated":   {"cache/s-t01000-9/p_aux", shorten},
		"tree_missing":      {tree, remove},
		"tree_truncated":    {tree, shorten},
		"segment_flipped":   {"sealed/s-t01000-9", flip(challengedSegment(t, 9), 1)},
		"comm_c_flipped":    {"cache/s-t01000-9/p_aux", flip(5, 1)},
		"comm_r_flipped":    {"cache/s-t01000-9/p_aux", flip(37, 1)},
		// Not below the order of the field: the stock prover would never answer.
		"segment_no_scalar": {"sealed/s-t01000-9", flip(challengedSegment(t, 9)+31, 0x80)},
		"comm_c_no_scalar":  {"cache/s-t01000-9/p_aux", flip(31, 0x80)},
		"root_no_scalar":    {tree, flip(18_719, 0x80)},
		"root_flipped":      {tree, flip(18_719-3, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			to, made := onServer(t, startS3(t), provable{size: "8MiB", sectors: []uint64{7, 9, 11}}, "random")
			task := made.task(t, "StackedDrgWindow8MiBV1_2", to.folder)
			damage.do(t, filepath.Join(made.folder, damage.object))
			w := startProver(t, windowPost)
			if proof := w.mustProve(t, task); len(proof.Proofs) != 0 || !slices.Equal(proof.Faults, []uint64{9}) {
				t.Fatalf("%d proofs, faults %v", len(proof.Proofs), proof.Faults)
			}
			// As the manager does after that.
			task.Replicas = slices.Delete(task.Replicas, 1, 2)
			made.sectors = []uint64{7, 11}
			if proof := w.mustProve(t, task); len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], made.vanilla(t, "window")) {
				t.Fatalf("the others: %d proofs, faults %v", len(proof.Proofs), proof.Faults)
			}
		})
	}
}

// challengedSegment is where the first one begins.
func challengedSegment(t *testing.T, sector uint64) int64 {
	t.Helper()
	return slices.Min(slices.Collect(maps.Keys(plannedSegments(t, "StackedDrgWindow8MiBV1_2", post.CountingSeed(), sector))))
}

func planned(t *testing.T, proofType string, seed [32]byte, sectors ...uint64) (reads []post.PlannedRead) {
	t.Helper()
	arguments := []string{"plan", "--json", "--proof-type", proofType, "--miner", strconv.Itoa(miner), "--seed", hex.EncodeToString(seed[:])}
	for _, sector := range sectors {
		arguments = append(arguments, "--sector", strconv.FormatUint(sector, 10))
	}
	for line := range strings.Lines(scabbard(t, arguments...)) {
		reads = append(reads, decoded[post.PlannedRead](t, json.RawMessage(line)))
	}
	return reads
}

// plannedSegments are the begins of what is to be read of replicas, and of how many.
func plannedSegments(t *testing.T, proofType string, seed [32]byte, sectors ...uint64) map[int64]int {
	t.Helper()
	segments := map[int64]int{}
	for _, read := range planned(t, proofType, seed, sectors...) {
		if strings.HasPrefix(read.Object, "sealed/") {
			segments[read.Offset]++
		}
	}
	return segments
}

func TestProver_challenges_are_those_of_filecoin_proofs(t *testing.T) {
	needOracle(t)
	const draws = 40
	random := rand.New(rand.NewPCG(1, 2))
	sizes := map[string]int64{"2KiB": 2 << 10, "8MiB": 8 << 20, "512MiB": 512 << 20, "32GiB": 32 << 30, "64GiB": 64 << 30}
	type draw struct {
		ProofType string   `json:"proof_type"`
		Seed      string   `json:"seed"`
		Sectors   []uint64 `json:"sectors"`
		size      int64
	}
	var asked []draw
	var questions strings.Builder
	for name, size := range sizes {
		for kind, count := range map[string]int{"StackedDrgWinning%sV1": 1, "StackedDrgWindow%sV1": 20, "StackedDrgWindow%sV1_2": 20} {
			for range draws {
				one := draw{ProofType: fmt.Sprintf(kind, name), size: size}
				var seed [32]byte
				for i := range seed {
					seed[i] = byte(random.Uint32())
				}
				seed[31] &= 0x3f
				one.Seed = hex.EncodeToString(seed[:])
				for range count {
					one.Sectors = append(one.Sectors, random.Uint64N(1<<random.UintN(63)))
				}
				asked = append(asked, one)
				line, _ := json.Marshal(one)
				questions.Write(append(line, '\n'))
			}
		}
	}
	for i, line := range oracle(t, questions.String(), "challenges", "--stdin") {
		said := decoded[struct {
			Sectors []struct{ Challenges []int64 }
		}](t, line)
		one := asked[i]
		segment := min(one.size, 16_384)
		expected := map[int64]int{}
		for _, sector := range said.Sectors {
			of := map[int64]bool{}
			for _, leaf := range sector.Challenges {
				of[leaf*32/segment*segment] = true
			}
			for offset := range of {
				expected[offset]++
			}
		}
		var seed [32]byte
		hex.Decode(seed[:], []byte(one.Seed))
		if planned := plannedSegments(t, one.ProofType, seed, one.Sectors...); !maps.Equal(planned, expected) {
			t.Fatalf("%+v: planned %v, challenged %v", one, planned, expected)
		}
	}
}
