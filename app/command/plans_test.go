package command

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// Whether a raffle has sales is answered by its own tickets, however many others have.
func TestDeleteReadsOnlyItsRaffle(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	raffleID := uuid.New()
	for _, sql := range []string{
		`INSERT INTO tickets (raffle_id, number, status, reservation_id, purchase_id, reserved_until)
			SELECT CASE WHEN n % 10 = 0 THEN '` + raffleID.String() + `' ELSE gen_random_uuid() END, n, CASE WHEN n % 10 = 0 THEN 'reserved' ELSE 'sold' END, gen_random_uuid(),
				CASE WHEN n % 10 <> 0 THEN gen_random_uuid() END, CASE WHEN n % 10 = 0 THEN now() END FROM generate_series(1, 20000) AS n`,
		`VACUUM ANALYZE tickets`,
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if plan := testdb.Explain(t, db, anySold, raffleID); !strings.Contains(plan, "tickets_pkey") {
		t.Errorf("the tickets of all raffles are read:\n%s", plan)
	}
}

// The minute's look for raffles to close reads the counts of those alone that may be due, and is not worth
// compiling.
func TestCloseDueReadsOnlyWhatMayBeDue(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	for _, sql := range []string{
		`INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status, draw_at)
			SELECT gen_random_uuid(), 'Moto', 1, 'COP', 10, 1, CASE WHEN n % 100 = 0 THEN 'closed' WHEN n % 2 = 0 THEN 'drawn' ELSE 'open' END,
				now() + CASE WHEN n % 2 = 0 THEN -n ELSE n END * interval '1 hour' FROM generate_series(1, 10000) AS n`,
		`INSERT INTO draw_rules (raffle_id, method, document, rules_hash, commitment, dated, seal_by)
			SELECT id, CASE WHEN lottery THEN 'lottery' ELSE 'beacon' END, '', '', '', false, CASE WHEN lottery THEN draw_at - interval '1 minute' END
			FROM (SELECT *, random() < 0.1 AS lottery FROM raffles) AS r`,
		`INSERT INTO raffle_counts_read (raffle_id, slot) SELECT id, slot FROM raffles, generate_series(0, 15) AS slot`,
		`INSERT INTO draw_seals (raffle_id, attempt, sealed_at, n, root, checkpoints, ref, round, seal)
			SELECT id, 1, now(), 1, '', '{}', '', 0, '' FROM raffles WHERE status = 'drawn' OR status = 'closed' AND random() < 0.9`,
		`VACUUM ANALYZE raffles, draw_rules, raffle_counts_read, draw_seals`,
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	plan := testdb.Explain(t, db, nextDue(findDue, 1), sealMargin, time.Unix(0, 0), uuid.Nil)
	if !strings.Contains(plan, "Index Cond: (draw_at <= now())") || strings.Contains(plan, "Seq Scan on raffle_counts_read") || strings.Contains(plan, "JIT:") {
		t.Errorf("too much is read:\n%s", plan)
	}
}
