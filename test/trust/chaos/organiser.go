package chaos

import (
	"context"
	"fmt"
	"slices"

	"github.com/rifaapp/rifaapp/test/trust"
)

// organiserClient is the organiser in histories; buyers count from 0.
const organiserClient = 1 << 20

// organise closes and reopens a raffle while it sells, several times, and seals and draws another; each step
// waits for its share of the attempts. In the next round it takes other raffles.
func (r *run) organise(ctx context.Context) {
	random := trust.Rand(r.seed, organiserClient)
	const steps = 8
	chosen := map[*raffle]bool{}
	for round := range r.rounds {
		busy := r.raffles[(1+round)%len(r.raffles)]
		var toDraw *raffle
		for step := 1; step <= steps; step++ {
			r.progress.wait(ctx, r.attempts*(round*steps+step)/(r.rounds*steps+2))
			r.setStatus(ctx, busy, closed, "closed")
			r.setStatus(ctx, busy, open, "open")
			if toDraw == nil && step >= steps/2 {
				if toDraw = r.sold(chosen); toDraw != nil {
					chosen[toDraw] = true
					r.seal(ctx, toDraw, fmt.Sprintf("seal-%x", random.Uint64()))
					continue // buyers try to get more of it until the next step draws it
				}
			}
			if toDraw != nil { // a draw that is asked for again gives the same winner
				r.draw(ctx, toDraw, fmt.Sprintf("draw-%x", random.Uint64()))
			}
		}
	}
}

// closeOneByOne closes each raffle early in its rush for good, and looks at it right after and
// once what was under way has ended.
func (r *run) closeOneByOne(ctx context.Context) {
	for i, each := range r.raffles {
		r.progress.wait(ctx, r.attempts*(4*i+1)/(4*len(r.raffles)))
		r.setStatus(ctx, each, closed, "closed")
		r.look(ctx, organiserClient, each)
		r.progress.waitMore(ctx, r.buyers)
		r.look(ctx, organiserClient, each)
	}
}

// sold is a raffle of which something was sold, none of those given; nil when there is none yet.
func (r *run) sold(but map[*raffle]bool) *raffle {
	for _, each := range r.raffles {
		if !but[each] && slices.ContainsFunc(each.reservations(), func(h reservation) bool { return h.sold == done }) {
			return each
		}
	}
	return nil
}

func (r *run) setStatus(ctx context.Context, of *raffle, to status, word string) {
	called := now()
	a := r.clients.send(ctx, request{method: "PATCH", path: "/v2/raffles/" + of.ID, token: r.organiser, body: map[string]any{"status": word}})
	of.record(organiserClient, called, input{kind: setStatus, to: to}, output{verdict: told(a)})
}

func (r *run) seal(ctx context.Context, of *raffle, key string) {
	called := now()
	a := r.clients.settle(ctx, trust.Rand(r.seed, organiserClient+1), request{method: "POST", path: "/v2/raffles/" + of.ID + "/seal", token: r.organiser, key: key})
	of.record(organiserClient, called, input{kind: seal, keyed: true}, output{verdict: told(a)})
	if told(a) == done {
		r.seals.Add(1)
	}
}

func (r *run) draw(ctx context.Context, of *raffle, key string) {
	called := now()
	a := r.clients.settle(ctx, trust.Rand(r.seed, organiserClient+1), request{method: "POST", path: "/v2/raffles/" + of.ID + "/draw", token: r.organiser, key: key})
	var said struct {
		Number int8 `json:"winning_number"`
	}
	a.decode(&said)
	of.record(organiserClient, called, input{kind: draw, keyed: true}, output{verdict: told(a), winner: said.Number})
	if told(a) == done {
		r.draws.Add(1)
	}
}
