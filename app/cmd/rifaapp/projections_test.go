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
	do(`INSERT INTO receipt_keys (key_id, public_key) VALUES ('0123456789abcdef', decode(repeat('01', 32), 'hex'))`)
	getenv := environment(db.Env()...)
	if status, said := invoke(t, getenv, "projections", "rebuild"); status != 0 {
		t.Fatalf("rebuild: exit status %d:\n%s", status, said)
	}
	do(`DELETE FROM raffles_read WHERE id = $1`, missing)
	do(`DELETE FROM raffle_counts_read WHERE raffle_id = $1`, missing)
	do(`UPDATE raffles_read SET title = 'Casa' WHERE id = $1`, renamed)
	do(`UPDATE raffle_counts_read SET sold = 3 WHERE raffle_id = $1 AND slot = 5`, counted)
	do(`INSERT INTO raffle_numbers_read (raffle_id, number, status) VALUES ($1, 7, 'sold')`, counted)
	do(`UPDATE receipt_keys_read SET public_key = decode(repeat('00', 32), 'hex')`)

	status, said := invoke(t, getenv, "projections", "check")
	for _, line := range []string{
		"raffles_read: is (id=" + renamed.String() + " title=Casa), should be (id=" + renamed.String() + " title=Moto)",
		"raffles_read: missing row (",
		"raffle_counts_read: is (raffle_id=" + counted.String() + " sold=3), should be (raffle_id=" + counted.String() + " sold=0)",
		"raffle_counts_read: missing row (",
		"raffle_numbers_read: row that should not be there (number=7",
		"receipt_keys_read: is (key_id=0123456789abcdef public_key=",
		"6 differences",
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

// The slots of a raffle's counters lie together after a rebuild, as they do when it is made: lists add them up.
func TestRebuildKeepsCountersTogether(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	_, err := db.Pool.Exec(t.Context(), `
		INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status)
		SELECT gen_random_uuid(), 'Moto', 1, 'COP', 10, 1, 'open' FROM generate_series(1, 400)`)
	if err != nil {
		t.Fatal(err)
	}
	if status, said := invoke(t, environment(db.Env()...), "projections", "rebuild"); status != 0 {
		t.Fatalf("rebuild: exit status %d:\n%s", status, said)
	}
	var pages int
	err = db.Pool.QueryRow(t.Context(), `
		SELECT max(pages) FROM (
			SELECT count(DISTINCT (ctid::text::point)[0]) AS pages FROM raffle_counts_read GROUP BY raffle_id) AS r`).Scan(&pages)
	if err != nil || pages > 2 {
		t.Errorf("the 16 counters of a raffle lie on %d pages, %v", pages, err)
	}
}

// What an operator asks for may take longer than the role's limit on the statements of a request.
func TestOperatorsAreNotHurried(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	raffle, participant := uuid.New(), uuid.New()
	for _, statement := range []string{
		`INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status) VALUES ('` + raffle.String() + `', 'Moto', 1, 'COP', 10, 1, 'open')`,
		`INSERT INTO participants (id, name) VALUES ('` + participant.String() + `', 'Luz')`,
		`CREATE OR REPLACE VIEW raffle_counts_definition AS
			SELECT id AS raffle_id, 0::bigint AS reserved, 0::bigint AS sold FROM raffles WHERE pg_sleep(0.7) IS NOT NULL`,
		`CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.7); RETURN new; END $$`,
		`CREATE TRIGGER rest BEFORE UPDATE ON participants FOR EACH ROW EXECUTE FUNCTION rest()`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 600', current_database()); END $$`,
	} {
		if _, err := db.Pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	getenv := environment(db.Env()...)
	for _, command := range [][]string{{"projections", "rebuild"}, {"projections", "check"}, {"people", "erase", "--yes", participant.String()}} {
		if status, said := invoke(t, getenv, command...); status != 0 {
			t.Errorf("%v: exit status %d:\n%s", command, status, said)
		}
	}
}

// Whoever asks something of an empty database is told what it lacks.
func TestDatabaseThatIsNotMigrated(t *testing.T) {
	t.Parallel()
	getenv := environment(testdb.NewEmpty(t).Env()...)
	for _, command := range [][]string{{"projections", "rebuild"}, {"projections", "check"}, {"people", "erase", "--yes", "luz@example.com"}} {
		if status, said := invoke(t, getenv, command...); status != 1 || !strings.Contains(said, "rifaapp migrate") {
			t.Errorf("%v: exit status %d:\n%s", command, status, said)
		}
	}
}
