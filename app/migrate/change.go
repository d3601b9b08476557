package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// verifySavepoint is what the verify script's traces are rolled back to.
const verifySavepoint = "migrate_verify"

// resetInside takes back the settings and roles of a script while its transaction is open.
const resetInside = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL"

// deadlockRuns is how often a change is run that loses against the product's own transactions: its
// script locks tables in one order, and those who buy meanwhile in another.
const deadlockRuns = 5

// deployChange deploys one change. When it fails, nothing of it remains but the event "fail".
func (d *deployment) deployChange(ctx context.Context, c *Change) error {
	err := d.attempt(ctx, c)
	for run := 1; run < deadlockRuns && d.lostDeadlock(c, err); run++ {
		if _, rollback := d.work.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); rollback != nil {
			break
		}
		if discard(ctx, d.work) != nil {
			break
		}
		err = d.attempt(ctx, c)
	}
	if err == nil {
		return d.clean(ctx)
	}
	err = explainLost(d.destination, d.work, d.deploy[c], err)
	d.recordFailure(ctx, c)
	return err
}

// lostDeadlock says whether the server ended the change's transaction to end a deadlock. What runs
// outside a transaction is not run again.
func (d *deployment) lostDeadlock(c *Change, err error) bool {
	const deadlockDetected = "40P01"
	s := d.deploy[c]
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == deadlockDetected && (s == nil || !s.noTransaction)
}

func (d *deployment) attempt(ctx context.Context, c *Change) error {
	s := d.deploy[c]
	if s != nil && s.noTransaction {
		if err := runOutside(ctx, d.work, s); err != nil {
			return err
		}
		if err := discard(ctx, d.work); err != nil {
			return err
		}
	}
	if err := d.m.beginChange(ctx, d.work, d.expectedHead(c)); err != nil {
		return err
	}
	if s != nil && !s.noTransaction {
		if err := runInside(ctx, d.work, s); err != nil {
			return err
		}
		if _, err := d.work.PgConn().Exec(ctx, resetInside).ReadAll(); err != nil {
			return err
		}
	}
	if err := d.verifyChange(ctx, c); err != nil {
		return errors.Join(err, d.takeBack(ctx, c))
	}
	if err := d.m.recordDeploy(ctx, d.work, c, d.resolve); err != nil {
		return err
	}
	return d.m.commit(ctx, d.work, c.ID, true)
}

// expectedHead is the id of the change that must be the last deployed one before c.
func (d *deployment) expectedHead(c *Change) string {
	if c.index == 0 {
		return ""
	}
	return d.m.project.plan.changes[c.index-1].ID
}

// beginChange opens the transaction of a change, locks the registry and makes sure that nobody has
// moved the project since we looked.
func (m *Migrator) beginChange(ctx context.Context, conn *pgx.Conn, head string) error {
	_, err := conn.PgConn().Exec(ctx, m.reg.sql("BEGIN; LOCK TABLE @.changes IN EXCLUSIVE MODE")).ReadAll()
	if err != nil {
		return fmt.Errorf("the registry cannot be locked: %w", err)
	}
	var found string
	err = conn.QueryRow(ctx, m.reg.sql(`SELECT change_id FROM @.changes WHERE project = $1 ORDER BY committed_at DESC LIMIT 1`), m.reg.project).Scan(&found)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if found != head {
		return fmt.Errorf("another deployer moved the database to %q meanwhile (expected %q); run the command again", found, head)
	}
	return nil
}

// verifyChange runs the verify script and rolls back what it did. Without a script it warns.
func (d *deployment) verifyChange(ctx context.Context, c *Change) error {
	if d.opts.NoVerify {
		return nil
	}
	s := d.verify[c]
	if s == nil {
		d.m.printf("Verify script %s does not exist\n", d.m.project.scriptPath(c, "verify"))
		return nil
	}
	pg := d.work.PgConn()
	if _, err := pg.Exec(ctx, "SAVEPOINT "+verifySavepoint).ReadAll(); err != nil {
		return err
	}
	if err := runInside(ctx, d.work, s); err != nil {
		return fmt.Errorf("verify script %s failed: %w", s.file, err)
	}
	_, err := pg.Exec(ctx, "ROLLBACK TO SAVEPOINT "+verifySavepoint+"; RELEASE SAVEPOINT "+verifySavepoint+"; "+resetInside).ReadAll()
	return err
}

// takeBack runs the revert script of a change whose deploy script ran outside a transaction and
// whose verify failed. Everything else is taken back by the server.
func (d *deployment) takeBack(ctx context.Context, c *Change) error {
	s := d.deploy[c]
	if s == nil || !s.noTransaction {
		return nil
	}
	if _, err := d.work.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
		return err
	}
	if err := discard(ctx, d.work); err != nil {
		return err
	}
	revert, err := d.m.project.script(c, "revert")
	if err == nil {
		err = runOutside(ctx, d.work, revert)
	}
	if err != nil {
		return fmt.Errorf("and its revert failed, so that the change must be taken back by hand: %w", err)
	}
	return nil
}

func (d *deployment) reconnect(ctx context.Context) (err error) {
	closeConn(ctx, d.work)
	work, err := d.m.dial(ctx)
	if err == nil {
		d.work = work
	}
	return err
}

// recordFailure rolls back and writes the event "fail". The failure itself is what is reported:
// when the server is gone, so is the event.
func (d *deployment) recordFailure(ctx context.Context, c *Change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	conn := d.work
	if !conn.IsClosed() {
		_, err := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
		if err == nil {
			err = discard(ctx, conn)
		}
		if err != nil {
			closeConn(ctx, conn)
		}
	}
	if conn.IsClosed() {
		if d.reconnect(ctx) != nil {
			return
		}
	}
	if err := d.m.recordEvent(ctx, d.work, "fail", c); err != nil {
		d.m.printf("(the failure could not be recorded: %v) ", err)
	}
}

// clean prepares the connection for the next script.
func (d *deployment) clean(ctx context.Context) error {
	if d.work.IsClosed() {
		return d.reconnect(ctx)
	}
	return discard(ctx, d.work)
}

// discard makes a connection as good as new: no setting, role, temporary table, cursor, prepared
// statement or lock of a script outlives it.
func discard(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.PgConn().Exec(ctx, "DISCARD ALL").ReadAll()
	return err
}

// commit ends the transaction of a change. When the connection is lost on the way, it asks on a new
// one whether the change is recorded (as deployed says it should be), which tells whether the server
// committed.
func (m *Migrator) commit(ctx context.Context, conn *pgx.Conn, id string, deployed bool) error {
	_, err := conn.PgConn().Exec(ctx, "COMMIT").ReadAll()
	if err == nil || !conn.IsClosed() {
		return err
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	var found bool
	fresh, askErr := m.dial(ask)
	if askErr == nil {
		defer closeConn(ask, fresh)
		askErr = fresh.QueryRow(ask, m.reg.sql(`SELECT EXISTS (SELECT FROM @.changes WHERE change_id = $1)`), id).Scan(&found)
	}
	switch {
	case askErr != nil:
		return fmt.Errorf("the connection was lost at COMMIT, so that it is unknown whether the change is done; look with \"status\": %w", err)
	case found == deployed:
		return nil
	}
	return err
}
