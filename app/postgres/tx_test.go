package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// raise makes PostgreSQL itself fail with the SQLSTATE.
func raise(ctx context.Context, tx pgx.Tx, sqlstate string) error {
	_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '`+sqlstate+`'; END $$`)
	return err
}

// Each kind of failure is answered with as many runs as the retry table gives it, and what is left of
// it is told apart from faults of the statement.
func TestRetries(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	for _, c := range []struct {
		name, sqlstate string
		failures       int // how often it fails before it would succeed
		runs           int
		unavailable    bool // the error that is left is ErrUnavailable
	}{
		{"a serialization failure is rerun", "40001", 1, 2, false},
		{"five times", "40001", 5, 6, false},
		{"and no more", "40001", 100, 6, true},
		{"a deadlock is rerun", "40P01", 1, 2, false},
		{"five times", "40P01", 5, 6, false},
		{"and no more", "40P01", 100, 6, true},
		{"plans that a migration changed are made anew", "0A000", 3, 4, false},
		{"and no more", "0A000", 100, 6, false},
		{"statements that the session forgot", "26000", 3, 4, false},
		{"a server that became read-only is left once", "25006", 1, 2, false},
		{"and no more", "25006", 100, 2, true},
		{"a lock that takes too long is not waited for again", "55P03", 1, 1, true},
		{"a statement that takes too long is not run again", "57014", 1, 1, true},
		{"a full disk", "53100", 1, 1, true},
		{"a unique violation is the statement's own", "23505", 1, 1, false},
		{"a refusal of ours too", "RF001", 1, 1, false},
	} {
		t.Run(c.name+" "+c.sqlstate, func(t *testing.T) {
			t.Parallel()
			runs := 0
			err := postgres.InTx(t.Context(), db, func(tx pgx.Tx) error {
				if runs++; runs <= c.failures {
					return raise(t.Context(), tx, c.sqlstate)
				}
				return nil
			})
			if runs != c.runs {
				t.Errorf("it ran %d times, want %d", runs, c.runs)
			}
			if succeeded := c.runs > c.failures; succeeded != (err == nil) {
				t.Errorf("it ended with %v", err)
			}
			if err != nil && errors.Is(err, postgres.ErrUnavailable) != c.unavailable {
				t.Errorf("%v counts as unavailable: %t, want %t", err, !c.unavailable, c.unavailable)
			}
		})
	}
}

// A server that is starting up is waited for, within bounds.
func TestStartUpIsWaitedFor(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	runs := 0
	began := time.Now()
	err := postgres.InTx(t.Context(), db, func(pgx.Tx) error {
		runs++
		return &pgconn.PgError{Code: "57P03"}
	})
	if took := time.Since(began); !errors.Is(err, postgres.ErrUnavailable) || took < 3*time.Second || runs < 3 {
		t.Errorf("after %v and %d runs: %v", took, runs, err)
	}
}

// The retry ends with the request's own time.
func TestRetriesEndWithTheRequest(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	err := postgres.InTx(ctx, db, func(tx pgx.Tx) error {
		runs++
		defer cancel()
		return raise(ctx, tx, "40001")
	})
	if runs != 1 || !errors.Is(err, postgres.ErrUnavailable) {
		t.Errorf("%d runs, %v", runs, err)
	}
}

// silentCommits makes the server end the session in the middle of each commit that wrote to the
// table, so that no commit is answered.
func silentCommits(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	_, err := db.Exec(t.Context(), `
		CREATE TABLE effects (id int);
		CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL;
		END $$;
		CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (new.id < 0) EXECUTE FUNCTION hang_up()`)
	if err != nil {
		t.Fatal(err)
	}
}

// What became of a commit that was not answered is looked up, never guessed.
func TestUnansweredCommits(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	silentCommits(t, db)
	insert := func(ctx context.Context, tx pgx.Tx, id int) error {
		_, err := tx.Exec(ctx, `INSERT INTO effects VALUES ($1)`, id)
		return err
	}
	t.Run("it took effect", func(t *testing.T) {
		runs, lookups := 0, 0
		err := postgres.InTxResolved(t.Context(), db, func(context.Context, *pgxpool.Pool) (bool, error) {
			lookups++
			return true, nil
		}, func(tx pgx.Tx) error {
			runs++
			return insert(t.Context(), tx, -1)
		})
		if err != nil || runs != 1 || lookups != 1 {
			t.Errorf("%d runs, %d lookups, %v: want one of each", runs, lookups, err)
		}
	})
	t.Run("it did not", func(t *testing.T) {
		runs := 0
		err := postgres.InTxResolved(t.Context(), db, func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
			err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM effects WHERE id = -2)`).Scan(&done)
			return done, err
		}, func(tx pgx.Tx) error {
			if runs++; runs == 1 {
				return insert(t.Context(), tx, -2)
			}
			return insert(t.Context(), tx, 2)
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v: want a second one", runs, err)
		}
	})
	t.Run("nobody can tell", func(t *testing.T) {
		runs := 0
		err := postgres.InTx(t.Context(), db, func(tx pgx.Tx) error {
			runs++
			return insert(t.Context(), tx, -3)
		})
		if !errors.Is(err, postgres.ErrUnknownOutcome) || !errors.Is(err, postgres.ErrUnavailable) || runs != 1 {
			t.Errorf("%d runs, %v: want one, and an unknown outcome", runs, err)
		}
	})
	t.Run("the lookup fails", func(t *testing.T) {
		broken := errors.New("broken")
		runs := 0
		err := postgres.InTxResolved(t.Context(), db, func(context.Context, *pgxpool.Pool) (bool, error) { return false, broken }, func(tx pgx.Tx) error {
			runs++
			return insert(t.Context(), tx, -4)
		})
		if !errors.Is(err, postgres.ErrUnknownOutcome) || !errors.Is(err, broken) || runs != 1 {
			t.Errorf("%d runs, %v: want one, and both errors", runs, err)
		}
	})
	// The first run can commit after it was looked up. The second then runs into what the first left,
	// which is no refusal: the command succeeded.
	t.Run("it takes effect late", func(t *testing.T) {
		runs, lookups := 0, 0
		err := postgres.InTxResolved(t.Context(), db, func(context.Context, *pgxpool.Pool) (bool, error) {
			lookups++
			return lookups > 1, nil
		}, func(tx pgx.Tx) error {
			if runs++; runs == 1 {
				return insert(t.Context(), tx, -5)
			}
			return raise(t.Context(), tx, "RF001")
		})
		if err != nil || runs != 2 || lookups != 2 {
			t.Errorf("%d runs, %d lookups, %v: want two of each and success", runs, lookups, err)
		}
	})
}

// A batch in one trip is one transaction, and its silence is an unknown outcome as well, as that of the
// last of a few.
func TestTripsAreResolvedToo(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	silentCommits(t, db)
	runs := 0
	err := postgres.InOneTrip(t.Context(), db, func(context.Context, *pgxpool.Pool) (bool, error) { return true, nil }, func(b *pgx.Batch) {
		runs++
		b.Queue(`INSERT INTO effects VALUES (1)`)
		b.Queue(`INSERT INTO effects VALUES (-1)`)
	})
	if err != nil || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
	runs = 0
	err = postgres.InFewTrips(t.Context(), db, func(context.Context, *pgxpool.Pool) (bool, error) { return false, nil }, func(*pgx.Batch) {}, func(_ pgx.Tx, last *pgx.Batch) error {
		if runs++; runs == 1 {
			last.Queue(`INSERT INTO effects VALUES (-2)`)
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs of a few trips, %v: want a second one", runs, err)
	}
	err = postgres.InOneTrip(t.Context(), db, nil, func(b *pgx.Batch) {
		b.Queue(`INSERT INTO effects VALUES (7)`)
		b.Queue(`SELECT 1 / 0`)
	})
	var left int
	if scanErr := db.QueryRow(t.Context(), `SELECT count(*) FROM effects`).Scan(&left); scanErr != nil || err == nil || left != 0 {
		t.Errorf("%d rows are left (%v), %v: want none, for all or nothing", left, scanErr, err)
	}
}

// A refusal is an answer like any other: the statement that raised it stays prepared, or each buyer whose
// number was taken would cost the next one two round trips.
func TestRefusedStatementsStayPrepared(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.NewEmpty(t).Pool)
	mustExec(t, db, `CREATE FUNCTION sell(taken boolean) RETURNS integer LANGUAGE plpgsql AS $$
		BEGIN IF taken THEN RAISE EXCEPTION 'taken' USING ERRCODE = 'RF001'; END IF; RETURN 1; END $$`)
	sell := func(taken bool) error {
		var sold int
		return postgres.InOneStatement(t.Context(), db, nil, func(row pgx.Row) error { return row.Scan(&sold) }, `SELECT sell($1)`, taken)
	}
	preparedAt := func() (at time.Time) {
		if err := db.QueryRow(t.Context(), `SELECT prepare_time FROM pg_prepared_statements WHERE statement = 'SELECT sell($1)'`).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	if err := sell(false); err != nil {
		t.Fatal(err)
	}
	first := preparedAt()
	if message, _, refused := postgres.Raised(sell(true), "RF001"); !refused || message != "taken" {
		t.Fatalf("the refusal is %q, %t", message, refused)
	}
	if err := sell(false); err != nil {
		t.Fatal(err)
	}
	if again := preparedAt(); !again.Equal(first) {
		t.Errorf("it was prepared at %s and again at %s", first, again)
	}
}

// A statement whose answer a migration changed, or which a proxy's other server does not know, is
// prepared anew, by whichever way it was prepared and is asked.
func TestOutdatedStatementsArePreparedAnew(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.NewEmpty(t).Pool)
	mustExec(t, db, `CREATE TABLE prices (amount integer); INSERT INTO prices VALUES (5)`)
	const statement = `SELECT amount FROM prices`
	var amount string
	scan := func(row pgx.Row) error {
		var raw any
		err := row.Scan(&raw)
		amount = fmt.Sprint(raw)
		return err
	}
	alone := func(ctx context.Context) error { return postgres.InOneStatement(ctx, db, nil, scan, statement) }
	ways := map[string]func(ctx context.Context) error{
		"alone": alone,
		"in a batch": func(ctx context.Context) error {
			return postgres.InOneTrip(ctx, db, nil, func(b *pgx.Batch) { b.Queue(statement).QueryRow(scan) })
		},
		"joined": func(ctx context.Context) error {
			return postgres.InFewTrips(ctx, db, nil, func(*pgx.Batch) {}, func(tx pgx.Tx, _ *pgx.Batch) error { return alone(postgres.WithTx(ctx, tx)) })
		},
	}
	for how, ask := range ways {
		for _, change := range []string{`SELECT 1`, `ALTER TABLE prices ALTER amount TYPE text`, `DEALLOCATE ALL`, `ALTER TABLE prices ALTER amount TYPE integer USING amount::integer`} {
			if err := alone(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustExec(t, db, change)
			if err := ask(t.Context()); amount != "5" || err != nil {
				t.Errorf("%s, after %s the price is %q, %v", how, change, amount, err)
			}
		}
	}
}

// A statement that calls a function whose parameters have changed fails once at most, and not for as long as
// the session lives.
func TestStatementsOfChangedFunctionsArePreparedAnew(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.NewEmpty(t).Pool)
	mustExec(t, db, `CREATE FUNCTION price_of(text) RETURNS integer LANGUAGE sql AS 'SELECT 5'`)
	var price int
	ask := func() error {
		scan := func(row pgx.Row) error { return row.Scan(&price) }
		return postgres.InOneStatement(t.Context(), db, nil, scan, `SELECT price_of($1)`, "0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6")
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, `DROP FUNCTION price_of(text); CREATE FUNCTION price_of(uuid) RETURNS integer LANGUAGE sql AS 'SELECT 7'`)
	if err := ask(); err != nil && !postgres.NotMigrated(err) {
		t.Error(err)
	}
	if err := ask(); err != nil || price != 7 {
		t.Errorf("the price is %d, %v", price, err)
	}
}

// What asks travels with the BEGIN, what is written last with the COMMIT; a command that joins takes one
// trip more, and can be taken back by itself.
func TestFewTrips(t *testing.T) {
	t.Parallel()
	db, trips := testdb.CountTrips(t, testdb.NewEmpty(t).Pool)
	mustExec(t, db, `CREATE TABLE sales (number integer PRIMARY KEY)`)
	refused := errors.New("refused")
	sell := func(number int, refusal error) error {
		var sold bool
		ask := func(b *pgx.Batch) {
			b.Queue(`SELECT EXISTS (SELECT FROM sales WHERE number = $1)`, number).QueryRow(func(row pgx.Row) error { return row.Scan(&sold) })
		}
		return postgres.InFewTrips(t.Context(), db, nil, ask, func(tx pgx.Tx, last *pgx.Batch) error {
			if sold {
				return refused
			}
			ctx := postgres.WithTx(t.Context(), tx)
			err := postgres.InOneTrip(ctx, db, nil, func(b *pgx.Batch) {
				b.Queue(`INSERT INTO sales VALUES ($1)`, -number).Exec(func(pgconn.CommandTag) error { return refusal })
			})
			if !errors.Is(err, refusal) {
				t.Errorf("the joined command ended with %v, want %v", err, refusal)
			}
			last.Queue(`INSERT INTO sales VALUES ($1)`, number)
			return nil
		})
	}
	for number := 1; number <= 2; number++ {
		made := trips(func() {
			if err := sell(number, nil); err != nil {
				t.Fatal(err)
			}
		})
		if number == 2 && made != 3 {
			t.Errorf("it took %d trips, want 3", made)
		}
	}
	if err := sell(2, nil); !errors.Is(err, refused) {
		t.Errorf("a number is sold twice: %v", err)
	}
	if err := sell(3, refused); err != nil {
		t.Error(err)
	}
	var numbers []int
	if err := db.QueryRow(t.Context(), `SELECT array_agg(number ORDER BY number) FROM sales`).Scan(&numbers); err != nil {
		t.Fatal(err)
	}
	if want := []int{-2, -1, 1, 2, 3}; !slices.Equal(numbers, want) {
		t.Errorf("%v are sold, want %v: only what was refused is taken back", numbers, want)
	}
}

// A command that cannot even be prepared takes nothing back of the one that joined before it: they fail
// together, even when nobody minds its error.
func TestUnpreparedCommandTakesNothingBack(t *testing.T) {
	t.Parallel()
	db := testdb.NewEmpty(t).Pool
	mustExec(t, db, `CREATE TABLE sales (number integer PRIMARY KEY)`)
	err := postgres.InFewTrips(t.Context(), db, nil, func(*pgx.Batch) {}, func(tx pgx.Tx, _ *pgx.Batch) error {
		ctx := postgres.WithTx(t.Context(), tx)
		insert := func(table string) error {
			return postgres.InOneTrip(ctx, db, nil, func(b *pgx.Batch) { b.Queue(`INSERT INTO `+table+` VALUES ($1)`, 1) })
		}
		if err := insert("sales"); err != nil {
			return err
		}
		if err := insert("nowhere"); !postgres.NotMigrated(err) {
			t.Errorf("a sale nowhere ended with %v", err)
		}
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("a transaction that failed ended with %v", err)
	}
}

func mustExec(t *testing.T, db *pgxpool.Pool, statements string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

// A statement's own limit is what was asked for, and ends before the context does.
func TestPatiently(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	limit := func(left, asked time.Duration) (got time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		err := postgres.InTx(ctx, db, func(tx pgx.Tx) error {
			if err := postgres.Patiently(ctx, tx, asked); err != nil {
				return err
			}
			var milliseconds int
			err := tx.QueryRow(ctx, `SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'`).Scan(&milliseconds)
			got = time.Duration(milliseconds) * time.Millisecond
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := limit(time.Hour, 7*time.Second); got != 7*time.Second {
		t.Errorf("%s instead of 7 s", got)
	}
	if got := limit(time.Minute, time.Hour); got > 59*time.Second || got < 30*time.Second {
		t.Errorf("%s of a minute", got)
	}
	var after string
	if err := db.QueryRow(t.Context(), `SHOW statement_timeout`).Scan(&after); err != nil || after == "7s" {
		t.Errorf("%s after the transaction, %v", after, err)
	}
}
