package command

import (
	"testing"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// The version before wrote titles, status and winners into every purchase. While it serves beside this
// one, neither may see the other's purchases stale.
func TestOlderVersionWritesAndReadsPurchases(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const (
		columns = `id, raffle_id, raffle_title, raffle_status, raffle_draw_at, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at, owner`
		made    = `INSERT INTO purchases_read (` + columns + `) SELECT ` + columns + ` FROM purchases_definition WHERE id = $1`
		changed = `
			UPDATE purchases_read p
			SET raffle_title = r.title, raffle_status = r.status, raffle_draw_at = r.draw_at,
				winner = COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false)
			FROM raffles r
			WHERE r.id = $1 AND p.raffle_id = $1
				AND (p.raffle_title, p.raffle_status, p.raffle_draw_at, p.winner)
					IS DISTINCT FROM (r.title, r.status, r.draw_at, COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false))`
	)
	read := func(id uuid.UUID) (title string, status raffle.Status, winner bool) {
		t.Helper()
		if err := s.db.QueryRow(t.Context(), `SELECT raffle_title, raffle_status, winner FROM purchases_read WHERE id = $1`, id).Scan(&title, &status, &winner); err != nil {
			t.Fatal(err)
		}
		return title, status, winner
	}
	id := s.raffle(10)
	bought := s.sell(s.hold(id, 1, 2))
	s.exec(`DELETE FROM sales_read WHERE id = $1`, bought.ID)
	s.exec(made, bought.ID)
	s.consistent()

	if err := s.Update(t.Context(), UpdateRaffle{RaffleID: id, Caller: s.owner, Title: Change[string]{Sent: true, Value: new("Otra")}}); err != nil {
		t.Fatal(err)
	}
	if title, _, _ := read(bought.ID); title != "Otra" {
		t.Errorf("this version's new title is %q in the purchase", title)
	}
	s.exec(`UPDATE raffles SET title = 'Tercera', status = 'drawn', winning_number = 2 WHERE id = $1`, id)
	s.exec(`UPDATE raffles_read SET title = 'Tercera', status = 'drawn', winning_number = 2 WHERE id = $1`, id)
	s.exec(changed, id)
	if title, status, winner := read(bought.ID); title != "Tercera" || status != raffle.Drawn || !winner {
		t.Errorf("the version before drew, and the purchase says %q, %s, winner %t", title, status, winner)
	}
	s.consistent()
	s.exec(`DELETE FROM purchases_read`)
	s.exec(`INSERT INTO purchases_read (` + columns + `) SELECT ` + columns + ` FROM purchases_definition`) // its rebuild
	s.consistent()
}
