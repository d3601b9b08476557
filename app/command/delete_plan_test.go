package command

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
	rows, err := db.Query(t.Context(), `EXPLAIN `+anySold, raffleID)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if plan := strings.Join(lines, "\n"); err != nil || !strings.Contains(plan, "tickets_pkey") {
		t.Errorf("the tickets of all raffles are read: %v\n%s", err, plan)
	}
}
