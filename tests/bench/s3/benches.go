package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"scabbard/tests/bench/report"
)

const (
	bucket = "bench"
	object = "object"
)

// bench is one job that several clients do in turn.
type bench struct {
	name    string
	server  string
	job     job
	clients []client // scabbard first
	first   string   // work done once before: puts the object there
	prepare func() error
	// What a round's number is of: the whole, or one request.
	unit  string
	scale float64
	goals []goal
}

// goal is a bound on one number against one peer, or (peer empty) against the best of them.
type goal struct {
	number string // a name of numbers
	peers  []string
	target report.Target
}

func benches(s settings) []bench {
	length, small, delayed, generated := int64(1<<30), int64(40_000), int64(100_000), int64(64<<30)
	sector, files := int64(4<<30), int64(10_000)
	if s.quick {
		length, small, delayed, generated = 64<<20, 2_000, 2_000, 1<<30
		sector, files = 128<<20, 500
	}
	var all []bench
	all = append(all, smallReads(s, length, small, delayed)...)
	all = append(all, puts(s, length, generated)...)
	all = append(all, gets(s, length)...)
	all = append(all, transfers(s, sector, files)...)
	return append(all, proofs(s)...)
}

func smallReads(s settings, length, count, delayed int64) []bench {
	queued := func(name, work, server string, count, size int64, inFlight int, clients []client, goals ...goal) bench {
		return bench{name: name, server: server, clients: clients, goals: goals, unit: "us/request", scale: 1e6 / float64(count),
			job: job{Work: work, Length: length, Count: count, Size: size, InFlight: inFlight}}
	}
	bare := []string{"curl-poll", "curl-epoll"}
	everyone := []client{s.scabbard(), s.minio(), s.bare("poll"), s.bare("epoll")}
	ours := []client{s.scabbard(), s.bare("poll"), s.bare("epoll")}
	ranges := []goal{
		{"processor", []string{"minio-go"}, report.RatioAtMost(0.4)},
		{"processor", bare, report.RatioAtMost(1.3)},
	}
	return []bench{
		queued("ranges_256", "ranges", "nginx", count, 256, 64, everyone, ranges...),
		queued("ranges_16k", "ranges", "nginx", count, 16<<10, 64, everyone, ranges...),
		queued("heads", "heads", "nginx", count/2, 0, 128, everyone, goal{"processor", []string{"minio-go"}, report.RatioAtMost(0.45)}),
		queued("ranges_20ms", "ranges", "delaying", delayed, 256, 256, ours,
			goal{"wall", bare, report.RatioAtMost(1.1)}, goal{"processor", nil, report.AtMost(32, "us")}),
	}
}

func (s settings) peers(names ...string) []client {
	all := []client{s.scabbard(), s.minio()}
	for _, name := range names {
		all = append(all, s.python(name))
	}
	return all
}

func puts(s settings, length, generated int64) []bench {
	put := func(name, server string, signed bool, clients []client, goals ...goal) bench {
		return bench{name: name, server: server, clients: clients, goals: goals, unit: "s", scale: 1,
			job: job{Work: "put_file", Length: length, SignPayload: signed}}
	}
	unsigned := []goal{
		{"processor", nil, report.RatioAtMost(0.7)},
		{"wall", nil, report.RatioAtMost(1)},
	}
	fromFile := s.scabbard()
	fromFile.name, fromFile.work = "scabbard-file", "put_file"
	stream := put("put_stream", "versitygw", false, []client{s.scabbard(), s.minio(), fromFile},
		goal{"peak", nil, report.AtMost(200, "MiB")}, goal{"processor", []string{"scabbard-file"}, report.RatioAtMost(1.15)})
	stream.job.Work = "put_stream"
	endless := put("put_64g", "discarding", false, []client{s.scabbard()}, goal{"peak", nil, report.AtMost(200, "MiB")})
	endless.job.Work, endless.job.Length = "put_generated", generated
	return []bench{
		// OpenDAL takes no authorities but those that it was built with.
		put("put_https", "versitygw-tls", false, s.peers("awscrt", "obstore", "arrow"), unsigned...),
		// Arrow signs payloads over HTTP, whatever it is told.
		put("put_http", "versitygw", false, s.peers("awscrt", "obstore", "opendal"),
			append(unsigned, goal{"peak", nil, report.AtMost(64, "MiB")})...),
		put("put_signed", "versitygw", true, append(s.peers("obstore", "arrow"), s.bare("poll")),
			goal{"processor", []string{"curl-poll"}, report.RatioAtMost(1.15)},
			goal{"processor", []string{"minio-go"}, report.RatioAtMost(1)}),
		put("put_http_minio", "minio", false, s.peers("awscrt", "obstore", "opendal"), unsigned...),
		stream,
		endless,
	}
}

func gets(s settings, length int64) []bench {
	get := func(name, server, file string, peers ...string) bench {
		return bench{name: name, server: server, first: "put_file", unit: "s", scale: 1,
			clients: append(s.peers(peers...), s.bare("poll")),
			job:     job{Work: "get", Length: length, File: file},
			goals:   []goal{{"processor", append(peers, "minio-go"), report.RatioAtMost(0.9)}}}
	}
	target := filepath.Join(s.folder, "target")
	return []bench{
		get("get_file", "versitygw", target, "awscrt", "obstore", "opendal", "arrow"),
		get("get_null", "versitygw", os.DevNull, "awscrt", "obstore", "opendal", "arrow"),
		get("get_file_https", "versitygw-tls", target, "awscrt", "obstore", "arrow"),
		get("get_null_minio", "minio", os.DevNull, "awscrt", "obstore", "opendal", "arrow"),
	}
}

func (b bench) run(s settings, place *servers, results *report.Report) error {
	at, err := place.started(b.server)
	if err != nil {
		return err
	}
	j := b.job
	j.Endpoint, j.CA, j.Bucket = at.endpoint, at.ca, at.bucket
	if j.Key == "" {
		j.Key = object
	}
	if b.prepare != nil {
		if err := b.prepare(); err != nil {
			return err
		}
	}
	source, err := place.source(j.Length)
	if err != nil {
		return err
	}
	if b.first != "" {
		before := j
		before.Work, before.File = b.first, source
		if _, err := s.minio().run(before); err != nil {
			return err
		}
	}
	if j.File == "" {
		j.File = source
	}
	if !b.isAbout("requests") {
		at.status = ""
	}
	costs, err := inTurn(b.clients, j, at, s.rounds)
	if err != nil {
		return err
	}
	b.report(costs, results)
	return nil
}

// inTurn runs every client in each round, beginning with another one each time. The first round warms up.
func inTurn(clients []client, j job, at server, rounds int) (map[string][]cost, error) {
	costs := map[string][]cost{}
	for round := range rounds + 1 {
		for i := range clients {
			c := clients[(i+round)%len(clients)]
			if err := settle(j); err != nil {
				return nil, err
			}
			spent, err := at.counting(func() (cost, error) { return c.run(j) })
			if err != nil {
				return nil, err
			}
			if round > 0 {
				costs[c.name] = append(costs[c.name], spent)
			}
		}
	}
	return costs, nil
}

// settle makes runs begin alike: with nothing waiting to be written, and without the target of a get.
func settle(j job) error {
	if j.Work == "get" && j.File != os.DevNull {
		if err := os.Remove(j.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if j.InFlight != 0 {
		return nil // small reads
	}
	return exec.Command("sync").Run()
}

func (b bench) isAbout(number string) bool {
	return slices.ContainsFunc(b.goals, func(g goal) bool { return g.number == number })
}

func (b bench) report(costs map[string][]cost, results *report.Report) {
	for _, number := range numbers {
		unit, scale := b.unit, b.scale
		if number.unit != "" {
			unit, scale = number.unit, 1
		}
		compared := map[string]report.Result{}
		for _, c := range b.clients {
			compared[c.name] = compare(costs["scabbard"], costs[c.name], func(c cost) float64 { return number.of(c) * scale })
		}
		name := fmt.Sprintf("%s.%s", b.name, number.name)
		for _, c := range b.clients[1:] {
			if compared[c.name].Peer != 0 {
				results.AddAgainst(name, c.name, compared[c.name], unit, b.goalFor(number.name, c.name, compared))
			}
		}
		for _, g := range b.goals {
			if g.number == number.name && (g.target.Absolute || len(b.clients) == 1) {
				results.AddAgainst(name, "", report.Result{Scabbard: compared["scabbard"].Scabbard}, unit, g.target)
			}
		}
	}
}

// goalFor is the target whose peer this is: the best of those that it names, or of all.
func (b bench) goalFor(number, peer string, compared map[string]report.Result) report.Target {
	for _, g := range b.goals {
		if g.number == number && !g.target.Absolute && b.best(g.peers, compared) == peer {
			return g.target
		}
	}
	return report.NoTarget
}

func (b bench) best(among []string, compared map[string]report.Result) string {
	if among == nil {
		for _, c := range b.clients[1:] {
			among = append(among, c.name)
		}
	}
	best := among[0]
	for _, name := range among {
		if compared[name].Peer < compared[best].Peer {
			best = name
		}
	}
	return best
}

func compare(ours, theirs []cost, number func(cost) float64) report.Result {
	var a, b, ratios []float64
	for i := range ours {
		a, b = append(a, number(ours[i])), append(b, number(theirs[i]))
		ratios = append(ratios, a[i]/b[i])
	}
	return report.Result{Scabbard: report.Median(a), Peer: report.Median(b), Ratio: report.Median(ratios)}
}

// source is a file of so many bytes, which lies in memory once it was written.
func (p *servers) source(length int64) (string, error) {
	if length > 4<<30 {
		return "", nil // generated
	}
	name := filepath.Join(p.folder, fmt.Sprintf("source-%d", length))
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	random, err := os.Open("/dev/urandom")
	if err != nil {
		return "", err
	}
	defer random.Close()
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	_, err = io.CopyN(file, random, length)
	return name, closed(file, err)
}

func closed(file *os.File, err error) error {
	if other := file.Close(); err == nil {
		err = other
	}
	return err
}
