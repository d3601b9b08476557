package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrBusy says that too many passwords are being checked, or that the request's time ended before this one
// was. It may be tried again in a few seconds.
var ErrBusy = errors.New("auth: too many passwords are being checked at the moment")

// maxWaiting bounds the queue: at some 25 ms a password whoever comes later would wait longer than
// a request may take.
const maxWaiting = 250

// Passwords hashes and verifies passwords with argon2id, few at a time: each takes 19 MiB and a
// core, and other requests must keep both. It is safe for concurrent use.
type Passwords struct {
	params  argon2Params
	turns   chan struct{}
	waiting atomic.Int64
	decoy   phc
	used    atomic.Bool // there is memory to collect
}

// NewPasswords allows parallel computations at a time. With parallel ≤ 0 it takes half of the cores
// and at least one, so that a burst of logins leaves cores to everybody else.
func NewPasswords(parallel int) *Passwords { return newPasswords(parallel, currentParams) }

// NewCheapPasswords is NewPasswords with hashes that take a fraction of a millisecond and protect
// nothing: for tests of what surrounds passwords, which hash hundreds of them. A test keeps the
// program from calling it, and whoever logs in with such a hash gets a real one.
func NewCheapPasswords(parallel int) *Passwords {
	return newPasswords(parallel, argon2Params{memory: 64, time: 1, threads: 1})
}

func newPasswords(parallel int, params argon2Params) *Passwords {
	if parallel <= 0 {
		parallel = max(1, runtime.GOMAXPROCS(0)/2)
	}
	p := &Passwords{params: params, turns: make(chan struct{}, parallel)}
	// Any salt and any key do: nobody knows a password that hashes to a random key.
	p.decoy = phc{params: p.params, salt: randomBytes(saltBytes), key: randomBytes(keyBytes)}
	return p
}

// Decoy returns a hash that no password matches and that takes as long to verify as a real one. A
// login with an unknown e-mail verifies against it, so that its time tells nothing.
func (p *Passwords) Decoy() string { return p.decoy.String() }

// Hash returns the argon2id hash of a password in PHC format, under a salt of its own. It fails
// with ErrBusy when its turn does not come in time. Call it outside of transactions.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	h := phc{params: p.params, salt: randomBytes(saltBytes)}
	key, err := p.compute(ctx, password, h.params, h.salt, keyBytes)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify says whether password belongs to a stored hash. A hash that cannot be read, or none at
// all, never matches and takes as long as one that does not match. The error is only ErrBusy. Call
// it outside of transactions.
func (p *Passwords) Verify(ctx context.Context, stored, password string) (bool, error) {
	h, parseErr := parsePHC(stored)
	if parseErr != nil {
		h = p.decoy
	}
	key, err := p.compute(ctx, password, h.params, h.salt, uint32(len(h.key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1 && parseErr == nil, nil
}

// NeedsRehash says whether a stored hash was made with weaker parameters than new ones are.
func (p *Passwords) NeedsRehash(stored string) bool {
	h, err := parsePHC(stored)
	return err != nil || h.weaker(p.params)
}

type spentKey struct{}

// MeasurePasswords returns a context whose passwords add the time they take to the returned duration: for
// their turn and for the work. It is for one request, which checks them one after the other.
func MeasurePasswords(ctx context.Context) (context.Context, *time.Duration) {
	spent := new(time.Duration)
	return context.WithValue(ctx, spentKey{}, spent), spent
}

func (p *Passwords) compute(ctx context.Context, password string, params argon2Params, salt []byte, size uint32) ([]byte, error) {
	if spent, ok := ctx.Value(spentKey{}).(*time.Duration); ok {
		defer func(began time.Time) { *spent += time.Since(began) }(time.Now())
	}
	if p.waiting.Add(1) > maxWaiting {
		p.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer p.waiting.Add(-1)
	select {
	case p.turns <- struct{}{}:
		p.collect()
		defer p.endTurn()
	case <-ctx.Done():
		return nil, ErrBusy
	}
	if ctx.Err() != nil {
		return nil, ErrBusy
	}
	// The same characters typed on two keyboards may be composed differently (RFC 8265, section 4).
	key := argon2.IDKey(norm.NFC.Bytes([]byte(password)), salt, params.time, params.memory, params.threads, size)
	if ctx.Err() != nil {
		return nil, ErrBusy // or what follows would fail, as if it were at fault
	}
	return key, nil
}

// endTurn leaves the 19 MiB to be collected a little later, when the answer has gone.
func (p *Passwords) endTurn() {
	p.used.Store(true)
	<-p.turns
	time.AfterFunc(collectAfter, p.collect)
}

// collectAfter is longer than what is left of a login's answer, and shorter than the time of the next
// password, which would have to wait for the collector.
const collectAfter = 10 * time.Millisecond

// collect makes sure that the memory of one password is free before the next asks for as much: the
// collector would start soon anyway, but only after both were resident (46 MB instead of 26 MB after 200
// logins).
func (p *Passwords) collect() {
	if p.used.Swap(false) {
		runtime.GC()
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}
