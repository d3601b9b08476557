package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
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

// InTx runs fn in one READ COMMITTED transaction and commits it when fn returns nil. When ctx
// already carries a transaction (see WithTx) fn joins it under a savepoint, which takes back what a
// refused fn did, and the outer caller commits.
//
// fn may run several times: a serialization failure or a deadlock reruns it, at most five times. It
// must not have effects outside the transaction. An unanswered commit is ErrUnknownOutcome.
func InTx(ctx context.Context, db *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	if outer, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return pgx.BeginFunc(ctx, outer, fn)
	}
	return retry(ctx, db, nil, func() error { return once(ctx, db, fn) })
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

// rollback ends a transaction that is still open. It has a clock of its own: a request that was
// cancelled must still give its connection back clean instead of costing the pool a new one.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackPatience)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// InFewTrips is InTxResolved for a transaction whose statements wait for each other as little as the
// network allows: what ask queues travels with the BEGIN, what work queues last with the COMMIT. work
// runs when ask was answered; whatever it does with tx itself costs trips of its own, and tx ends with it.
// Callbacks of what is queued last only read: the commit is under way when they run.
func InFewTrips(ctx context.Context, db *pgxpool.Pool, lookup Lookup, ask func(b *pgx.Batch), work func(tx pgx.Tx, last *pgx.Batch) error) error {
	if outer, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return pgx.BeginFunc(ctx, outer, func(tx pgx.Tx) error { return joinedTrips(ctx, tx, ask, work) })
	}
	return retry(ctx, db, lookup, func() error { return fewTrips(ctx, db, ask, work) })
}

func fewTrips(ctx context.Context, db *pgxpool.Pool, ask func(b *pgx.Batch), work func(tx pgx.Tx, last *pgx.Batch) error) error {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	first, last := &pgx.Batch{}, &pgx.Batch{}
	first.BeginTx(pgx.TxOptions{})
	ask(first)
	results := conn.SendBatch(ctx, first)
	tx := results.Tx()
	defer func() {
		if conn.Conn().PgConn().TxStatus() != outsideTx {
			rollback(ctx, tx)
		}
	}()
	if err := results.Close(); err != nil {
		return err
	}
	if err := work(tx, last); err != nil {
		return err
	}
	last.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() == "ROLLBACK" { // which is how the server ends a transaction that failed before
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	if err := conn.SendBatch(ctx, last).Close(); err != nil {
		return commitFailure(err)
	}
	return nil
}

// outsideTx is the protocol's word for a session without a transaction.
const outsideTx = 'I'

func joinedTrips(ctx context.Context, tx pgx.Tx, ask func(b *pgx.Batch), work func(tx pgx.Tx, last *pgx.Batch) error) error {
	first, last := &pgx.Batch{}, &pgx.Batch{}
	ask(first)
	if err := tx.SendBatch(ctx, first).Close(); err != nil {
		return err
	}
	if err := work(tx, last); err != nil {
		return err
	}
	return tx.SendBatch(ctx, last).Close()
}

// InOneTrip sends the statements that fill queues as one transaction in a single network round trip:
// the driver pipelines them before one Sync, so they commit together or not at all. Results are
// read by the callbacks of the queued queries, which may run several times as fn of InTx may, and only
// read: outside another transaction all is committed when they run.
// When ctx already carries a transaction the statements join it.
func InOneTrip(ctx context.Context, db *pgxpool.Pool, lookup Lookup, fill func(b *pgx.Batch)) error {
	return oneTrip(ctx, db, lookup, nil, fill, func(conn *pgxpool.Conn) error {
		batch := &pgx.Batch{}
		fill(batch)
		return exchange(ctx, conn, batch)
	})
}

// InOneStatement is InOneTrip for a single statement that answers one row, which scan reads, perhaps
// several times. It costs the driver less than a batch of one. A statement that raises an error stays
// prepared: the driver's own cache would forget it and have it parsed anew, and everybody whose number
// was taken would cost the next one two round trips more.
func InOneStatement(ctx context.Context, db *pgxpool.Pool, lookup Lookup, scan func(row pgx.Row) error, statement string, args ...any) error {
	fill := func(b *pgx.Batch) { b.Queue(statement, args...).QueryRow(scan) }
	return oneTrip(ctx, db, lookup, []string{statement}, fill, func(conn *pgxpool.Conn) error {
		if err := prepare(ctx, conn.Conn(), statement); err != nil {
			return err
		}
		err := scan(conn.QueryRow(ctx, statement, args...))
		forget(ctx, conn.Conn(), err, statement)
		return err
	})
}

// prepare costs a trip the first time; from then on the session knows the statements, whatever they raise.
func prepare(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.Prepare(ctx, statement, statement); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends the batch and has its results read.
func exchange(ctx context.Context, on interface {
	Conn() *pgx.Conn
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}, batch *pgx.Batch) error {
	err := on.SendBatch(ctx, batch).Close()
	for _, q := range batch.QueuedQueries {
		forget(ctx, on.Conn(), err, q.SQL)
	}
	return err
}

// forget has the statement prepared anew the next time when err says that it is outdated.
func forget(ctx context.Context, conn *pgx.Conn, err error, statement string) {
	if outdated(err) {
		_ = conn.Deallocate(ctx, statement)
	}
}

// outdated says whether a prepared statement is not what the server would prepare now: a migration changed
// its answer or what it refers to, or the session does not know it.
func outdated(err error) bool {
	switch code := state(err); code {
	case stateFeatureNotSupported, stateInvalidStatementName:
		return true
	default:
		return strings.HasPrefix(code, classSyntaxOrAccess)
	}
}

// oneTrip runs what send sends as a transaction of its own, which the server commits at its end, or, in
// the transaction that ctx carries, the same statements as fill queues them; kept stay prepared.
func oneTrip(ctx context.Context, db *pgxpool.Pool, lookup Lookup, kept []string, fill func(b *pgx.Batch), send func(conn *pgxpool.Conn) error) error {
	if outer, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return joined(ctx, outer, kept, fill)
	}
	return retry(ctx, db, lookup, func() error {
		conn, err := db.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		if err := send(conn); err != nil {
			return commitFailure(err)
		}
		return nil
	})
}

// savepoint is where a joined command can be taken back to. It is never released: a callback may still
// refuse, and the commit ends it.
const savepoint = `SAVEPOINT joined`

// joined sends what fill queues in one trip as a part of outer that can be taken back: what a refused
// command did must not be committed, its answer must.
func joined(ctx context.Context, outer pgx.Tx, kept []string, fill func(b *pgx.Batch)) error {
	if err := prepare(ctx, outer.Conn(), append([]string{savepoint}, kept...)...); err != nil {
		return err
	}
	batch, saved := &pgx.Batch{}, false
	batch.Queue(savepoint).Exec(func(pgconn.CommandTag) error { saved = true; return nil })
	fill(batch)
	err := exchange(ctx, outer, batch)
	if err == nil || !saved { // without it nothing was done, and another command's may have the name
		return err
	}
	if _, undone := outer.Exec(ctx, `ROLLBACK TO `+savepoint); undone != nil {
		return errors.Join(err, undone)
	}
	return err
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
	case stateSerializationFailure, stateDeadlockDetected, stateInvalidStatementName: // each run finds one more that was forgotten
		return rerun < maxReruns
	case stateFeatureNotSupported, stateReadOnlyTransaction:
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
