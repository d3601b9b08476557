package auth

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// Keys from elsewhere are loaded when they are needed, kept for a while, and survive that the place
// they come from is away.
func TestKeysFromElsewhere(t *testing.T) {
	t.Parallel()
	now, loads := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), 0
	keys, away := GenerateKeySet(), errors.New("away")
	fail := away
	tokens := NewTokensFrom(func() (*KeySet, error) { loads++; return keys, fail }, func() time.Time { return now })
	if loads != 0 {
		t.Error("loaded before anybody asked")
	}
	if _, err := tokens.Issue(uuid.New()); !errors.Is(err, away) {
		t.Errorf("issue: got %v", err)
	}
	if _, err := tokens.Verify("x"); !errors.Is(err, away) || errors.Is(err, ErrToken) {
		t.Errorf("verify: got %v", err)
	}
	fail = nil
	token, err := tokens.Issue(uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	if loads != 3 {
		t.Errorf("%d loads, want one for each failure and one more", loads)
	}
	keys = keys.Rotate()
	now = now.Add(KeysLifetime)
	if _, err := tokens.Verify(token); err != nil || loads != 4 {
		t.Errorf("after a rotation: %v, %d loads", err, loads)
	}
	fail = away
	for nth, idle := range []time.Duration{KeysLifetime, 4 * KeysLifetime, retryKeys} {
		now = now.Add(idle)
		for range 3 {
			if _, err := tokens.Issue(uuid.New()); err != nil || loads != 5+nth {
				t.Errorf("%s later, while the place is away: %v, %d loads", idle, err, loads)
			}
		}
	}
}

// Nobody waits for more than one load, nor for any while there is a set that was good a moment ago.
func TestManyNeedKeysAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var loads atomic.Int32
		away := errors.New("away")
		fail := away
		keys := GenerateKeySet()
		tokens := NewTokensFrom(func() (*KeySet, error) {
			loads.Add(1)
			time.Sleep(3 * time.Second)
			return keys, fail
		}, nil)
		// tried is how long all but one waited, who loads, and how many got nothing.
		tried := func() (wait time.Duration, failures int) {
			var waits [9]time.Duration
			var failed atomic.Int32
			var all sync.WaitGroup
			for i := range waits {
				all.Go(func() {
					began := time.Now()
					if _, err := tokens.Issue(uuid.New()); err != nil {
						failed.Add(1)
					}
					waits[i] = time.Since(began)
				})
			}
			all.Wait()
			slices.Sort(waits[:])
			return waits[len(waits)-2], int(failed.Load())
		}
		if wait, failures := tried(); wait != 3*time.Second || failures != 9 || loads.Load() != 1 {
			t.Errorf("without keys: %s, %d failures, %d loads", wait, failures, loads.Load())
		}
		fail = nil
		if wait, failures := tried(); wait != 3*time.Second || failures != 0 || loads.Load() != 2 {
			t.Errorf("the first time: %s, %d failures, %d loads", wait, failures, loads.Load())
		}
		time.Sleep(KeysLifetime)
		if wait, failures := tried(); wait != 0 || failures != 0 || loads.Load() != 3 {
			t.Errorf("beside a load: %s, %d failures, %d loads", wait, failures, loads.Load())
		}
		time.Sleep(4 * KeysLifetime)
		if wait, failures := tried(); wait != 3*time.Second || failures != 0 || loads.Load() != 4 {
			t.Errorf("after a long pause: %s, %d failures, %d loads", wait, failures, loads.Load())
		}
	})
}
