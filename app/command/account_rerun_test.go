package command

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// A transaction whose commit was not answered may commit after all while it is run again. Running
// each of them twice must give what running it once gives.
func TestAccountTransactionsMayRunTwice(t *testing.T) {
	t.Parallel()
	db, now := testdb.New(t).Pool, time.Date(2030, 1, 15, 14, 30, 0, 0, time.UTC)
	twice := func(fn func(ctx context.Context, tx pgx.Tx) error) {
		t.Helper()
		for range 2 {
			if err := postgres.InTx(t.Context(), db, func(tx pgx.Tx) error { return fn(t.Context(), tx) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	account := Account{ID: newRowID(), Name: "Ana", Email: "ana@example.com", CreatedAt: now}
	first, next := newOpening(), newOpening()
	twice(func(ctx context.Context, tx pgx.Tx) error {
		if err := insertUser(ctx, tx, account, "!"); err != nil {
			return err
		}
		return first.open(ctx, tx, account.ID, now)
	})
	for range 2 {
		known := knownToken{hash: first.hash}
		accepted, err := known.use(t.Context(), db, next, now)
		if err != nil {
			t.Fatal(err)
		}
		if !accepted || known.user != account.ID {
			t.Error("its own rotation counts as somebody else's")
		}
	}
	for range 2 {
		try := newLoginAttempt(LoginInput{Email: "ana@example.com", Address: "192.0.2.1"}, now)
		_ = try.fail(t.Context(), db)
		_ = try.fail(t.Context(), db)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM users`:                                1,
		`SELECT count(*) FROM sessions WHERE revoked_at IS NULL`:    1,
		`SELECT count(*) FROM refresh_tokens`:                       2,
		`SELECT count(*) FROM refresh_tokens WHERE used_at IS NULL`: 1,
		`SELECT count(*) FROM login_failures`:                       4,
		`SELECT count(DISTINCT attempt_id) FROM login_failures`:     2,
	} {
		var got int
		if err := db.QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s gives %d (%v), want %d", sql, got, err, want)
		}
	}
}
