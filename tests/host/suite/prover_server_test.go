package suite

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scabbard/tests/post"
)

// Provers before a real server that a proxy of the test spoils.

func TestProver_gives_up_the_sector_that_is_slow_and_fetches_the_others_once(t *testing.T) {
	needOracle(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	server := startS3(t)
	var requests atomic.Int32
	isBack := make(chan struct{})
	server.putBehind(t, func(pass http.Handler) http.Handler {
		return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			requests.Add(1)
			if strings.Contains(request.URL.Path, "s-t01000-9") {
				select {
				case <-isBack:
				case <-request.Context().Done():
				}
			}
			pass.ServeHTTP(answer, request)
		})
	})
	to, made := onServer(t, server, provable{size: "8MiB", sectors: []uint64{7, 9, 11}}, "random")
	const longestWait = 30 * time.Second // far from the minutes that there are without the limit
	all := made.task(t, "StackedDrgWindow8MiBV1_2", to.folder)
	w := startProverWith(t, windowPost, "--staging", t.TempDir(), "--sector-limit", "2s")
	begun := time.Now()
	if proof := w.mustProve(t, all); len(proof.Proofs) != 0 || !slices.Equal(proof.Faults, []uint64{9}) {
		t.Fatalf("%d proofs, faults %v", len(proof.Proofs), proof.Faults)
	}
	if took := time.Since(begun); took > longestWait {
		t.Errorf("it was waited for during %v", took)
	}

	others, madeOthers := all, made
	others.Replicas = []post.Replica{all.Replicas[0], all.Replicas[2]}
	madeOthers.sectors = []uint64{7, 11}
	before := requests.Load()
	if proof := w.mustProve(t, others); len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], madeOthers.vanilla(t, "window")) {
		t.Fatalf("the others: %d proofs, faults %v", len(proof.Proofs), proof.Faults)
	}
	if more := requests.Load() - before; more != 0 {
		t.Errorf("%d requests for what was staged", more)
	}

	close(isBack)
	if proof := w.mustProve(t, all); len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], made.vanilla(t, "window")) {
		t.Fatalf("once it comes: %d proofs, faults %v", len(proof.Proofs), proof.Faults)
	}
}

func TestProver_proves_all_of_a_server_that_fails_now_and_then(t *testing.T) {
	needOracle(t)
	t.Setenv("ORACLE_VANILLA_ONLY", "1")
	server := startS3(t)
	var requests, spoiled atomic.Int32
	server.putBehind(t, func(pass http.Handler) http.Handler {
		return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			if requests.Add(1)%20 != 0 {
				pass.ServeHTTP(answer, request)
				return
			}
			switch spoiled.Add(1) % 3 {
			case 0:
				answer.WriteHeader(http.StatusServiceUnavailable)
			case 1:
				panic(http.ErrAbortHandler) // closes the connection without a word
			case 2:
				pass.ServeHTTP(&cutAnswer{answer}, request)
			}
		})
	})
	to, made := onServer(t, server, provable{size: "32GiB", sectors: []uint64{7, 9, 11, 13, 15, 17}}, "sparse", forThisSeed()...)
	w := startProver(t, windowPost)
	proof := w.mustProve(t, made.task(t, "StackedDrgWindow32GiBV1_2", to.folder))
	w.waitUntilItSays(t, " again")
	if len(proof.Proofs) != 1 || !bytes.Equal(proof.Proofs[0], made.vanilla(t, "window")) {
		t.Errorf("%d other proofs, faults %v", len(proof.Proofs), proof.Faults)
	}
	if spoiled.Load() < 10 {
		t.Errorf("only %d of %d answers were spoiled", spoiled.Load(), requests.Load())
	}
	t.Logf("%d of %d answers were spoiled", spoiled.Load(), requests.Load())
}

// cutAnswer closes the connection in the middle of the body.
type cutAnswer struct{ http.ResponseWriter }

func (answer *cutAnswer) Write(bytes []byte) (int, error) {
	answer.ResponseWriter.Write(bytes[:len(bytes)/2])
	panic(http.ErrAbortHandler)
}
