package auth

import (
	"crypto/sha256"
	"net/netip"
	"time"
)

// Throttle bounds how fast somebody may guess: up to Limit failures within Window cost nothing, then
// each further try has to wait, twice as long after every failure. A wait never exceeds the window,
// so nobody is locked out for good, and tries during a wait do not prolong it.
type Throttle struct {
	Limit     int
	Window    time.Duration
	FirstWait time.Duration
}

// The throttles of a login: one counts an account's failures (of unknown e-mails too), the other
// those of a client address, behind which many people may sit.
var (
	PerAccount = Throttle{Limit: 5, Window: 15 * time.Minute, FirstWait: 10 * time.Second}
	PerAddress = Throttle{Limit: 50, Window: 15 * time.Minute, FirstWait: 10 * time.Second}
)

// Wait returns how long somebody must wait, now, who failed that many times within the window, the
// last time at last. Zero means go on.
func (t Throttle) Wait(failures int, last, now time.Time) time.Duration {
	if failures < t.Limit {
		return 0
	}
	wait := t.FirstWait
	for i := t.Limit; i < failures && wait < t.Window; i++ {
		wait *= 2
	}
	return max(0, last.Add(min(wait, t.Window)).Sub(now))
}

// ThrottleKey names what failures are counted for, such as ("account", e-mail key). It is a hash: the
// counters need no addresses of people in clear.
func ThrottleKey(kind, value string) []byte {
	sum := sha256.Sum256([]byte(kind + "\x00" + value))
	return sum[:]
}

// addressBits is how much of an IPv6 address names a client: one household gets a whole /64, and
// whoever guesses from it has 2^64 addresses to choose from.
const addressBits = 64

// AddressKey is the ThrottleKey of a client address, with or without a port. Texts that are no
// address share what they say.
func AddressKey(address string) []byte {
	if withPort, err := netip.ParseAddrPort(address); err == nil {
		address = withPort.Addr().String()
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ThrottleKey("address", address)
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if block, err := ip.Prefix(addressBits); err == nil {
			ip = block.Addr()
		}
	}
	return ThrottleKey("address", ip.String())
}
