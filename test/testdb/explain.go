package testdb

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// Explain returns the plan of a statement, which it does not run.
func Explain(t testing.TB, db postgres.Querier, statement string, args ...any) (plan string) {
	t.Helper()
	rows, err := db.Query(t.Context(), `EXPLAIN `+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
