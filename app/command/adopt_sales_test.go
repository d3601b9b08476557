package command

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// forgetSale leaves a sale as a version that knows no draws makes it, and forgetRules a raffle.
func (s *shop) forgetSale(p Purchase) {
	s.t.Helper()
	s.exec(`DELETE FROM draw_owners WHERE raffle_id = $1 AND participant_id = $2`, p.RaffleID, p.ParticipantID)
	s.exec(`UPDATE purchases_read SET owner = NULL WHERE id = $1`, p.ID)
}

func (s *shop) forgetRules(raffleID uuid.UUID) {
	s.t.Helper()
	s.exec(`DELETE FROM draw_rules WHERE raffle_id = $1`, raffleID)
	s.exec(`DELETE FROM draws_read WHERE raffle_id = $1`, raffleID)
}

// While a new version takes over, the one before still sells, and may know no draws. Its raffles and
// sales are sealed and drawn like any other, and its buyers get their receipts from the seal on.
func TestSalesOfAVersionWithoutDraws(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	q := &query.Queries{DB: s.db}
	for name, seal := range map[string]func(id uuid.UUID) error{
		"sealed":       func(id uuid.UUID) error { return s.Seal(t.Context(), id, s.owner) },
		"drawn":        func(id uuid.UUID) error { return s.Draw(t.Context(), DrawRaffle{RaffleID: id, Caller: &s.owner}) },
		"by the clock": func(uuid.UUID) error { _, err := s.CloseDue(t.Context()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			id := s.raffle(10)
			old, buyer := s.sell(s.hold(id, 1, 2)), s.hold(id, 3)
			s.forgetSale(old)
			twice := s.sell(buyer) // by the old version, then by this one
			s.forgetSale(twice)
			held, err := s.Reserve(t.Context(), ReserveNumbers{RaffleID: id, ParticipantID: &twice.ParticipantID, Numbers: []int32{4}, Minutes: 10})
			if err != nil {
				t.Fatal(err)
			}
			s.sell(held)
			s.forgetRules(id)
			_, err = q.Receipt(t.Context(), id, old.ID, nil)
			if refusal := refused(t, err, raffle.CodeNotFound); refusal.Detail != "This purchase gets its receipt when the raffle is sealed: ask again then." {
				t.Errorf("a receipt before the seal: %s", refusal.Detail)
			}
			if name == "by the clock" {
				s.exec(`UPDATE raffles SET status = 'closed', draw_at = now() - interval '1 minute' WHERE id = $1`, id)
				s.exec(`UPDATE raffles_read SET (status, draw_at) = (SELECT status, draw_at FROM raffles WHERE id = $1) WHERE id = $1`, id)
			}
			if err := seal(id); err != nil {
				t.Fatal(err)
			}
			if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id}); err != nil {
				t.Fatal(err)
			}
			for _, p := range []Purchase{old, twice} {
				receipt, err := q.Receipt(t.Context(), id, p.ID, nil)
				if err != nil {
					t.Fatal(err)
				}
				signed, err := (&Receipts{DB: s.db}).Sign(t.Context(), receipt)
				if err != nil {
					t.Fatal(err)
				}
				if proof := s.verified(id, &signed); proof.N != 4 {
					t.Errorf("%d numbers are in the list, want 4", proof.N)
				}
			}
			s.consistent()
		})
	}
}

// The rules of a raffle that has none can be written before the first hold, and a raffle that is over
// says so.
func TestRulesOfARaffleWithoutRules(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	change := func(id uuid.UUID) error {
		return s.Update(t.Context(), UpdateRaffle{RaffleID: id, Caller: s.owner, Draw: &DrawRules{Method: draw.MethodBeacon}})
	}
	result := func(id uuid.UUID) error {
		return s.EnterLotteryResult(t.Context(), EnterLotteryResult{RaffleID: id, Caller: s.owner, Result: draw.LotteryResult{
			Digits: "4821", DrawNumber: "4562", Date: time.Now().Format(time.DateOnly), SourceURL: "https://lottery.example", Evidence: draw.Hash{1},
		}})
	}
	fresh := s.raffle(10)
	s.forgetRules(fresh)
	refused(t, result(fresh), raffle.CodeNotLottery)
	if err := change(fresh); err != nil {
		t.Fatal(err)
	}
	for status, winner := range map[string]*int{"drawn": new(1), "cancelled": nil} {
		id := s.raffle(10)
		s.forgetRules(id)
		s.exec(`UPDATE raffles SET status = $2, winning_number = $3 WHERE id = $1`, id, status, winner)
		s.exec(`UPDATE raffles_read SET status = $2, winning_number = $3 WHERE id = $1`, id, status, winner)
		refused(t, result(id), raffle.CodeNotLottery)
		refused(t, change(id), raffle.CodeInvalidTransition)
	}
	s.consistent()
}
