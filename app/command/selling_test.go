package command

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Many sellers at once must not leave a sold-out raffle open: none of them waits for the others
// until numbers run out.
func TestLastSaleClosesTheRaffle(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for round := range 15 {
		const total = 24
		id := s.raffle(total)
		var group sync.WaitGroup
		for n := range int32(total) {
			group.Go(func() {
				r, err := s.tryHold(t.Context(), id, n+1)
				if err == nil {
					_, err = s.trySell(t.Context(), r)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := s.status(id); got != raffle.Closed {
			t.Fatalf("round %d: everything is sold and the raffle is %s", round, got)
		}
	}
	s.consistent()
}

func TestNoNumberIsSoldTwice(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const total, buyers, tries = 100, 24, 40
	id := s.raffle(total)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var (
		mu    sync.Mutex
		owner = map[int32]uuid.UUID{}
		group sync.WaitGroup
	)
	for b := range uint64(buyers) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, b))
			for range tries {
				p, err := buySome(t.Context(), s, id, random)
				if err != nil {
					if _, refusal := errors.AsType[*raffle.Error](err); !refusal {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				for _, n := range p.Numbers {
					if other, sold := owner[n]; sold {
						t.Errorf("number %d was sold to %s and to %s", n, other, p.ID)
					}
					owner[n] = p.ID
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	var sold int
	if err := s.db.QueryRow(t.Context(), `SELECT count(*) FROM tickets WHERE raffle_id = $1 AND purchase_id IS NOT NULL`, id).Scan(&sold); err != nil || sold != len(owner) {
		t.Errorf("the database holds %d sold numbers, clients were told of %d, %v", sold, len(owner), err)
	}
	s.consistent()
}

// buySome reserves one to three random numbers, named or not, and usually confirms them.
func buySome(ctx context.Context, s *shop, id uuid.UUID, random *rand.Rand) (Purchase, error) {
	in := ReserveNumbers{RaffleID: id, Name: new("Luz"), Minutes: 1}
	if quantity := 1 + random.IntN(3); random.IntN(2) == 0 {
		in.Quantity = &quantity
	} else {
		for len(in.Numbers) < quantity {
			if n := 1 + random.Int32N(100); len(in.Numbers) == 0 || n > in.Numbers[len(in.Numbers)-1] {
				in.Numbers = append(in.Numbers, n)
			} else {
				break
			}
		}
	}
	r, err := s.Reserve(ctx, in)
	if err != nil {
		return Purchase{}, err
	}
	if random.IntN(10) < 3 {
		_, err := s.Release(ctx, id, r.ID, nil)
		return Purchase{}, err
	}
	return s.trySell(ctx, r)
}

// No sale may slip behind the draw, however many buyers are at it.
func TestNoSaleAfterTheDraw(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for round := range 8 {
		id := s.raffle(1000)
		s.sell(s.hold(id, 1))
		ctx, stop := context.WithCancel(t.Context())
		var (
			group sync.WaitGroup
			drawn atomic.Bool
			late  atomic.Int32
		)
		for range 12 {
			group.Go(func() {
				for ctx.Err() == nil {
					r, err := s.Reserve(ctx, ReserveNumbers{RaffleID: id, Name: new("Luz"), Quantity: new(2), Minutes: 1})
					if err != nil {
						return
					}
					before := drawn.Load()
					if _, err := s.trySell(ctx, r); err == nil && before {
						late.Add(1)
					}
				}
			})
		}
		var sold int
		for sold < 20 {
			if err := s.db.QueryRow(t.Context(), `SELECT sum(sold) FROM raffle_counts_read WHERE raffle_id = $1`, id).Scan(&sold); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id, Caller: &s.owner}); err != nil {
			t.Fatal(err)
		}
		drawn.Store(true)
		var then, after int
		const count = `SELECT count(*) FROM tickets WHERE raffle_id = $1`
		if err := s.db.QueryRow(t.Context(), count, id).Scan(&then); err != nil {
			t.Fatal(err)
		}
		group.Wait()
		stop()
		if err := s.db.QueryRow(t.Context(), count, id).Scan(&after); err != nil {
			t.Fatal(err)
		}
		if late.Load() > 0 || then != after {
			t.Fatalf("round %d: %d sales after the draw; %d tickets at the draw, %d later", round, late.Load(), then, after)
		}
	}
	s.consistent()
}

func TestConcurrentConfirmsOfOneReservation(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	r := s.hold(id, 2, 3)
	purchases := make([]Purchase, 16)
	var group sync.WaitGroup
	for i := range purchases {
		group.Go(func() {
			var err error
			if purchases[i], err = s.trySell(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, p := range purchases {
		if p.ID != purchases[0].ID {
			t.Fatalf("two purchases of one reservation: %s and %s", p.ID, purchases[0].ID)
		}
	}
	s.consistent()
}

func TestCloseDue(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10, func(in *CreateRaffle) { in.DrawAt = new(time.Now().Add(time.Hour)) })
	bought := s.sell(s.hold(id, 1))
	if closed, err := s.CloseDue(t.Context()); err != nil || closed != 0 {
		t.Fatalf("closed %d, %v", closed, err)
	}
	s.exec(`UPDATE raffles SET draw_at = now() - interval '1 second' WHERE id = $1`, id)
	if closed, err := s.CloseDue(t.Context()); err != nil || closed != 1 {
		t.Fatalf("closed %d, %v", closed, err)
	}
	var status string
	if err := s.db.QueryRow(t.Context(), `SELECT raffle_status FROM purchases_read WHERE id = $1`, bought.ID).Scan(&status); err != nil || status != "closed" {
		t.Errorf("the purchase says the raffle is %s, %v", status, err)
	}
	s.consistent()
}

// The draw is uniform over sold numbers: with three of them each wins about a third.
func TestDrawIsUniform(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	wins := map[int32]int{}
	const draws = 240
	for range draws {
		id := s.raffle(5)
		s.sell(s.hold(id, 1, 3, 4))
		if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id, Caller: &s.owner}); err != nil {
			t.Fatal(err)
		}
		var number int32
		if err := s.db.QueryRow(t.Context(), `SELECT winning_number FROM raffles_read WHERE id = $1`, id).Scan(&number); err != nil {
			t.Fatal(err)
		}
		wins[number]++
	}
	for _, n := range []int32{1, 3, 4} {
		if got := wins[n]; got < draws/3-50 || got > draws/3+50 { // seven standard deviations
			t.Errorf("number %d won %d of %d", n, got, draws)
		}
	}
	if len(wins) != 3 {
		t.Errorf("numbers won that were not sold: %v", wins)
	}
}

func TestCheckFindsAndRebuildRepairs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	bought := s.sell(s.hold(id, 1, 2))
	s.hold(id, 3)
	for name, damage := range map[string]string{
		"a title":      `UPDATE raffles_read SET title = 'X'`,
		"a purchase":   `UPDATE purchases_read SET winner = true`,
		"a lost row":   `DELETE FROM raffle_numbers_read WHERE number = 1`,
		"an extra row": `INSERT INTO raffle_numbers_read VALUES ($1, 9, 'sold')`,
		"a count":      `UPDATE raffle_counts_read SET sold = sold + 1 WHERE slot = 3`,
	} {
		var args []any
		if name == "an extra row" {
			args = []any{id}
		}
		s.exec(damage, args...)
		differences, err := projection.Check(t.Context(), s.db, func(d projection.Difference) {
			if d.String() == "" {
				t.Error("an empty line")
			}
		})
		if err != nil || differences == 0 {
			t.Errorf("%s: %d differences, %v", name, differences, err)
		}
		if err := projection.Rebuild(t.Context(), s.db, t.Output()); err != nil {
			t.Fatal(err)
		}
		s.consistent()
	}
	if got := fmt.Sprint(bought.Numbers); got != "[1 2]" {
		t.Errorf("sold %s", got)
	}
}

// The drift check finds nothing while sales run.
func TestCheckUnderLoad(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(5000)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for b := range uint64(6) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(b, b))
			for ctx.Err() == nil {
				_, _ = buySome(ctx, s, id, random)
			}
		})
	}
	for range 10 {
		s.consistent()
	}
	stop()
	group.Wait()
	s.consistent()
}

// Repeating a confirm costs the buyers of a full board nothing: it does not take the raffle alone.
func TestRepeatedConfirmOnAFullBoard(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(2)
	first := s.hold(id, 1)
	s.hold(id, 2)
	bought := s.sell(first)
	buying, err := s.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = buying.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := buying.Exec(t.Context(), `SELECT lock_raffle($1, false)`, id); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	again, err := s.Confirm(ctx, ConfirmPurchase{RaffleID: id, ReservationID: first.ID, PaymentMethod: "demo"})
	if err != nil || again.ID != bought.ID {
		t.Errorf("got purchase %s, %v; want %s without waiting for the other buyer", again.ID, err, bought.ID)
	}
}

// Whether a ticket is sold is said once, by its purchase; what else a hand has written there sells nothing
// and gives nothing back.
func TestPurchaseSaysWhetherATicketIsSold(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	held, sold := s.hold(id, 1), s.hold(id, 2)
	s.sell(sold)
	s.exec(`UPDATE tickets SET status = CASE number WHEN 1 THEN 'sold' ELSE 'reserved' END,
		reserved_until = CASE number WHEN 1 THEN reserved_until ELSE now() - interval '1 hour' END WHERE raffle_id = $1`, id)
	_, err := s.tryHold(t.Context(), id, 2)
	if refusal, refused := errors.AsType[*raffle.Error](err); !refused || refusal.Code != raffle.CodeNumbersUnavailable {
		t.Errorf("a number with a purchase was held again: %v", err)
	}
	if err := s.Delete(t.Context(), id, s.owner); err == nil {
		t.Error("a raffle with a sale was deleted")
	}
	if freed, err := s.Release(t.Context(), id, sold.ID, nil); err != nil || freed != 0 {
		t.Errorf("releasing a sale freed %d numbers, %v", freed, err)
	}
	board := func(status string, until *time.Time) { // the sweep looks for its numbers there
		s.exec(`UPDATE raffle_numbers_read SET status = $2, reserved_until = $3 WHERE raffle_id = $1 AND number = 2`, id, status, until)
	}
	board("reserved", new(time.Now().Add(-time.Hour)))
	if freed, err := s.Sweep(t.Context()); err != nil || freed != 0 {
		t.Errorf("the sweep freed %d numbers, %v", freed, err)
	}
	board("sold", nil)
	s.sell(held)
	s.exec(`UPDATE tickets SET status = 'reserved' WHERE raffle_id = $1`, id)
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Error(err)
	}
	var left int
	if err := s.db.QueryRow(t.Context(), `SELECT count(*) FROM tickets WHERE raffle_id = $1`, id).Scan(&left); err != nil || left != 2 {
		t.Errorf("%d of 2 sold tickets are left after the seal, %v", left, err)
	}
	s.consistent()
}
