package main

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// Every kind of drift is found and named, and a rebuild repairs it.
func TestProjectionsFindAndRepairDrift(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	counted, renamed, missing := uuid.New(), uuid.New(), uuid.New()
	do := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []uuid.UUID{counted, renamed, missing} {
		do(`INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status) VALUES ($1, 'Moto', 1, 'COP', 10, 1, 'open')`, id)
	}
	getenv := environment(db.Env()...)
	if status, said := invoke(t, getenv, "projections", "rebuild"); status != 0 {
		t.Fatalf("rebuild: exit status %d:\n%s", status, said)
	}
	do(`DELETE FROM raffles_read WHERE id = $1`, missing)
	do(`DELETE FROM raffle_counts_read WHERE raffle_id = $1`, missing)
	do(`UPDATE raffles_read SET title = 'Casa' WHERE id = $1`, renamed)
	do(`UPDATE raffle_counts_read SET sold = 3 WHERE raffle_id = $1 AND slot = 5`, counted)
	do(`INSERT INTO raffle_numbers_read (raffle_id, number, status) VALUES ($1, 7, 'sold')`, counted)

	status, said := invoke(t, getenv, "projections", "check")
	for _, line := range []string{
		"raffles_read: is (id=" + renamed.String() + " title=Casa), should be (id=" + renamed.String() + " title=Moto)",
		"raffles_read: missing row (",
		"raffle_counts_read: is (raffle_id=" + counted.String() + " sold=3), should be (raffle_id=" + counted.String() + " sold=0)",
		"raffle_counts_read: missing row (",
		"raffle_numbers_read: row that should not be there (number=7",
		"5 differences",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("not said: %s", line)
		}
	}
	if status != 1 || t.Failed() {
		t.Fatalf("exit status %d:\n%s", status, said)
	}
	if status, said := invoke(t, getenv, "projections", "rebuild"); status != 0 || !strings.Contains(said, "raffles_read") {
		t.Fatalf("rebuild: exit status %d:\n%s", status, said)
	}
	if status, said := invoke(t, getenv, "projections", "check"); status != 0 {
		t.Errorf("after the rebuild: exit status %d:\n%s", status, said)
	}
}
