package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"scabbard/tests/post"
)

// mountPrograms mount a bucket on a folder until they are ended, with the defaults that they have for reading.
var mountPrograms = map[string]func(j job, folder string) *exec.Cmd{
	"rclone": func(j job, folder string) *exec.Cmd {
		command := exec.Command("rclone", "mount", "--read-only", ":s3:"+j.Bucket, folder)
		command.Env = []string{"RCLONE_CONFIG=" + os.DevNull, "RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENV_AUTH=true", "RCLONE_S3_ENDPOINT=" + j.Endpoint}
		return command
	},
	"s3fs": func(j job, folder string) *exec.Cmd {
		return exec.Command("s3fs", j.Bucket, folder, "-f", "-o", "ro,use_path_request_style,url="+j.Endpoint)
	},
}

// mount is the stock prover's way to read what a file system over the bucket shows. It does so for the first few of the
// sectors, and its cost is what all would take.
func (s settings) mount(program string, few int64) client {
	return client{name: fmt.Sprintf("%s, extrapolated from %d sectors", program, few), own: func(j job) (cost, error) {
		spent, err := s.readMounted(program, j, few)
		scale := float64(j.Count) / float64(few)
		spent.Wall *= scale
		spent.Processor *= scale
		return spent, err
	}}
}

func (s settings) readMounted(program string, j job, few int64) (spent cost, err error) {
	list, err := readList(j.List, few)
	if err != nil {
		return cost{}, err
	}
	folder, err := os.MkdirTemp(s.folder, program+"-")
	if err != nil {
		return cost{}, err
	}
	defer func() { err = errors.Join(err, os.Remove(folder)) }()
	command := mountPrograms[program](j, folder)
	// rclone's SDK cannot take authorities from there.
	command.Env = append(append(os.Environ(), append(keys(), "AWS_CA_BUNDLE=")...), command.Env...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		return cost{}, err
	}
	spent, err = readAsStock(filepath.Join(folder, j.Key), list)
	unmount := exec.Command("fusermount3", "-u", folder)
	if told, failed := unmount.CombinedOutput(); failed != nil {
		err = errors.Join(err, fmt.Errorf("unmount: %w: %s", failed, told))
		_ = command.Process.Kill()
	}
	_ = command.Wait()
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", program, err, said.String())
	}
	spent.Processor = (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
	return spent, nil
}

// readList gives what is read of the first sectors, by sector.
func readList(file string, few int64) ([][]post.PlannedRead, error) {
	list, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var all [][]post.PlannedRead
	for lines := json.NewDecoder(list); ; {
		var read post.PlannedRead
		if err := lines.Decode(&read); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1][0].Sector != read.Sector {
			if int64(len(all)) == few {
				return all, nil
			}
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], read)
	}
}

// readAsStock reads sectors from as many threads as there are processors, what one sector takes one after the other.
func readAsStock(folder string, list [][]post.PlannedRead) (cost, error) {
	if err := waitFor(folder); err != nil {
		return cost{}, err
	}
	start := time.Now()
	waiting := make(chan []post.PlannedRead, len(list))
	for _, sector := range list {
		waiting <- sector
	}
	close(waiting)
	var group sync.WaitGroup
	failures := make([]error, runtime.NumCPU())
	for thread := range failures {
		group.Add(1)
		go func() {
			defer group.Done()
			for sector := range waiting {
				failures[thread] = errors.Join(failures[thread], readSector(folder, sector))
			}
		}()
	}
	group.Wait()
	return cost{Wall: time.Since(start).Seconds()}, errors.Join(failures...)
}

func readSector(folder string, reads []post.PlannedRead) error {
	var file *os.File
	into := make([]byte, segmentSize)
	for i, read := range reads {
		if i == 0 || reads[i-1].Object != read.Object {
			opened, err := os.Open(filepath.Join(folder, read.Object))
			if err != nil {
				return err
			}
			defer opened.Close() // the stock prover keeps a sector's files open
			file = opened
		}
		if _, err := file.ReadAt(into[:read.Length], read.Offset); err != nil {
			return err
		}
	}
	return nil
}
