// Package worker asks `scabbard processor transfer` for one transfer, as a damocles-worker does, and tells what it took.
package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"scabbard/tests/transfer"
)

// Cost is of the processor's whole life: processor time of all its threads, and the most memory it had. Wall time is
// from its start to its answer.
type Cost struct {
	Processor, Wall time.Duration
	PeakMiB         float64
}

// Transfer starts an executable, which is scabbard, has it carry out one route, and ends it.
func Transfer(executable string, environment []string, route transfer.Route) (Cost, error) {
	task := map[string]any{"id": 1, "task": transfer.TaskOf(route)}
	line, err := json.Marshal(task)
	if err != nil {
		return Cost{}, err
	}
	command := exec.Command(executable, "processor", "transfer")
	command.Env = append(os.Environ(), environment...)
	var said bytes.Buffer
	command.Stderr = &said
	in, err := command.StdinPipe()
	if err != nil {
		return Cost{}, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return Cost{}, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return Cost{}, err
	}
	answer, err := ask(in, bufio.NewReader(out), line)
	wall := time.Since(start)
	_ = in.Close()
	_ = command.Wait() // its status is 1, as a stock processor's whose parent went
	if err == nil && answer.Error != nil {
		err = fmt.Errorf("%s", *answer.Error)
	}
	if err != nil {
		return Cost{}, fmt.Errorf("processor transfer: %w: %s", err, said.String())
	}
	state := command.ProcessState
	usage := state.SysUsage().(*syscall.Rusage)
	return Cost{Processor: state.UserTime() + state.SystemTime(), Wall: wall, PeakMiB: float64(usage.Maxrss) / 1024}, nil
}

type answer struct {
	Error *string `json:"err_msg"`
}

func ask(in io.Writer, out *bufio.Reader, line []byte) (answer, error) {
	var got answer
	if _, err := out.ReadString('\n'); err != nil { // that it is ready
		return got, err
	}
	if _, err := in.Write(append(line, '\n')); err != nil {
		return got, err
	}
	text, err := out.ReadBytes('\n')
	if err != nil {
		return got, err
	}
	return got, json.Unmarshal(text, &got)
}
