package suite

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// The cache of tree tops, with the real filecoin-proofs.

// spoilKept changes a node of the only entry, and makes its checksums right again (cpp/sector/tree_top_cache.cpp).
func spoilKept(t *testing.T, cache string) {
	t.Helper()
	const sum, summed, sums, body = 8, 12, 64, 68 // where they begin; an entry of 8 MiB has one block
	kept, _ := filepath.Glob(filepath.Join(cache, "*"))
	if len(kept) != 1 {
		t.Fatalf("kept: %q", kept)
	}
	entry, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	entry[body] ^= 1
	binary.LittleEndian.PutUint32(entry[sums:], crc32.Checksum(entry[body:], castagnoli))
	binary.LittleEndian.PutUint32(entry[sum:], crc32.Checksum(entry[summed:body], castagnoli))
	writeFile(t, kept[0], string(entry))
}

func TestProver_with_tree_tops_from_the_cache(t *testing.T) {
	needOracle(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	to, made := onServer(t, startS3(t), provable{size: "8MiB", sectors: []uint64{7}}, "random")
	cache := filepath.Join(t.TempDir(), "cache")
	for _, test := range []struct{ stage, proofType, kind string }{
		{windowPost, "StackedDrgWindow8MiBV1_2", "window"},
		{winning, "StackedDrgWinning8MiBV1", "winning"},
	} {
		w := startProverWith(t, test.stage, "--staging", t.TempDir(), "--cache", cache)
		prove := func() {
			t.Helper()
			proof := w.mustProve(t, made.task(t, test.proofType, to.folder))
			if len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], made.vanilla(t, test.kind)) {
				t.Errorf("%s: %d other proofs, faults %v", test.kind, len(proof.Proofs), proof.Faults)
			}
		}
		scabbard(t, "warm", "-q", "--cache", cache, to.folder)
		prove()
		w.waitUntilItSays(t, "1 with tree tops from the cache")
		spoilKept(t, cache)
		prove()
		w.waitUntilItSays(t, "handed to the stock prover once more")
		if kept, _ := filepath.Glob(filepath.Join(cache, "*")); len(kept) != 0 {
			t.Errorf("what was wrong is still there: %q", kept)
		}
	}
}
