package suite

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"scabbard/tests/transfer"
)

var workerProgram = flag.String("worker", "", "tests/extproc's worker; without it, its tests are left out")

func local(path string) transfer.End { return transfer.End{URI: path} }

func fileRoute(from, to transfer.End) transfer.Route {
	return transfer.Route{Source: from, Destination: to}
}

func folderRoute(from, to transfer.End) transfer.Route {
	return transfer.Route{Source: from, Destination: to, Options: transfer.Options{IsDir: true}}
}

// worker is a process with the producer of vc-processors, whose child is `scabbard processor STAGE`.
type worker struct {
	command *exec.Cmd
	mutex   sync.Mutex
	in      io.WriteCloser
	said    <-chan string // on standard error
	ids     int
	waiting map[int]chan answer
	ended   bool
}

// answer is how a task ended.
type answer struct {
	err    error
	output json.RawMessage
}

var errWorkerEnded = errors.New("the worker has ended")

// startWorker starts one that transfers.
func startWorker(t *testing.T) *worker {
	t.Helper()
	return startProcessor(t, "transfer", *executable, "processor", "transfer")
}

func startProcessor(t *testing.T, stage string, program ...string) *worker {
	t.Helper()
	if *workerProgram == "" {
		t.Skip("needs -worker")
	}
	command := exec.Command(*workerProgram, append([]string{stage}, program...)...)
	// With its child it is a group of processes, which kill ends.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	said := make(chan string, 1000)
	command.Stderr = io.MultiWriter(os.Stderr, lineWriter(said))
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	w := &worker{command: command, in: in, said: said, waiting: map[int]chan answer{}}
	go w.read(out)
	t.Cleanup(w.kill)
	return w
}

func (w *worker) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		var said struct {
			ID     int
			Error  *string
			Output json.RawMessage
		}
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &said)
		}
		w.mutex.Lock()
		if err != nil {
			w.ended = true
			for _, answers := range w.waiting {
				answers <- answer{err: errWorkerEnded}
			}
			w.mutex.Unlock()
			return
		}
		answers := w.waiting[said.ID]
		delete(w.waiting, said.ID)
		w.mutex.Unlock()
		if said.Error == nil {
			answers <- answer{output: said.Output}
		} else {
			answers <- answer{err: errors.New(*said.Error)}
		}
	}
}

// lineWriter drops what nobody waits for.
type lineWriter chan<- string

func (lines lineWriter) Write(text []byte) (int, error) {
	select {
	case lines <- string(text):
	default:
	}
	return len(text), nil
}

// waitUntilItSays looks at the processor's standard error.
func (w *worker) waitUntilItSays(t *testing.T, text string) {
	t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		select {
		case said := <-w.said:
			if strings.Contains(said, text) {
				return
			}
		case <-limit:
			t.Fatalf("the processor does not say %q", text)
		}
	}
}

// ask gives the worker a task; the channel tells how it ended.
func (w *worker) ask(t *testing.T, task any) <-chan answer {
	t.Helper()
	line, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	answers := make(chan answer, 1)
	if w.ended {
		answers <- answer{err: errWorkerEnded}
		return answers
	}
	w.waiting[w.ids] = answers
	w.ids++
	if _, err := w.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	return answers
}

func (w *worker) begin(t *testing.T, routes ...transfer.Route) <-chan answer {
	t.Helper()
	return w.ask(t, transfer.TaskOf(routes...))
}

func (w *worker) transfer(t *testing.T, routes ...transfer.Route) error {
	t.Helper()
	return (<-w.begin(t, routes...)).err
}

func (w *worker) mustTransfer(t *testing.T, routes ...transfer.Route) {
	t.Helper()
	if err := w.transfer(t, routes...); err != nil {
		t.Fatal(err)
	}
}

// kill ends worker and processor at once, wherever they are.
func (w *worker) kill() {
	_ = syscall.Kill(-w.command.Process.Pid, syscall.SIGKILL)
	_ = w.command.Wait()
}
