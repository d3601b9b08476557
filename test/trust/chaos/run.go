package chaos

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/trust"
)

// run is buyers, an organiser and faults at work on a few raffles of a world, and what they found.
type run struct {
	*world
	sizes
	seed     uint64
	raffles  []*raffle
	progress progress
	sales    atomic.Int64
	seals    atomic.Int64
	draws    atomic.Int64
	receipts int // that were held against sealed lists

	terminated, cutOff int
	verdicts           int
}

// sizes say how much happens.
type sizes struct {
	buyers, attempts, raffles          int
	apiKills, postgresKills            int
	storms, cuts, lostAnswers          int
	buys                               float64 // how many of the reservations are bought; the rest is released
	keyless                            float64 // how many attempts do without Idempotency-Key
	roundsPerStorm, attemptsPerOutrage int
	rounds                             int  // of the organiser, each with other raffles
	oneByOne                           bool // everybody wants the same raffle, until the organiser closes it
}

// start lets everybody go and returns what is wrong: after every fault, and at the end.
func start(t *testing.T, w *world, s sizes, seed uint64) (*run, []string) {
	t.Helper()
	r := &run{world: w, sizes: s, seed: seed, progress: progress{total: s.attempts, changed: make(chan struct{})}}
	for range s.raffles {
		r.raffles = append(r.raffles, w.newRaffle())
	}
	ctx := t.Context()
	var everybody sync.WaitGroup
	var next atomic.Int64
	for client := range s.buyers {
		b := &buyer{run: r, client: client, random: trust.Rand(seed, client)}
		everybody.Go(func() {
			for {
				attempt := int(next.Add(1)) - 1
				if attempt >= s.attempts {
					return
				}
				b.attempt(ctx, attempt)
				r.progress.add()
			}
		})
	}
	everybody.Go(func() {
		if r.oneByOne {
			r.closeOneByOne(ctx)
		} else {
			r.organise(ctx)
		}
	})
	findings := r.breakThings(ctx)
	everybody.Wait()
	return r, append(findings, r.judge(ctx)...)
}

// breakThings makes the faults one after the other, spread over the attempts in an order that the
// seed gives, and judges after each.
func (r *run) breakThings(ctx context.Context) (findings []string) {
	type fault struct {
		name string
		make func() error
	}
	var faults []fault
	for i := range r.apiKills {
		faults = append(faults, fault{"kill -9 of an API process", func() error { return r.killAPI(i) }})
	}
	for range r.postgresKills {
		faults = append(faults, fault{"kill -9 of PostgreSQL", func() error { return r.killPostgres(ctx) }})
	}
	for range r.storms {
		faults = append(faults, fault{"a storm of pg_terminate_backend", func() error { return r.storm(ctx) }})
	}
	for range r.cuts {
		faults = append(faults, fault{"cut connections", func() error { return r.cutLink(ctx, false) }})
	}
	for range r.lostAnswers {
		faults = append(faults, fault{"lost answers", func() error { return r.cutLink(ctx, true) }})
	}
	trust.Rand(r.seed, -1).Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	for i, f := range faults {
		r.progress.wait(ctx, r.attempts*(i+1)/(len(faults)+1))
		trust.Progress(r.t, "%d of %d attempts, fault %d of %d: %s", r.attempts*(i+1)/(len(faults)+1), r.attempts, i+1, len(faults), f.name)
		if err := f.make(); err != nil {
			return append(findings, fmt.Sprintf("%s: %v", f.name, err))
		}
		for _, finding := range r.judgeRunning(ctx) {
			findings = append(findings, fmt.Sprintf("after %s (fault %d): %s", f.name, i+1, finding))
		}
	}
	return findings
}

// storm ends the API's sessions again and again while the attempts go on.
func (r *run) storm(ctx context.Context) error {
	for range r.roundsPerStorm {
		ended, err := r.terminateBackends(ctx)
		if err != nil {
			return err
		}
		r.terminated += ended
		r.progress.waitMore(ctx, r.attemptsPerOutrage)
	}
	return nil
}

// deafness is how long answers get lost at most: transactions of several trips never end meanwhile.
const deafness = 200 * time.Millisecond

// cutLink cuts every connection between the API and PostgreSQL, in the second form only after what
// was sent has been executed and its answer lost.
func (r *run) cutLink(ctx context.Context, loseAnswers bool) error {
	for range r.roundsPerStorm {
		if loseAnswers {
			r.link.loseAnswers()
			if err := r.quiet(ctx, deafness); err != nil { // what was on its way has been executed
				return err
			}
			r.cutOff += r.link.hear()
		} else {
			r.cutOff += r.link.cut()
		}
		r.progress.waitMore(ctx, r.attemptsPerOutrage)
	}
	return nil
}

// progress counts attempts and lets others wait for a count.
type progress struct {
	mu      sync.Mutex
	count   int
	total   int
	changed chan struct{}
}

func (p *progress) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns when count attempts are over.
func (p *progress) wait(ctx context.Context, count int) {
	for {
		p.mu.Lock()
		reached, changed := p.count >= min(count, p.total), p.changed
		p.mu.Unlock()
		if reached {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// waitMore returns when so many more attempts are over.
func (p *progress) waitMore(ctx context.Context, more int) {
	p.mu.Lock()
	count := p.count + more
	p.mu.Unlock()
	p.wait(ctx, count)
}
