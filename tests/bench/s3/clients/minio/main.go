// Command minio is minio-go as a client of the benchmark; see ../job.hpp for what it is given and prints.
//
// A module of its own: the plugin's stays small.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

type job struct {
	Work        string `json:"work"`
	Endpoint    string `json:"endpoint"`
	CA          string `json:"ca"`
	Bucket      string `json:"bucket"`
	Key         string `json:"key"`
	File        string `json:"file"`
	SignPayload bool   `json:"sign_payload"`
	Length      int64  `json:"length"`
	List        string `json:"list"`
	Count       int64  `json:"count"`
	Size        int64  `json:"size"`
	InFlight    int    `json:"in_flight"`
}

func main() {
	var j job
	if err := json.Unmarshal([]byte(os.Args[1]), &j); err != nil {
		log.Fatal(err)
	}
	reads, err := readsOf(j)
	if err != nil {
		log.Fatal(err)
	}
	start, before := time.Now(), processorSeconds()
	if err := carryOut(j, reads); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"processor\": %f, \"wall\": %f, \"peak\": %f}\n", processorSeconds()-before, time.Since(start).Seconds(), peakMiB())
}

// read is one of the list of ranges.
type read struct {
	Object string `json:"object"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
}

// readsOf are those of the list, or such as are spread over the object.
func readsOf(j job) ([]read, error) {
	var reads []read
	if j.List == "" {
		for i := range j.Count {
			reads = append(reads, read{j.Key, j.Length / j.Count * i, j.Size})
		}
		return reads, nil
	}
	list, err := os.Open(j.List)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	for lines := json.NewDecoder(list); ; {
		var one read
		if err := lines.Decode(&one); err == io.EOF {
			return reads, nil
		} else if err != nil {
			return nil, err
		}
		one.Object = j.Key + "/" + one.Object
		reads = append(reads, one)
	}
}

func carryOut(j job, reads []read) error {
	core, err := connect(j)
	if err != nil {
		return err
	}
	ctx := context.Background()
	options := minio.PutObjectOptions{DisableContentSha256: !j.SignPayload}
	switch j.Work {
	case "make_bucket":
		return core.Client.MakeBucket(ctx, j.Bucket, minio.MakeBucketOptions{})
	case "put_file":
		_, err := core.FPutObject(ctx, j.Bucket, j.Key, j.File, options)
		return err
	case "put_folder":
		return putFolder(ctx, core, j, options)
	case "put_stream":
		file, err := os.Open(j.File)
		if err != nil {
			return err
		}
		_, err = core.Client.PutObject(ctx, j.Bucket, j.Key, struct{ io.Reader }{file}, -1, options)
		return err
	case "get":
		return get(ctx, core, j)
	case "ranges":
		return inParallel(j, reads, func(one read, into []byte) error { return getRange(ctx, core, j, one, into) })
	case "heads":
		return inParallel(j, reads, func(one read, _ []byte) error {
			_, err := core.StatObject(ctx, j.Bucket, one.Object, minio.StatObjectOptions{})
			return err
		})
	}
	return errors.New("unknown work: " + j.Work)
}

func connect(j job) (minio.Core, error) {
	endpoint, err := url.Parse(j.Endpoint)
	if err != nil {
		return minio.Core{}, err
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return minio.Core{}, err
	}
	// By default it keeps 16 connections, and opens new ones beyond.
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 1024, 1024
	if j.CA != "" {
		authorities := x509.NewCertPool()
		text, err := os.ReadFile(j.CA)
		if err != nil {
			return minio.Core{}, err
		}
		authorities.AppendCertsFromPEM(text)
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities}
	}
	core, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		Secure:       endpoint.Scheme == "https",
		Region:       "us-east-1",
		BucketLookup: minio.BucketLookupPath,
		Transport:    transport,
	})
	if err != nil {
		return minio.Core{}, err
	}
	return *core, nil
}

// putFolder puts its files one after the other.
func putFolder(ctx context.Context, core minio.Core, j job, options minio.PutObjectOptions) error {
	files, err := os.ReadDir(j.File)
	if err != nil {
		return err
	}
	for _, file := range files {
		name := file.Name()
		if _, err := core.FPutObject(ctx, j.Bucket, j.Key+"/"+name, j.File+"/"+name, options); err != nil {
			return err
		}
	}
	return nil
}

func get(ctx context.Context, core minio.Core, j job) error {
	file, err := os.OpenFile(j.File, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	object, _, _, err := core.GetObject(ctx, j.Bucket, j.Key, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer object.Close()
	size, err := io.Copy(file, object)
	if err == nil && size != j.Length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func getRange(ctx context.Context, core minio.Core, j job, one read, into []byte) error {
	var options minio.GetObjectOptions
	if err := options.SetRange(one.Offset, one.Offset+one.Length-1); err != nil {
		return err
	}
	object, _, _, err := core.GetObject(ctx, j.Bucket, one.Object, options)
	if err != nil {
		return err
	}
	defer object.Close()
	if _, err = io.ReadFull(object, into); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, object) // to its end, so that the connection is used again
	return err
}

// inParallel calls from as many goroutines as are to be in flight, each with memory of its own.
func inParallel(j job, reads []read, call func(one read, into []byte) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, j.InFlight)
	for worker := range j.InFlight {
		group.Add(1)
		go func() {
			defer group.Done()
			into := make([]byte, j.Size)
			for i := next.Add(1) - 1; i < int64(len(reads)); i = next.Add(1) - 1 {
				if failures[worker] = call(reads[i], into[:reads[i].Length]); failures[worker] != nil {
					return
				}
			}
		}()
	}
	group.Wait()
	return errors.Join(failures...)
}

func processorSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func peakMiB() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		log.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kilobytes / 1024
}
