package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// together lets people who ask the same question at the same time share one answer, so that a raffle
// that everybody looks at costs the database little more than one that few look at. Nobody gets an
// answer to a question that was asked before their own: whoever comes while the database is working
// on it waits for the next time it is asked, together with all others who came meanwhile. So a reader
// still sees every commit that was acknowledged before the read began.
//
// The zero value is ready for use.
type together[K comparable, V any] struct {
	mu      sync.Mutex
	running map[K]bool
	next    map[K]*question[V]
}

// question is asked once for all who wait for it.
type question[V any] struct {
	ctx    context.Context // of the one who can wait longest, for the deadline
	ask    func(ctx context.Context) (V, error)
	done   chan struct{}
	answer V
	err    error
}

// errAskedInVain is what the others get when answering panicked.
var errAskedInVain = errors.New("answering a shared question panicked")

// ask answers what ask answers for the key. It returns early when ctx ends; the others still get
// their answer.
func (t *together[K, V]) ask(ctx context.Context, key K, ask func(ctx context.Context) (V, error)) (V, error) {
	t.mu.Lock()
	q := t.next[key]
	if q == nil {
		q = &question[V]{ctx: ctx, ask: ask, done: make(chan struct{})}
		if t.running == nil {
			t.running, t.next = map[K]bool{}, map[K]*question[V]{}
		}
		if t.running[key] {
			t.next[key] = q
		} else {
			t.running[key] = true
			go t.run(key, q)
		}
	} else if patience(ctx) > patience(q.ctx) {
		q.ctx = ctx
	}
	t.mu.Unlock()
	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// patience is how long the request of ctx can wait.
func patience(ctx context.Context) time.Duration {
	deadline, limited := ctx.Deadline()
	if !limited {
		return math.MaxInt64
	}
	return time.Until(deadline)
}

// run asks until nobody waits.
func (t *together[K, V]) run(key K, q *question[V]) {
	for q != nil {
		q.run()
		t.mu.Lock()
		q = t.next[key]
		delete(t.next, key)
		if q == nil {
			delete(t.running, key)
		}
		t.mu.Unlock()
	}
}

// run keeps the deadline of who can wait longest, but not the end of their request: others wait too.
func (q *question[V]) run() {
	defer close(q.done)
	defer func() {
		if fault := recover(); fault != nil {
			q.err = fmt.Errorf("%w: %v", errAskedInVain, fault)
		}
	}()
	ctx := context.WithoutCancel(q.ctx)
	if deadline, limited := q.ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	q.answer, q.err = q.ask(ctx)
}
