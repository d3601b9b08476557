package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The bounds of the retry. A transaction that lost against another is rerun whole; a server that is
// starting up is waited for; everything stays inside the request's own deadline.
const (
	maxReruns        = 5
	minRerunPause    = 10 * time.Millisecond
	maxRerunPause    = 200 * time.Millisecond
	startUpPatience  = 3 * time.Second
	rollbackPatience = 2 * time.Second
)

// Lookup answers, on a fresh connection, whether a transaction whose commit was never answered took
// effect: by an idempotency key or by a row whose id was made before the transaction began.
type Lookup func(ctx context.Context, db *pgxpool.Pool) (done bool, err error)

// RerunIsSafe is the Lookup of a command that sets a state: running it again ends in the same state.
func RerunIsSafe(context.Context, *pgxpool.Pool) (done bool, err error) { return false, nil }

// InTx runs fn in one READ COMMITTED transaction and commits it when fn returns nil. When ctx
// already carries a transaction (see WithTx) fn joins it under a savepoint, which takes back what a
// refused fn did, and the outer caller commits.
//
// fn may run several times: a serialization failure or a deadlock reruns it, at most five times. It
// must not have effects outside the transaction. An unanswered commit is ErrUnknownOutcome.
func InTx(ctx context.Context, db *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	return InTxResolved(ctx, db, nil, fn)
}

// InTxResolved is InTx for a command that can tell what became of an unanswered commit: lookup is
// asked on a fresh connection; when the effect is there the command succeeded, else it runs again.
func InTxResolved(ctx context.Context, db *pgxpool.Pool, lookup Lookup, fn func(tx pgx.Tx) error) error {
	if outer, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return pgx.BeginFunc(ctx, outer, fn)
	}
	return retry(ctx, db, lookup, func() error { return once(ctx, db, fn) })
}

func once(ctx context.Context, db *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return commitFailure(err)
	}
	return nil
}

// Unhurried lifts the limit on a statement's time until the transaction ends. The role of the API has one that
// is made for requests; what an operator asks for reads through whole tables.
func Unhurried(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`)
	return err
}

// lastWord is what a statement's own limit leaves of the context's time: the server ends the statement, and the
// connection lives.
const lastWord = time.Second

// Patiently gives each statement this long until the transaction ends, instead of what the role gives those of
// requests; less where ctx ends sooner.
func Patiently(ctx context.Context, tx pgx.Tx, limit time.Duration) error {
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(end)-lastWord, lastWord))
	}
	_, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, strconv.FormatInt(limit.Milliseconds(), 10))
	return err
}

// rollback ends a transaction that is still open. It has a clock of its own: a request that was
// cancelled must still give its connection back clean instead of costing the pool a new one.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackPatience)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// commitFailure tells an answer of the server, which settles the transaction, from silence, which
// does not: a connection that broke or was shut down after the commit was sent.
func commitFailure(err error) error {
	switch code := state(err); {
	case code != "" && code[:2] != "57" && code[:2] != "08":
		return err
	case code == stateQueryCanceled:
		return err
	case errors.Is(err, pgx.ErrTxCommitRollback), pgconn.SafeToRetry(err):
		return err
	case code == "" && !unavailable(err):
		return err // a callback's own error
	}
	return errors.Join(ErrUnknownOutcome, err)
}

func retry(ctx context.Context, db *pgxpool.Pool, lookup Lookup, attempt func() error) error {
	started, unsettled := time.Now(), false
	for rerun := 0; ; rerun++ {
		err := attempt()
		if err == nil {
			return nil
		}
		switch {
		case errors.Is(err, ErrUnknownOutcome):
			unsettled = true
			done, lookupErr := resolve(ctx, db, lookup)
			if lookupErr != nil {
				return errors.Join(err, lookupErr)
			}
			if done {
				return nil
			}
		case !worthRerun(err, rerun, time.Since(started)):
			// The first run may have committed after it was looked up, and be what this one ran into.
			if unsettled && !unavailable(err) {
				if done, lookupErr := resolve(ctx, db, lookup); done && lookupErr == nil {
					return nil
				}
			}
			return Translate(err)
		}
		if state(err) == stateReadOnlyTransaction {
			db.Reset() // a failover left the pool on a server that only reads
		}
		if rerun >= maxReruns && state(err) != stateCannotConnectNow || !pause(ctx) {
			return errors.Join(ErrUnavailable, err)
		}
	}
}

func resolve(ctx context.Context, db *pgxpool.Pool, lookup Lookup) (done bool, err error) {
	if lookup == nil {
		return false, errors.New("this command cannot look its effect up")
	}
	for {
		done, err = lookup(ctx, db)
		if err == nil || !unavailable(err) || !pause(ctx) {
			return done, err
		}
	}
}

func worthRerun(err error, rerun int, elapsed time.Duration) bool {
	switch state(err) {
	case stateSerializationFailure, stateDeadlockDetected:
		return rerun < maxReruns
	case stateInvalidStatementName, stateFeatureNotSupported: // each run finds one more statement to prepare anew
		return rerun < maxReruns
	case stateReadOnlyTransaction:
		return rerun == 0
	case stateCannotConnectNow:
		return elapsed < startUpPatience
	}
	return false
}

// pause waits with full jitter; false means the request's time is up.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(minRerunPause + rand.N(maxRerunPause-minRerunPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type txKey struct{}

// WithTx returns a context in which InTx, InOneTrip and their like join tx instead of opening a
// transaction, so that an idempotency key is stored by the very transaction of the command it stands for.
func WithTx(ctx context.Context, tx pgx.Tx) context.Context {
	return context.WithValue(ctx, txKey{}, tx)
}

// Querier reads: a pool, or the transaction that a context carries.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Reader returns the transaction that ctx carries (see WithTx), so that a command's answer can be
// read before it commits, and the pool otherwise.
func Reader(ctx context.Context, db *pgxpool.Pool) Querier {
	if tx, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return tx
	}
	return db
}
