// Package worker asks `scabbard processor` as damocles does, and tells what that took.
package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"scabbard/tests/procfs"
	"scabbard/tests/transfer"
)

// Cost is of the processor's whole life: processor time of all its threads, and the most memory it had. Wall time is
// from its start to its answer, where it is asked once.
type Cost struct {
	Processor, Wall time.Duration
	PeakMiB         float64
}

// Process is a processor that waits for requests.
type Process struct {
	stage   string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	said    bytes.Buffer
	asked   uint64
}

// Start starts an executable, which is scabbard, and waits until it is ready.
func Start(executable string, environment []string, stage string, options ...string) (*Process, error) {
	p := &Process{stage: stage, command: exec.Command(executable, append([]string{"processor", stage}, options...)...)}
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stderr = &p.said
	var err error
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if _, err := p.out.ReadString('\n'); err != nil {
		_, err = p.End(err)
		return nil, err
	}
	return p, nil
}

// Ask has one task done, and gives the output.
func (p *Process) Ask(task any) (json.RawMessage, error) {
	p.asked++
	line, err := json.Marshal(map[string]any{"id": p.asked, "task": task})
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error  *string         `json:"err_msg"`
		Output json.RawMessage `json:"output"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, errors.New(*answer.Error)
	}
	return answer.Output, nil
}

// End ends it. An error of its caller comes back with what the process has said.
func (p *Process) End(failure error) (Cost, error) {
	// Not Maxrss, which counts what we had when it was started.
	peak, _ := procfs.StatusMiB(strconv.Itoa(p.command.Process.Pid), "VmHWM")
	_ = p.in.Close()
	_ = p.command.Wait() // its status is 1, as a stock processor's whose parent went
	if failure != nil {
		return Cost{}, fmt.Errorf("processor %s: %w: %s", p.stage, failure, p.said.String())
	}
	state := p.command.ProcessState
	return Cost{Processor: state.UserTime() + state.SystemTime(), PeakMiB: peak}, nil
}

// Transfer starts an executable, which is scabbard, has it carry out one route, and ends it.
func Transfer(executable string, environment []string, route transfer.Route) (Cost, error) {
	start := time.Now()
	process, err := Start(executable, environment, "transfer")
	if err != nil {
		return Cost{}, err
	}
	_, err = process.Ask(transfer.TaskOf(route))
	wall := time.Since(start)
	cost, err := process.End(err)
	cost.Wall = wall
	return cost, err
}
