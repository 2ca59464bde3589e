// Command bench measures the built plugin, in damocles' own plugin loader, against a plain file store in
// upstream's shape (osstore) and against dd, and the built executable against cp and find. It prints one JSON
// object a line, both sides measured in turn in the same run, each the median of its repetitions:
//
//	{"bench":"stat_existing","scabbard":1.1,"peer":1.4,"unit":"us/op","ratio":0.79,"target":"<= 1.00","ok":true}
//
// ratio is scabbard's value over the peer's, the median over the repetitions: a machine that slows down for a
// while slows both sides of one. For times lower is better, for rates higher; target says which.
// A line whose target is empty is there to be read and has no ok. The exit status is 1 when a target was
// missed, 2 when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	managerplugin "github.com/ipfs-force-community/damocles/manager-plugin"
	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/tests/bench/osstore"
	"scabbard/tests/bench/report"
)

type settings struct {
	plugin     string
	executable string
	folder     string
	only       *regexp.Regexp
	rounds     int           // repetitions of a time, of a Get, and of a listing
	puts       int           // repetitions of a big Put, and of a copy
	perRound   time.Duration // spent on each side in each round of a time
	getSize    int64         // bytes
	putSize    int64         // bytes, of a Put and of a copy
	copied     objects       // small ones
	listed     objects
	noise      bool // both sides are the peer
}

func main() {
	var s settings
	var only, side string
	var quick bool
	flag.StringVar(&s.plugin, "plugin", "build/plugin-scabbard.so", "the plugin to measure")
	flag.StringVar(&s.executable, "executable", "build/scabbard", "the executable to measure")
	flag.StringVar(&s.folder, "dir", "build", "make the stores in a fresh folder below this one")
	flag.StringVar(&only, "only", "", "run the benches whose name matches this expression")
	flag.IntVar(&s.rounds, "rounds", 11, "repetitions of each side")
	flag.IntVar(&s.puts, "puts", 5, "repetitions of each side of a big Put and of a copy")
	flag.BoolVar(&quick, "quick", false, "small objects and few repetitions: shows that it works, not how fast")
	flag.BoolVar(&s.noise, "noise", false, "measure the peer against itself: how far a ratio is off by chance")
	flag.StringVar(&side, "memory-of", "", "internal: do the work of the memory bench with this side, print VmHWM")
	flag.Parse()

	s.perRound, s.getSize, s.putSize = 200*time.Millisecond, 256<<20, 1<<30
	s.copied, s.listed = objects{folders: 100, each: 100, size: 4 << 10}, objects{folders: 1000, each: 100}
	if quick {
		s.copied.folders, s.listed.folders = 5, 20
		s.rounds, s.puts, s.perRound, s.getSize, s.putSize = 3, 1, 20*time.Millisecond, 16<<20, 32<<20
	}
	var err error
	if s.only, err = regexp.Compile(only); err != nil {
		fail(err)
	}
	if side != "" {
		err = printPeakMemory(s, side)
	} else {
		err = run(s)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) { report.Exit("bench", err) }

func run(s settings) error {
	folder, err := os.MkdirTemp(s.folder, "bench-data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if s.folder, err = filepath.Abs(folder); err != nil {
		return err
	}
	both, err := openBoth(s)
	if err != nil {
		return err
	}
	results := &report.Report{}
	for _, bench := range []func(settings, *pair, *report.Report) error{benchTimes, benchGets, benchPuts, benchMemory, benchCopies, benchLocalTransfers, benchListing} {
		if err := bench(s, both, results); err != nil {
			return err
		}
	}
	if err := both.close(); err != nil {
		return err
	}
	return results.Err()
}

// wants tells whether a bench was asked for.
func (s settings) wants(bench string) bool { return s.only.MatchString(bench) }

// pair is the two sides, over one folder: they read the same files.
type pair struct {
	scabbard, peer objstore.Store
	folder         string
	close          func() error
}

func openBoth(s settings) (*pair, error) {
	folder := filepath.Join(s.folder, "store")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	p := &pair{folder: folder, close: func() error { return nil }}
	config := objstore.DefaultConfig(folder, false)
	config.Name = "bench"
	var err error
	if p.peer, err = osstore.Open(config); err != nil {
		return nil, err
	}
	if s.noise {
		p.scabbard = p.peer
		return p, nil
	}
	p.scabbard, p.close, err = openPlugin(s, config)
	return p, err
}

// openPlugin opens a store through the plugin, loaded as damocles-manager does it.
func openPlugin(s settings, config objstore.Config) (objstore.Store, func() error, error) {
	plugin, err := filepath.Abs(s.plugin)
	if err != nil {
		return nil, nil, err
	}
	// The loader opens every .so of a folder: give it one with this plugin only.
	folder, err := os.MkdirTemp(s.folder, "plugins-")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Symlink(plugin, filepath.Join(folder, filepath.Base(plugin))); err != nil {
		return nil, nil, err
	}
	loaded, err := managerplugin.Load(folder)
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	loaded.Init(ctx, func(_ *managerplugin.Plugin, initError error) { err = initError })
	if err != nil {
		return nil, nil, err
	}
	found := loaded.Get(managerplugin.ObjStore, "scabbard")
	if found == nil {
		return nil, nil, fmt.Errorf("%s: no plugin of this name: scabbard", plugin)
	}
	store, err := managerplugin.DeclareObjStoreManifest(found.Manifest).Constructor(config)
	if err != nil {
		return nil, nil, err
	}
	return store, func() error {
		var err error
		loaded.Shutdown(ctx, func(_ *managerplugin.Plugin, shutdownError error) { err = shutdownError })
		return err
	}, nil
}

// measure runs both sides in turn, swapping who goes first. The first round warms up and is not counted.
func measure(rounds int, scabbard, peer func() (float64, error)) (report.Result, error) {
	found, err := inTurn(rounds, scabbard, peer)
	if err != nil {
		return report.Result{}, err
	}
	return resultOf(found, func(value float64) float64 { return value }), nil
}

// round is what both sides measured, one after the other.
type round[T any] struct{ scabbard, peer T }

func inTurn[T any](rounds int, scabbard, peer func() (T, error)) ([]round[T], error) {
	var found []round[T]
	for number := 0; number <= rounds; number++ {
		var now round[T]
		var errs [2]error
		if number%2 == 0 {
			now.scabbard, errs[0] = scabbard()
			now.peer, errs[1] = peer()
		} else {
			now.peer, errs[1] = peer()
			now.scabbard, errs[0] = scabbard()
		}
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
		if number > 0 {
			found = append(found, now)
		}
	}
	return found, nil
}

// resultOf is of one of the numbers that a round measured.
func resultOf[T any](rounds []round[T], value func(T) float64) report.Result {
	var scabbard, peer, ratios []float64
	for _, one := range rounds {
		scabbard, peer = append(scabbard, value(one.scabbard)), append(peer, value(one.peer))
		ratios = append(ratios, value(one.scabbard)/value(one.peer))
	}
	return report.Result{Scabbard: report.Median(scabbard), Peer: report.Median(peer), Ratio: report.Median(ratios)}
}
