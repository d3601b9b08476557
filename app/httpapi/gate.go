package httpapi

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rifaapp/rifaapp/app/postgres"
)

const (
	gateMemory = 250 * time.Millisecond // how long a refusal stands before the schema is looked at again

	// A request waits longer than a connection may take: when many functions start at once, which is when many
	// buy, connecting takes seconds. Whoever asks /ready asks again soon.
	gateTimeout  = postgres.ConnectTimeout + time.Second
	readyTimeout = 2 * time.Second
)

// gate keeps requests from a database whose schema is not deployed yet. Once open it stays open: a
// database that goes away later shows in the statements themselves.
type gate struct {
	ready func(context.Context) error
	open  atomic.Bool

	mu      sync.Mutex
	refused *Problem
	asked   time.Time
}

// check returns nil when requests may pass, else the problem to answer with.
func (g *gate) check(ctx context.Context) *Problem {
	if g.ready == nil || g.open.Load() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open.Load() {
		return nil
	}
	if g.refused == nil || time.Since(g.asked) > gateMemory {
		g.refused = g.ask(ctx, gateTimeout)
		g.asked = time.Now()
	}
	if g.refused == nil {
		return nil
	}
	copied := *g.refused
	return &copied
}

// ask looks at the database now, whatever is remembered, for so long at most.
func (g *gate) ask(ctx context.Context, limit time.Duration) *Problem {
	if g.ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := g.ready(ctx)
	if err == nil {
		g.open.Store(true) // whoever was told so by /ready is not refused by what was remembered before
		return nil
	}
	code := codeNotReady
	if errors.Is(err, postgres.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		code = codeUnavailable
	}
	p := newProblem(code, "")
	p.cause, p.retryAfter = err, retryUnavailable
	return p
}

// forget makes the next request look at the schema again, after a migration ran, unless it was found there before.
func (g *gate) forget() {
	g.mu.Lock()
	g.refused, g.asked = nil, time.Time{}
	g.mu.Unlock()
}
