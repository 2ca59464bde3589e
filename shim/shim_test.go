package shim

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

func TestBuild_id_that_differs_is_an_error_that_names_both(t *testing.T) {
	running := strings.TrimSuffix(strings.Replace(version(), " (build ", "-", 1), ")")
	if err := Init(running); err != nil {
		t.Error(err)
	}
	err := Init("0.1.0-aaaa")
	if err == nil || !strings.Contains(err.Error(), "0.1.0-aaaa") || !strings.Contains(err.Error(), running) {
		t.Error(err)
	}
}

func TestError_is_all_that_it_means_at_once(t *testing.T) {
	all := []error{objstore.ErrNotRegularFile, objstore.ErrNotSeekable, objstore.ErrNotOpened, objstore.ErrReadOnlyStore,
		objstore.ErrInvalidObjectPath, objstore.ErrObjectStoreInstanceNotFound, objstore.ErrObjectNotFound,
		fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, fs.ErrClosed, errors.ErrUnsupported,
		context.Canceled, context.DeadlineExceeded, syscall.ENOENT, syscall.EIO}
	for _, test := range []struct {
		err Error
		is  []error
	}{
		{Error{Code: NotFound, Errno: syscall.ENOENT}, []error{objstore.ErrObjectNotFound, fs.ErrNotExist, syscall.ENOENT}},
		{Error{Code: NotRegularFile, also: objstore.ErrObjectNotFound}, []error{objstore.ErrNotRegularFile, objstore.ErrObjectNotFound}},
		{Error{Code: AlreadyExists}, []error{fs.ErrExist}},
		{Error{Code: InvalidArgument}, []error{fs.ErrInvalid}},
		{Error{Code: InvalidPath}, []error{objstore.ErrInvalidObjectPath, fs.ErrInvalid}},
		{Error{Code: ReadOnly}, []error{objstore.ErrReadOnlyStore}},
		{Error{Code: PermissionDenied}, []error{fs.ErrPermission}},
		{Error{Code: Unsupported}, []error{errors.ErrUnsupported}},
		{Error{Code: Closed}, []error{objstore.ErrNotOpened, fs.ErrClosed}},
		{Error{Code: Cancelled, also: endOf(context.Background(), Cancelled)}, []error{context.Canceled}},
		{Error{Code: DeadlineExceeded, also: endOf(context.Background(), DeadlineExceeded)}, []error{context.DeadlineExceeded}},
		{Error{Code: IO, Errno: syscall.EIO}, []error{syscall.EIO}},
		{Error{Code: Internal}, nil},
	} {
		for _, target := range all {
			want := false
			for _, is := range test.is {
				want = want || is == target
			}
			if got := errors.Is(&test.err, target); got != want {
				t.Errorf("code %d is %q: %v, want %v", test.err.Code, target, got, want)
			}
		}
	}
}

// The token fires when a deadline passes as well; what the context says counts.
func TestCancelled_by_a_deadline_is_DeadlineExceeded(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	err := &Error{Code: Cancelled, also: endOf(ctx, Cancelled)}
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Error("not the context's error")
	}
}

func TestDeadline_goes_into_the_call_as_the_time_that_is_left(t *testing.T) {
	w := watching(context.Background())
	if got := w.context().timeout_ns; got != -1 {
		t.Errorf("no deadline: %d ns", got)
	}
	for left, want := range map[time.Duration]time.Duration{-time.Second: 1, time.Hour: time.Hour} {
		ctx, cancel := context.WithTimeout(context.Background(), left)
		w := watching(ctx)
		if got := time.Duration(w.context().timeout_ns); got > want || got < want-time.Minute {
			t.Errorf("%v left: %v", left, got)
		}
		w.release()
		cancel()
	}
}

func TestGate_lets_in_no_more_than_its_places_and_gives_up_with_the_context(t *testing.T) {
	g := make(gate, 1)
	if err := g.enter(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	refused := make(chan error)
	go func() { refused <- g.enter(ctx) }()
	cancel()
	if err := <-refused; err != context.Canceled {
		t.Error(err)
	}
	g.leave()
	if err := g.enter(ctx); err != context.Canceled {
		t.Errorf("entered a free gate with an ended context: %v", err)
	}
}

func TestToken_that_was_fired_is_not_used_again(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	w := watching(ctx)
	fired := w.token
	cancel()
	w.release()
	for range 100 {
		if next := watching(ctx); next.token == fired {
			t.Fatal("a fired token came back")
		}
	}
}

func TestHandle_releases_once(t *testing.T) {
	released := 0
	pointer := new(int)
	h := own(pointer, func(*int) { released++ })
	h.Free()
	h.Free()
	if released != 1 {
		t.Errorf("released %d times", released)
	}
}

func TestUsed_percent_of_an_empty_store_is_zero(t *testing.T) {
	if got := usedPercent(0, 0); got != 0 {
		t.Error(got)
	}
	if got := usedPercent(1, 3); got != 25 {
		t.Error(got)
	}
}
