// Package osstore is what scabbard is measured against: a store in the shape of damocles' own filestore, on
// plain os calls. Every Stat and open runs on a goroutine of its own, which a cancelled caller leaves behind;
// Put truncates in place and copies without fsync.
package osstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// Store keeps objects as files below a folder. Safe for concurrent use.
type Store struct {
	config objstore.Config
	root   fs.FS
}

var _ objstore.Store = (*Store)(nil)

// Open makes a store of the existing folder config.Path.
func Open(config objstore.Config) (objstore.Store, error) {
	info, err := os.Stat(config.Path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a directory", config.Path)
	}
	return &Store{config: config, root: os.DirFS(config.Path)}, nil
}

func (s *Store) Type() string                                     { return "os" }
func (s *Store) Version() string                                  { return "bench" }
func (s *Store) Instance(context.Context) string                  { return s.config.Name }
func (s *Store) InstanceConfig(context.Context) objstore.Config   { return s.config }
func (s *Store) FullPath(_ context.Context, object string) string { return s.path(object) }
func (s *Store) path(object string) string                        { return filepath.Join(s.config.Path, object) }
func (s *Store) InstanceInfo(context.Context) (objstore.InstanceInfo, error) {
	return objstore.InstanceInfo{Config: s.config, Type: s.Type()}, nil
}

type answer[T any] struct {
	value T
	err   error
}

// detached calls f on a goroutine and waits for it or for ctx.
func detached[T any](ctx context.Context, f func() (T, error)) (T, error) {
	done := make(chan answer[T], 1)
	go func() {
		value, err := f()
		done <- answer[T]{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (s *Store) Stat(ctx context.Context, object string) (objstore.Stat, error) {
	return detached(ctx, func() (objstore.Stat, error) {
		info, err := fs.Stat(s.root, object)
		if err != nil {
			return objstore.Stat{}, err
		}
		return objstore.Stat{Size: info.Size()}, nil
	})
}

func (s *Store) Get(ctx context.Context, object string) (io.ReadCloser, error) {
	file, err := detached(ctx, func() (fs.File, error) { return s.root.Open(object) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w", object, objstore.ErrObjectNotFound)
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (s *Store) Put(_ context.Context, object string, source io.Reader) (int64, error) {
	file, err := os.OpenFile(s.path(object), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return io.Copy(file, source)
}

func (s *Store) Del(_ context.Context, object string) error { return os.Remove(s.path(object)) }
