package command

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
)

// sweepBatch bounds one transaction of Sweep, so that buyers never wait long for it.
const sweepBatch = 500

// Sweep puts numbers whose hold is over back on the board and answers how many. Nothing depends on
// it being prompt: an expired hold counts as available at once and can be taken over.
func (c *Raffles) Sweep(ctx context.Context) (freed int, err error) {
	for {
		raffleID, numbers, err := c.expired(ctx)
		if err != nil || len(numbers) == 0 {
			return freed, postgres.Translate(err)
		}
		swept, err := c.sweep(ctx, raffleID, numbers)
		if err != nil {
			return freed, err
		}
		freed += swept
		if swept == 0 { // others hold the rows right now: the next minute is soon enough
			return freed, nil
		}
	}
}

// expired finds one raffle with holds whose time is up, through the read model's index of them.
func (c *Raffles) expired(ctx context.Context) (raffleID uuid.UUID, numbers []int32, err error) {
	err = c.DB.QueryRow(ctx, `
		SELECT raffle_id, array_agg(number)
		FROM (SELECT raffle_id, number FROM raffle_numbers_read
			WHERE reserved_until <= now() ORDER BY raffle_id, reserved_until LIMIT $1) AS over
		GROUP BY raffle_id LIMIT 1`, sweepBatch).Scan(&raffleID, &numbers)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil, nil
	}
	return raffleID, numbers, err
}

func (c *Raffles) sweep(ctx context.Context, raffleID uuid.UUID, numbers []int32) (freed int, err error) {
	err = postgres.InTxResolved(ctx, c.DB, rerunIsSafe, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT lock_raffle($1, false)`, raffleID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			DELETE FROM tickets
			WHERE raffle_id = $1 AND number IN (
				SELECT number FROM tickets
				WHERE raffle_id = $1 AND number = ANY ($2) AND purchase_id IS NULL AND reserved_until <= now()
				ORDER BY number FOR UPDATE SKIP LOCKED)
			RETURNING number`, raffleID, numbers)
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, pgx.RowTo[int32])
		if err != nil {
			return err
		}
		freed = len(gone)
		batch := &pgx.Batch{}
		rememberHold(batch, raffleID)
		batch.Queue(`SELECT `+projection.NumbersFreed("$1", "$2", "$3"), raffleID, gone, projection.Slot())
		return tx.SendBatch(ctx, batch).Close()
	})
	return freed, err
}
