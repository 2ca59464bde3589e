// Package post is what damocles asks a prover for, and what `scabbard plan` says of it.
package post

// Replica is a sector of a request, as damocles' Go types have it (damocles-manager/pkg/extproc/stage).
type Replica struct {
	SectorID   uint64   `json:"sector_id"`
	CommR      [32]byte `json:"comm_r"`
	CacheDir   string   `json:"cache_dir"`
	SealedFile string   `json:"sealed_file"`
}

// Task is a request, without the protocol's id; likewise.
type Task struct {
	MinerID   uint64    `json:"miner_id"`
	ProofType string    `json:"proof_type"`
	Replicas  []Replica `json:"replicas"`
	Seed      [32]byte  `json:"seed"`
}

// CountingSeed is 00 01 .. 1f.
func CountingSeed() (seed [32]byte) {
	for i := range seed {
		seed[i] = byte(i)
	}
	return seed
}

// PlannedRead is a line of `scabbard plan --json`.
type PlannedRead struct {
	Sector         uint64
	Object         string
	Offset, Length int64
}
