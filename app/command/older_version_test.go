package command

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// What the version before says to purchases_read.
const (
	purchaseColumns = `id, raffle_id, raffle_title, raffle_status, raffle_draw_at, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at, owner`
	madePurchase    = `INSERT INTO purchases_read (` + purchaseColumns + `) SELECT ` + purchaseColumns + ` FROM purchases_definition WHERE id = $1`
	changedRaffle   = `
		UPDATE purchases_read p
		SET raffle_title = r.title, raffle_status = r.status, raffle_draw_at = r.draw_at,
			winner = COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false)
		FROM raffles r
		WHERE r.id = $1 AND p.raffle_id = $1
			AND (p.raffle_title, p.raffle_status, p.raffle_draw_at, p.winner)
				IS DISTINCT FROM (r.title, r.status, r.draw_at, COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false))`
)

// The version before wrote titles, status and winners into every purchase. While it serves beside this
// one, neither may see the other's purchases stale.
func TestOlderVersionWritesAndReadsPurchases(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const made, changed, columns = madePurchase, changedRaffle, purchaseColumns
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

// It goes on selling while the change is deployed that takes its table away and puts a view in its place,
// with the statements that its connections prepared for the table.
func TestOlderVersionSellsWhileItsTableBecomesAView(t *testing.T) {
	t.Parallel()
	database := testdb.NewEmpty(t)
	deployTo(t, database, "rules_held") // the last change before sales_read
	s := &shop{t: t, db: database.Pool, owner: uuid.New(), Raffles: &Raffles{DB: database.Pool}}
	s.exec(`INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'ana@example.com', 'ana@example.com', '')`, s.owner)
	id, luz := s.raffle(100_000), uuid.New()
	s.exec(`INSERT INTO participants (id, name) VALUES ($1, 'Luz')`, luz)
	s.exec(`INSERT INTO participants_read (id) VALUES ($1)`, luz)
	var (
		sellers        sync.WaitGroup
		before, number atomic.Int64
		ctx, stop      = context.WithCancel(t.Context())
	)
	sale := func() error {
		purchase, n := uuid.New(), number.Add(1)
		return postgres.InTx(t.Context(), s.db, func(tx pgx.Tx) error {
			for _, statement := range []struct {
				sql  string
				args []any
			}{
				{`INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at) VALUES ($1, $2, $3, ARRAY[$4::integer], now())`, []any{purchase, id, luz, n}},
				{`INSERT INTO purchases (id, raffle_id, reservation_id, participant_id, numbers, total_price, currency, payment_method)
					VALUES ($1, $2, $1, $3, ARRAY[$4::integer], 1, 'COP', 'demo')`, []any{purchase, id, luz, n}},
				{madePurchase, []any{purchase}},
				{changedRaffle, []any{id}},
			} {
				if _, err := tx.Exec(t.Context(), statement.sql, statement.args...); err != nil {
					return err
				}
			}
			var title string
			return tx.QueryRow(t.Context(), `SELECT raffle_title FROM purchases_read WHERE id = $1`, purchase).Scan(&title)
		})
	}
	for range 3 {
		sellers.Go(func() {
			for ctx.Err() == nil {
				if err := sale(); err != nil {
					t.Error(err)
					return
				}
				before.Add(1)
			}
		})
	}
	for before.Load() < 30 && !t.Failed() {
		runtime.Gosched()
	}
	deployTo(t, database, "sales_read")
	for sold := before.Load(); before.Load() < sold+30 && !t.Failed(); {
		runtime.Gosched()
	}
	stop()
	sellers.Wait()
	var purchases, shown int
	if err := s.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM purchases), (SELECT count(*) FROM purchases_read)`).Scan(&purchases, &shown); err != nil || shown != purchases {
		t.Errorf("%d purchases, %d of them shown, %v", purchases, shown, err)
	}
}

// It goes on buying while brief_buying is deployed and beside the version that needs it, with the
// statements that its connections prepared before.
func TestOlderVersionBuysWhileItsFunctionsAreReplaced(t *testing.T) {
	t.Parallel()
	const (
		reserve = `SELECT r.total_price::text FROM reserve_numbers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS r,
			participant_joined(r.joined, $3), numbers_held($1, r.numbers, r.expires_at, $12)`
		confirm = `SELECT p.total_price::text FROM confirm_purchase($1, $2, $3, $4, $5, $6, $7, $8, $9) AS p,
			purchase_made(p.made, p.owner), numbers_sold($1, p.numbers, $10)`
		release = `SELECT cardinality(r.numbers)::text FROM release_reservation($1, $2, $3) AS r, numbers_freed($1, r.numbers, $4)`
	)
	database := testdb.NewEmpty(t)
	deployTo(t, database, "one_statement_buying") // the last change before ticket_states and brief_buying
	s := &shop{t: t, db: database.Pool, owner: uuid.New(), Raffles: &Raffles{DB: database.Pool}}
	s.exec(`INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'ana@example.com', 'ana@example.com', '')`, s.owner)
	id := s.raffle(100_000)
	var (
		buyers       sync.WaitGroup
		done, number atomic.Int64
		ctx, stop    = context.WithCancel(t.Context())
	)
	cycle := func() error {
		reservation, n := uuid.New(), int32(number.Add(2))
		slot := n / 2 % 16
		var answer string
		scan := func(row pgx.Row) error { return row.Scan(&answer) }
		err := postgres.InOneStatement(t.Context(), s.db, nil, scan, reserve,
			id, reservation, nil, nil, uuid.New(), "Luz", nil, []int32{n, n - 1}, nil, 10, false, slot)
		switch {
		case err != nil:
			return err
		case n%3 == 0:
			return postgres.InOneStatement(t.Context(), s.db, nil, scan, release, id, reservation, nil, slot)
		}
		return postgres.InOneStatement(t.Context(), s.db, nil, scan, confirm, id, reservation, nil, nil, uuid.New(), "demo", nil, false, draw.NewSalt(), slot)
	}
	for range 3 {
		buyers.Go(func() {
			for ctx.Err() == nil {
				if err := cycle(); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wait := func(more int64) {
		for until := done.Load() + more; done.Load() < until && !t.Failed(); {
			runtime.Gosched()
		}
	}
	wait(30)
	deployTo(t, database, "")
	wait(30)
	bought := s.sell(s.hold(id, 99_001, 99_002)) // this version, between them
	wait(30)
	stop()
	buyers.Wait()
	s.consistent()
	var owner *uuid.UUID
	if err := s.db.QueryRow(t.Context(), `SELECT user_id FROM participants_read WHERE id = $1`, bought.ParticipantID).Scan(&owner); err != nil || owner != nil {
		t.Errorf("the buyer is shown as of account %v, %v", owner, err)
	}
}
