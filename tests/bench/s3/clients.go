package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The keys of every server here.
const accessKey, secretKey = "scabbardbench", "scabbardbenchsecret"

// job is what a client is to do; clients/job.hpp describes its fields.
type job struct {
	Work        string `json:"work"`
	Endpoint    string `json:"endpoint"`
	CA          string `json:"ca"`
	Bucket      string `json:"bucket"`
	Key         string `json:"key"`
	File        string `json:"file"`
	List        string `json:"list"`
	SignPayload bool   `json:"sign_payload"`
	Length      int64  `json:"length"`
	Count       int64  `json:"count"`
	Size        int64  `json:"size"`
	InFlight    int    `json:"in_flight"`
	Variant     string `json:"variant"`
}

// cost is what it took: seconds, seconds, MiB. What only some benches or clients tell of is 0 elsewhere.
type cost struct {
	Processor float64 `json:"processor"`
	Wall      float64 `json:"wall"`
	Peak      float64 `json:"peak"`
	// That the server has counted.
	Requests float64 `json:"-"`
	// Milliseconds from a prover's request to the stock prover's, and from its answer to ours.
	HandOver float64 `json:"-"`
	Answer   float64 `json:"-"`
}

// numbers are of a cost, in a unit of their own or (empty) the bench's.
var numbers = []struct {
	name, unit string
	of         func(cost) float64
}{
	{"processor", "", func(c cost) float64 { return c.Processor }},
	{"wall", "", func(c cost) float64 { return c.Wall }},
	{"peak", "MiB", func(c cost) float64 { return c.Peak }},
	{"requests", "requests", func(c cost) float64 { return c.Requests }},
	{"hand_over", "ms", func(c cost) float64 { return c.HandOver }},
	{"answer", "ms", func(c cost) float64 { return c.Answer }},
}

// client is who does it.
type client struct {
	name    string
	command []string
	variant string
	work    string // in place of the bench's, if not empty
	// In place of a command.
	own func(job) (cost, error)
}

func keys() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_EC2_METADATA_DISABLED=true"}
}

func (s settings) built(name string) string { return filepath.Join(s.build, "bench-s3", name) }

func (s settings) scabbard() client {
	return client{name: "scabbard", command: []string{s.built("s3_bench_scabbard")}}
}

func (s settings) bare(variant string) client {
	return client{name: "curl-" + variant, command: []string{s.built("s3_bench_bare")}, variant: variant}
}

func (s settings) minio() client {
	return client{name: "minio-go", command: []string{s.built("minio_client")}}
}

func (s settings) python(peer string) client {
	return client{name: peer, command: []string{s.built("venv/bin/python"), s.built("python.py"), peer}}
}

func (c client) run(j job) (cost, error) {
	if c.own != nil {
		return c.own(j)
	}
	j.Variant = c.variant
	if c.work != "" {
		j.Work = c.work
	}
	text, err := json.Marshal(j)
	if err != nil {
		return cost{}, err
	}
	command := exec.Command(c.command[0], append(c.command[1:], string(text))...)
	command.Env = append(append(os.Environ(), keys()...),
		// versitygw does not take the trailing checksums of Arrow's SDK.
		"AWS_REQUEST_CHECKSUM_CALCULATION=when_required", "SSL_CERT_FILE="+j.CA)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", c.name, err, said.String())
	}
	var spent cost
	if err := json.Unmarshal(out.Bytes(), &spent); err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", c.name, err, out.String())
	}
	return spent, nil
}
