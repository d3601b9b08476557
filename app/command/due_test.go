package command

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// The minute's work takes those first that have waited longest, goes on beyond one batch and past
// faults, and stops while there is time for the rest.
func TestMinuteWorksInTurn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const all = dueBatch + 7
	s.exec(`INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status, draw_at)
		SELECT gen_random_uuid(), 'Moto', 1, 'COP', 10, 1, 'open', now() - n * interval '1 minute' FROM generate_series(1, $1) AS n`, all)
	const find = `SELECT id, draw_at AS at FROM raffles WHERE draw_at <= now() - $1::interval`
	var order []uuid.UUID
	done, err := s.inTurn(t.Context(), find, func(_ context.Context, id uuid.UUID) (bool, error) {
		order = append(order, id)
		if len(order) == 3 {
			return false, context.DeadlineExceeded // of this raffle alone
		}
		return true, nil
	}, time.Second)
	if done != all-1 || err == nil || len(order) != all {
		t.Fatalf("%d of %d done, %d seen, %v", done, all, len(order), err)
	}
	var want []uuid.UUID
	if err := s.db.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY draw_at) FROM raffles`).Scan(&want); err != nil || !slices.Equal(order, want) {
		t.Errorf("not in the order of their times: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), minuteSpare)
	defer cancel()
	if n, err := s.inTurn(short, find, func(context.Context, uuid.UUID) (bool, error) { return true, nil }, time.Second); n != 0 || err != nil {
		t.Errorf("with no time to spare %d were done, %v", n, err)
	}
}

// The schedule draws what a lottery has decided, and does not look at the others again and again.
func TestDrawDueTakesWhatIsDecided(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	repeat := s.official(func(l *draw.Lottery) { l.OnUnsold = draw.UnsoldRepeat })
	beacon := s.official(func(l *draw.Lottery) { l.OnUnsold = draw.UnsoldBeacon })
	void := s.official(func(l *draw.Lottery) { l.OnUnsold = draw.UnsoldVoid })
	later, older := s.official(), s.official()
	s.exec(`UPDATE raffles SET draw_at = now() + interval '1 hour' WHERE id = $1`, later)
	s.exec(`UPDATE raffles_read SET draw_at = (SELECT draw_at FROM raffles WHERE id = $1) WHERE id = $1`, later)
	raffles := []uuid.UUID{repeat, beacon, void, later, older}
	for _, id := range raffles {
		in := s.result(id, "4820", "4562") // number 10 of 1 to 10, which nobody bought
		for _, in.Confirm = range []bool{false, true} {
			if err := s.EnterLotteryResult(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.exec(`UPDATE lottery_results SET outcome = NULL WHERE raffle_id = $1`, older) // confirmed by the version before
	if drawn, err := s.DrawDue(t.Context()); err != nil || drawn != 0 {
		t.Errorf("%d were drawn inside the objection window, %v", drawn, err)
	}
	s.exec(`UPDATE lottery_results SET confirmed_at = confirmed_at - interval '25 hours'`)
	for _, id := range raffles {
		s.republish(id)
	}
	s.exec(`UPDATE draw_entries SET entries = '\x00' WHERE raffle_id = ANY ($1)`, []uuid.UUID{repeat, beacon}) // whoever reads them fails
	for _, want := range []int{2, 0} {
		if drawn, err := s.DrawDue(t.Context()); err != nil || drawn != want {
			t.Errorf("%d were drawn, want %d, %v", drawn, want, err)
		}
	}
	for id, want := range map[uuid.UUID]raffle.Status{repeat: raffle.Closed, beacon: raffle.Closed, void: raffle.Drawn, later: raffle.Closed, older: raffle.Drawn} {
		if got := s.status(id); got != want {
			t.Errorf("a raffle is %s, want %s", got, want)
		}
	}
}
