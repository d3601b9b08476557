package auth

import (
	"bytes"
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		failures int
		after    time.Duration
		want     time.Duration
	}{
		{0, 0, 0}, {4, 0, 0},
		{5, 0, 10 * time.Second}, {5, 4 * time.Second, 6 * time.Second}, {5, 10 * time.Second, 0}, {5, time.Hour, 0},
		{6, 0, 20 * time.Second}, {7, 0, 40 * time.Second}, {11, 0, 640 * time.Second},
		{12, 0, 15 * time.Minute}, {50, 0, 15 * time.Minute}, {1 << 30, 0, 15 * time.Minute},
		{1 << 30, 15 * time.Minute, 0},
	} {
		if got := PerAccount.Wait(c.failures, last, last.Add(c.after)); got != c.want {
			t.Errorf("after %d failures and %v: wait %v, want %v", c.failures, c.after, got, c.want)
		}
	}
	if PerAddress.Wait(49, last, last) != 0 || PerAddress.Wait(50, last, last) != 10*time.Second {
		t.Error("an address is throttled at 50 failures")
	}
}

// A guesser who comes back the moment each wait ends gets this many tries out of a day.
func TestThrottleOverADay(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	var failures []time.Time
	for now := start; now.Before(start.Add(24 * time.Hour)); {
		recent := 0
		for _, at := range failures {
			if at.After(now.Add(-PerAccount.Window)) {
				recent++
			}
		}
		if recent > 0 {
			if wait := PerAccount.Wait(recent, failures[len(failures)-1], now); wait > 0 {
				if wait > PerAccount.Window {
					t.Fatalf("a wait of %v locks the account", wait)
				}
				now = now.Add(wait)
				continue
			}
		}
		failures = append(failures, now)
	}
	if n := len(failures); n < 24*4 || n > 24*4*12 {
		t.Errorf("%d tries in a day", n)
	} else {
		t.Logf("%d tries in a day", n)
	}
}

func TestThrottleKeysDiffer(t *testing.T) {
	t.Parallel()
	if bytes.Equal(ThrottleKey("account", "a"), ThrottleKey("address", "a")) || bytes.Equal(ThrottleKey("a", "bc"), ThrottleKey("ab", "c")) {
		t.Error("different things share a counter")
	}
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.7:51812", true},
		{"192.0.2.7", "::ffff:192.0.2.7", true},
		{"192.0.2.7", "192.0.2.8", false},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
		{"2001:db8:0:1::1", "[2001:db8:0:1::3]:443", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::2", true},
		{"", "192.0.2.7", false},
		{"", "unknown", false},
	} {
		if same := bytes.Equal(AddressKey(c.a), AddressKey(c.b)); same != c.same {
			t.Errorf("%q and %q share a counter: %v", c.a, c.b, same)
		}
	}
}

func TestRefreshToken(t *testing.T) {
	t.Parallel()
	token, hash := NewRefreshToken()
	if other, _ := NewRefreshToken(); other == token || len(token) != 43 {
		t.Errorf("tokens %q and %q", token, other)
	}
	if got, ok := ParseRefreshToken(token); !ok || got != hash {
		t.Error("a token of ours is not recognised")
	}
	for _, bad := range []string{"", token[:42], token + "A", token + "=", token[:42] + "!", token[:42] + "\n", token[:20] + " " + token[21:]} {
		if _, ok := ParseRefreshToken(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}
