package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	protocol "github.com/rifaapp/rifaapp/app/draw"
)

// buyer tries to get numbers of raffles that others want too, and says what it was told.
type buyer struct {
	run    *run
	client int
	random *rand.Rand
}

// attempt reserves one or two numbers and then buys or releases them.
func (b *buyer) attempt(ctx context.Context, attempt int) {
	r := b.run.raffles[b.random.IntN(len(b.run.raffles))]
	if b.run.oneByOne {
		r = b.run.raffles[attempt*len(b.run.raffles)/b.run.attempts]
	}
	h := reservation{
		buyer: fmt.Sprintf("buyer %d attempt %d", b.client, attempt), keyed: b.random.Float64() >= b.run.keyless, numbers: b.choose(),
	}
	hold := int32(attempt + 1)
	r.tried(b.client, h.numbers)
	h = b.reserve(ctx, r, hold, h)
	if h.verdict == done {
		if b.random.Float64() < b.run.buys {
			h = b.confirm(ctx, r, hold, h)
		} else {
			b.release(ctx, r, hold, h)
		}
	}
	r.told(h)
	if b.random.IntN(8) == 0 {
		b.run.look(ctx, b.client, r)
	}
}

// choose picks one or two numbers, in ascending order.
func (b *buyer) choose() []int8 {
	first, second := int8(b.random.IntN(boardSize)), int8(b.random.IntN(boardSize))
	if first == second || b.random.IntN(2) == 0 {
		return []int8{first}
	}
	return []int8{min(first, second), max(first, second)}
}

// post calls with a key until it is answered or, without one, once: a client that cannot say that it
// asks again must not, and never knows.
func (b *buyer) post(ctx context.Context, keyed bool, path string, body any) answer {
	call := request{method: "POST", path: path, body: body}
	if !keyed {
		return b.run.clients.send(ctx, call)
	}
	call.key = fmt.Sprintf("%d-%x", b.client, b.random.Uint64())
	if b.random.IntN(20) == 0 { // a client whose own connection breaks
		hasty, cancel := context.WithTimeout(ctx, time.Duration(1+b.random.IntN(10))*time.Millisecond)
		a := b.run.clients.send(hasty, call)
		cancel()
		if a.settled() {
			return a
		}
	}
	return b.run.clients.settle(ctx, b.random, call)
}

func (b *buyer) reserve(ctx context.Context, r *raffle, hold int32, h reservation) reservation {
	called := now()
	a := b.post(ctx, h.keyed, "/v2/raffles/"+r.ID+"/reservations", map[string]any{
		"participant": map[string]any{"name": h.buyer, "email": b.run.canaries.Get("buyer e-mail 1")}, "numbers": h.numbers, "ttl_minutes": 60,
	})
	var said struct {
		ID          string `json:"reservation_id"`
		Participant string `json:"participant_id"`
		Numbers     []int8 `json:"numbers"`
	}
	a.decode(&said)
	h.id, h.participant = said.ID, said.Participant
	out := output{verdict: told(a), numbers: said.Numbers}
	h.verdict = out.verdict
	r.record(b.client, called, input{kind: reserveNumbers, hold: hold, numbers: h.numbers, keyed: h.keyed}, out)
	return h
}

func (b *buyer) confirm(ctx context.Context, r *raffle, hold int32, h reservation) reservation {
	called := now()
	a := b.post(ctx, h.keyed, "/v2/raffles/"+r.ID+"/confirm", map[string]any{"reservation_id": h.id})
	var said struct {
		ID      string            `json:"purchase_id"`
		Receipt *protocol.Receipt `json:"receipt"`
	}
	a.decode(&said)
	h.asked, h.sold, h.purchase, h.receipt = true, told(a), said.ID, said.Receipt
	r.record(b.client, called, input{kind: confirmHold, hold: hold, numbers: h.numbers, keyed: h.keyed}, output{verdict: h.sold})
	if h.sold == done {
		b.run.sales.Add(1)
	}
	return h
}

func (b *buyer) release(ctx context.Context, r *raffle, hold int32, h reservation) {
	called := now()
	a := b.post(ctx, h.keyed, "/v2/raffles/"+r.ID+"/release", map[string]any{"reservation_id": h.id})
	var said struct {
		Released int `json:"released"`
	}
	a.decode(&said)
	r.record(b.client, called, input{kind: releaseHold, hold: hold, numbers: h.numbers, keyed: h.keyed}, output{verdict: told(a), released: said.Released})
}

// look reads the board as everybody may.
func (r *run) look(ctx context.Context, client int, of *raffle) {
	called := now()
	a := r.clients.send(ctx, request{method: "GET", path: "/v2/raffles/" + of.ID + "/numbers"})
	if a.status != 200 {
		return // a read that failed says nothing about the raffle
	}
	var said struct {
		Numbers []struct {
			Status string `json:"status"`
		} `json:"numbers"`
	}
	a.decode(&said)
	out := output{verdict: done}
	if len(said.Numbers) != boardSize {
		r.clients.fault("the board has %d numbers: %s", len(said.Numbers), a.body)
		return
	}
	for i, n := range said.Numbers {
		out.board[i] = n.Status[0]
	}
	of.record(client, called, input{kind: readBoard}, out)
}

// told turns an answer into what it means for the raffle.
func told(a answer) verdict {
	switch {
	case !a.settled():
		return unknown
	case a.status < 300:
		return done
	case a.code == "numbers_unavailable":
		return taken
	case a.code == "raffle_not_open":
		return notOpen
	case a.code == "nothing_sold":
		return nothingSold
	}
	return refused
}
