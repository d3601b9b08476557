package query

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// While one question is with the database, all who come share the next one, and none the first.
func TestTogether(t *testing.T) {
	t.Parallel()
	var shared together[string, int]
	var asked atomic.Int32
	first, began := make(chan struct{}), make(chan struct{})
	ask := func(context.Context) (int, error) {
		n := asked.Add(1)
		if n == 1 {
			close(began)
			<-first
		}
		return int(n), nil
	}
	var people sync.WaitGroup
	people.Go(func() {
		if got, err := shared.ask(t.Context(), "raffle", ask); got != 1 || err != nil {
			t.Errorf("the first got %d, %v", got, err)
		}
	})
	<-began
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 50 { // they leave at once, but have joined the next question
		if _, err := shared.ask(gone, "raffle", ask); !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
	}
	if got, err := shared.ask(t.Context(), "another", func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("another question got %d, %v", got, err)
	}
	close(first)
	people.Wait()
	if got, err := shared.ask(t.Context(), "raffle", ask); got < 2 || err != nil {
		t.Errorf("the last got %d, %v", got, err)
	}
	if n := asked.Load(); n > 3 { // the first, those fifty, and the last, who may have come too late for them
		t.Errorf("52 people asked the database %d times", n)
	}
}

// Every answer is of a moment after its question, also when all ask at once.
func TestTogetherIsFresh(t *testing.T) {
	t.Parallel()
	var shared together[int, int64]
	var clock atomic.Int64
	var people sync.WaitGroup
	for range 8 {
		people.Go(func() {
			for range 2000 {
				before := clock.Add(1)
				got, err := shared.ask(t.Context(), 1, func(context.Context) (int64, error) { return clock.Load(), nil })
				if err != nil || got < before {
					t.Errorf("asked at %d, answered as of %d, %v", before, got, err)
				}
			}
		})
	}
	people.Wait()
}

// Who joins a question that waits its turn is not cut off with the one who asked it first.
func TestTogetherWaitsForThePatient(t *testing.T) {
	t.Parallel()
	var shared together[int, int]
	first, began, left := make(chan struct{}), make(chan struct{}), make(chan time.Duration, 3)
	go func() {
		_, _ = shared.ask(context.Background(), 1, func(context.Context) (int, error) { close(began); <-first; return 1, nil })
	}()
	<-began
	for _, wait := range []time.Duration{time.Minute, time.Hour, time.Minute} {
		ctx, leave := context.WithTimeout(t.Context(), wait)
		leave() // at once, but they have joined
		_, _ = shared.ask(ctx, 1, func(ctx context.Context) (int, error) { left <- patience(ctx); return 2, nil })
	}
	close(first)
	if got := <-left; got < 30*time.Minute {
		t.Errorf("the question has %s, want the hour of who waits longest", got)
	}
}

func TestTogetherAfterAPanic(t *testing.T) {
	t.Parallel()
	var shared together[int, int]
	if _, err := shared.ask(t.Context(), 1, func(context.Context) (int, error) { panic("canary") }); !errors.Is(err, errAskedInVain) {
		t.Errorf("got %v", err)
	}
	if got, err := shared.ask(t.Context(), 1, func(context.Context) (int, error) { return 2, nil }); got != 2 || err != nil {
		t.Errorf("afterwards: %d, %v", got, err)
	}
}
