// Package report prints what benches found, and counts the targets that were missed.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
)

// ErrMissed is what Err wraps.
var ErrMissed = errors.New("a target was missed")

// Result is the medians of both sides, and of scabbard over peer in each round.
type Result struct{ Scabbard, Peer, Ratio float64 }

// Median sorts the values.
func Median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// Report prints results.
type Report struct {
	missed int
	failed error // to print
}

// Exit ends a bench of that name with its error: status 1 where it only missed a target.
func Exit(bench string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", bench, err)
	if errors.Is(err, ErrMissed) {
		os.Exit(1)
	}
	os.Exit(2)
}

// Err tells how many targets were missed, if any were.
func (r *Report) Err() error {
	if r.failed != nil || r.missed == 0 {
		return r.failed
	}
	return fmt.Errorf("%w: %d", ErrMissed, r.missed)
}

type line struct {
	Bench    string  `json:"bench"`
	Scabbard float64 `json:"scabbard"`
	PeerName string  `json:"peer_name,omitempty"`
	Peer     float64 `json:"peer"`
	Unit     string  `json:"unit"`
	Ratio    float64 `json:"ratio"`
	Target   string  `json:"target"`
	OK       *bool   `json:"ok,omitempty"`
}

// Target is a bound on a result.
type Target struct {
	text  string
	holds func(Result) bool
	// Absolute tells that it is about scabbard's number alone.
	Absolute bool
}

// NoTarget is for results that are there to be read.
var NoTarget Target

// Told is for those of scabbard alone.
var Told = Target{Absolute: true}

// RatioAtMost bounds scabbard's number over the peer's.
func RatioAtMost(bound float64) Target {
	return Target{text: fmt.Sprintf("<= %.2f", bound), holds: func(r Result) bool { return r.Ratio <= bound }}
}

// RatioAtLeast bounds scabbard's number over the peer's.
func RatioAtLeast(bound float64) Target {
	return Target{text: fmt.Sprintf(">= %.2f", bound), holds: func(r Result) bool { return r.Ratio >= bound }}
}

// OverPeerAtMost bounds what scabbard takes more than the peer.
func OverPeerAtMost(bound float64, unit string) Target {
	return Target{text: fmt.Sprintf("<= peer + %g %s", bound, unit), holds: func(r Result) bool { return r.Scabbard <= r.Peer+bound }}
}

// AtMost bounds scabbard's own number.
func AtMost(bound float64, unit string) Target {
	return Target{text: fmt.Sprintf("<= %g %s", bound, unit), holds: func(r Result) bool { return r.Scabbard <= bound }, Absolute: true}
}

// Add prints a line against the only peer there is.
func (r *Report) Add(bench string, found Result, unit string, goal Target) {
	r.AddAgainst(bench, "", found, unit, goal)
}

// AddAgainst prints a line that names the peer.
func (r *Report) AddAgainst(bench, peer string, found Result, unit string, goal Target) {
	l := line{Bench: bench, Scabbard: rounded(found.Scabbard), PeerName: peer, Peer: rounded(found.Peer), Unit: unit,
		Ratio: rounded(found.Ratio), Target: goal.text}
	if goal.holds != nil {
		ok := goal.holds(found)
		l.OK = &ok
		if !ok {
			r.missed++
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	r.failed = errors.Join(r.failed, out.Encode(l))
}

// rounded keeps three decimals.
func rounded(value float64) float64 { return float64(int64(value*1000+0.5)) / 1000 }
