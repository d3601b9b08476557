package command

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
)

// CloseDue writes down that raffles whose draw_at has passed are closed, and answers how many. Reads
// and sales already treat them as closed from that moment on.
func (c *Raffles) CloseDue(ctx context.Context) (closed int, err error) {
	rows, err := c.DB.Query(ctx, `SELECT id FROM raffles WHERE status = 'open' AND draw_at <= now() ORDER BY draw_at LIMIT 1000`)
	if err != nil {
		return 0, postgres.Translate(err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, postgres.Translate(err)
	}
	for _, id := range due {
		done, err := c.closeDue(ctx, id)
		if err != nil {
			return closed, err
		}
		if done {
			closed++
		}
	}
	return closed, nil
}

func (c *Raffles) closeDue(ctx context.Context, raffleID uuid.UUID) (done bool, err error) {
	err = postgres.InTxResolved(ctx, c.DB, rerunIsSafe, func(tx pgx.Tx) error {
		if err := lockRaffle(ctx, tx, raffleID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			UPDATE raffles SET status = 'closed', updated_at = now()
			WHERE id = $1 AND status = 'open' AND draw_at <= clock_timestamp()`, raffleID)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		done = true
		batch := &pgx.Batch{}
		projection.RaffleChanged(batch, raffleID)
		return tx.SendBatch(ctx, batch).Close()
	})
	return done, err
}
