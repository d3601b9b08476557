package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
)

const (
	// dueBatch is how many raffles the minute's work looks up at a time.
	dueBatch = 200
	// minuteSpare is what the minute's work leaves of its time: enough for one more raffle, and for the
	// rest of its tasks.
	minuteSpare = 5 * time.Second
)

// dueRaffle is a raffle whose time has come, and since when.
type dueRaffle struct {
	ID uuid.UUID
	At time.Time
}

// inTurn does something to each raffle whose time has come, those first that have waited longest, until
// all are done or the time of the minute's work is nearly over. It answers for how many do said so. find
// is SQL for their ids and the times at which they were due, with args. A fault with one raffle keeps it
// from no other.
func (c *Raffles) inTurn(ctx context.Context, find string, do func(ctx context.Context, id uuid.UUID) (bool, error), args ...any) (done int, err error) {
	var (
		faults []error
		after  = dueRaffle{At: time.Unix(0, 0)}
	)
	find = nextDue(find, len(args))
	for {
		rows, err := c.DB.Query(ctx, find, append(args[:len(args):len(args)], after.At, after.ID)...)
		if err != nil {
			return done, errors.Join(append(faults, postgres.Translate(err))...)
		}
		batch, err := pgx.CollectRows(rows, pgx.RowToStructByPos[dueRaffle])
		if err != nil {
			return done, errors.Join(append(faults, postgres.Translate(err))...)
		}
		for _, r := range batch {
			if !timeLeft(ctx) {
				return done, errors.Join(faults...)
			}
			ok, err := do(ctx, r.ID)
			if err != nil {
				faults = append(faults, fmt.Errorf("raffle %s: %w", r.ID, err))
			}
			if ok {
				done++
			}
			after = r
		}
		if len(batch) < dueBatch {
			return done, errors.Join(faults...)
		}
	}
}

// nextDue is the statement for the next batch of what find finds, which has so many parameters: two more say where
// the last batch ended.
func nextDue(find string, args int) string {
	return fmt.Sprintf(`SELECT id, at FROM (%s) AS due WHERE (at, id) > ($%d::timestamptz, $%d::uuid) ORDER BY at, id LIMIT %d`,
		find, args+1, args+2, dueBatch)
}

// timeLeft says whether the minute's work may begin something more.
func timeLeft(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() == nil && (!limited || time.Until(deadline) > minuteSpare)
}

// removeBatch is how many rows one transaction of removeAll removes: the most that are locked, or lost, at once.
const removeBatch = 5000

// removeAll does what remove does, which removes at most removeBatch rows, until fewer are left or the time of
// the minute's work is nearly over. It answers how many went.
func removeAll(ctx context.Context, remove func() (int, error)) (removed int, err error) {
	for timeLeft(ctx) {
		n, err := remove()
		removed += n
		if err != nil || n < removeBatch {
			return removed, postgres.Translate(err)
		}
	}
	return removed, nil
}
