package auth

import (
	"errors"
	"testing"
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
