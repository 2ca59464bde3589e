package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/tests/bench/report"
)

const bigObject = "sealed/s-t01000-7"

// writeRandomLike fills a file with bytes that no filesystem shortens, and syncs it.
func writeRandomLike(path string, size int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	block := make([]byte, 1<<20)
	state := uint64(88172645463325252)
	for written := int64(0); written < size; written += int64(len(block)) {
		for i := 0; i < len(block); i += 8 { // xorshift64
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			for j := range 8 {
				block[i+j] = byte(state >> (8 * j))
			}
		}
		if _, err := file.Write(block[:min(int64(len(block)), size-written)]); err != nil {
			return err
		}
	}
	return file.Sync()
}

func benchGets(s settings, both *pair, results *report.Report) error {
	if !s.wants("get_discard") && !s.wants("get_file") && !s.wants("get_http") && !s.wants("get_http_length") {
		return nil
	}
	if err := writeRandomLike(filepath.Join(both.folder, bigObject), s.getSize); err != nil {
		return err
	}
	server, err := serve(both)
	if err != nil {
		return err
	}
	defer server.Close()

	benches := []struct {
		name string
		get  func(store objstore.Store, side string) (int64, error)
		goal report.Target
	}{
		{"get_discard", func(store objstore.Store, _ string) (int64, error) { return copyObject(store, io.Discard) }, report.RatioAtLeast(0.9)},
		{"get_file", func(store objstore.Store, _ string) (int64, error) {
			return getToFile(store, filepath.Join(s.folder, "fetched"))
		}, report.RatioAtLeast(0.9)},
		// damocles' piece proxy copies to the response without a length, which makes it a chunked one.
		{"get_http", func(_ objstore.Store, side string) (int64, error) { return server.drain(side, false) }, report.RatioAtLeast(0.9)},
		// With a length Go sends an *os.File by sendfile, past any memory: what a reader that is no file
		// costs beside that is one copy, to be read.
		{"get_http_length", func(_ objstore.Store, side string) (int64, error) { return server.drain(side, true) }, report.NoTarget},
	}
	for _, bench := range benches {
		if !s.wants(bench.name) {
			continue
		}
		rate := func(store objstore.Store, side string) func() (float64, error) {
			return func() (float64, error) {
				start := time.Now()
				size, err := bench.get(store, side)
				if err == nil && size != s.getSize {
					err = fmt.Errorf("%d bytes instead of %d", size, s.getSize)
				}
				return megabytes(size) / time.Since(start).Seconds(), err
			}
		}
		found, err := measure(s.rounds, rate(both.scabbard, "scabbard"), rate(both.peer, "peer"))
		if err != nil {
			return fmt.Errorf("%s: %w", bench.name, err)
		}
		results.Add(bench.name, found, "MB/s", bench.goal)
	}
	return nil
}

func megabytes(size int64) float64 { return float64(size) / 1e6 }

func copyObject(store objstore.Store, to io.Writer) (int64, error) {
	reader, err := store.Get(context.Background(), bigObject)
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	return io.Copy(to, reader)
}

func getToFile(store objstore.Store, path string) (int64, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return copyObject(store, file)
}

// server answers /<side> with the big object, by io.Copy.
type server struct {
	http    *http.Server
	address string
}

func serve(both *pair) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	handler := http.NewServeMux()
	for side, store := range map[string]objstore.Store{"scabbard": both.scabbard, "peer": both.peer} {
		handler.HandleFunc("/"+side, func(response http.ResponseWriter, request *http.Request) {
			if request.URL.Query().Has("length") {
				info, err := store.Stat(request.Context(), bigObject)
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				response.Header().Set("Content-Length", strconv.FormatInt(info.Size, 10))
			}
			if _, err := copyObject(store, response); err != nil {
				panic(http.ErrAbortHandler)
			}
		})
	}
	s := &server{http: &http.Server{Handler: handler}, address: listener.Addr().String()}
	go s.http.Serve(listener)
	return s, nil
}

func (s *server) Close() error { return s.http.Close() }

// drain fetches the object as a cheap client: one connection, a big buffer, the bytes thrown away.
func (s *server) drain(side string, withLength bool) (int64, error) {
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	path := "/" + side
	if withLength {
		path += "?length"
	}
	if _, err := fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", path); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(connection, 1<<20), nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", response.Status)
	}
	// io.Discard would read in pieces of 8 KiB.
	buffer := make([]byte, 1<<20)
	return io.CopyBuffer(struct{ io.Writer }{io.Discard}, response.Body, buffer)
}
