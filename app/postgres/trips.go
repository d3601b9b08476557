package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Between the API and the database lies a network: what a command costs is mostly how often it crosses it.
// These are transactions that cross it as little as they can.

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
	if err := finish(ctx, conn.Conn(), first, results); err != nil {
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
	if err := finish(ctx, conn.Conn(), last, conn.SendBatch(ctx, last)); err != nil {
		return commitFailure(err)
	}
	return nil
}

// outsideTx is the protocol's word for a session without a transaction.
const outsideTx = 'I'

func joinedTrips(ctx context.Context, tx pgx.Tx, ask func(b *pgx.Batch), work func(tx pgx.Tx, last *pgx.Batch) error) error {
	first, last := &pgx.Batch{}, &pgx.Batch{}
	ask(first)
	if err := finish(ctx, tx.Conn(), first, tx.SendBatch(ctx, first)); err != nil {
		return err
	}
	if err := work(tx, last); err != nil {
		return err
	}
	return finish(ctx, tx.Conn(), last, tx.SendBatch(ctx, last))
}

// InOneTrip sends the statements that fill queues as one transaction in a single network round trip:
// the driver pipelines them before one Sync, so they commit together or not at all. Results are
// read by the callbacks of the queued queries, which may run several times as fn of InTx may, and only
// read: outside another transaction all is committed when they run.
// When ctx already carries a transaction the statements join it.
func InOneTrip(ctx context.Context, db *pgxpool.Pool, lookup Lookup, fill func(b *pgx.Batch)) error {
	return oneTrip(ctx, db, lookup, nil, fill, func(conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		fill(batch)
		return finish(ctx, conn, batch, conn.SendBatch(ctx, batch))
	})
}

// InOneStatement is InOneTrip for a single statement that answers one row, which scan reads, perhaps
// several times. It costs the driver less than a batch of one. A statement that raises an error stays
// prepared: the driver's own cache would forget it and have it parsed anew, and everybody whose number
// was taken would cost the next one two round trips more.
func InOneStatement(ctx context.Context, db *pgxpool.Pool, lookup Lookup, scan func(row pgx.Row) error, statement string, args ...any) error {
	fill := func(b *pgx.Batch) { b.Queue(statement, args...).QueryRow(scan) }
	return oneTrip(ctx, db, lookup, []string{statement}, fill, func(conn *pgx.Conn) error {
		if err := prepare(ctx, conn, statement); err != nil {
			return err
		}
		err := scan(conn.QueryRow(ctx, statement, args...))
		forget(ctx, conn, err, statement)
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

// finish reads the answers of a batch, and has its statements prepared anew the next time when they turn
// out to be outdated.
func finish(ctx context.Context, conn *pgx.Conn, batch *pgx.Batch, results pgx.BatchResults) error {
	err := results.Close()
	for _, q := range batch.QueuedQueries {
		forget(ctx, conn, err, q.SQL)
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
func oneTrip(ctx context.Context, db *pgxpool.Pool, lookup Lookup, kept []string, fill func(b *pgx.Batch), send func(conn *pgx.Conn) error) error {
	if outer, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return joined(ctx, outer, kept, fill)
	}
	return retry(ctx, db, lookup, func() error {
		conn, err := db.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		if err := send(conn.Conn()); err != nil {
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
	err := finish(ctx, outer.Conn(), batch, outer.SendBatch(ctx, batch))
	if err == nil || !saved { // without it nothing was done, and another command's may have the name
		return err
	}
	if _, undone := outer.Exec(ctx, `ROLLBACK TO `+savepoint); undone != nil {
		return errors.Join(err, undone)
	}
	return err
}
