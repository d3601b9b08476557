package command

import (
	"context"

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
	_, err = c.inTurn(ctx, `
		SELECT raffle_id AS id, min(reserved_until) AS at
		FROM raffle_numbers_read WHERE reserved_until <= now() GROUP BY raffle_id`,
		func(ctx context.Context, raffleID uuid.UUID) (bool, error) {
			swept, err := c.sweepRaffle(ctx, raffleID)
			freed += swept
			return swept > 0, err
		})
	return freed, err
}

func (c *Raffles) sweepRaffle(ctx context.Context, raffleID uuid.UUID) (freed int, err error) {
	for timeLeft(ctx) {
		numbers, err := c.expired(ctx, raffleID)
		if err != nil || len(numbers) == 0 {
			return freed, postgres.Translate(err)
		}
		swept, err := c.sweep(ctx, raffleID, numbers)
		freed += swept
		if err != nil || swept == 0 { // others hold the rows right now: the next minute is soon enough
			return freed, err
		}
	}
	return freed, nil
}

// expired finds holds of a raffle whose time is up, through the read model's index of them.
func (c *Raffles) expired(ctx context.Context, raffleID uuid.UUID) ([]int32, error) {
	rows, err := c.DB.Query(ctx, `
		SELECT number FROM raffle_numbers_read WHERE raffle_id = $1 AND reserved_until <= now() ORDER BY reserved_until LIMIT $2`, raffleID, sweepBatch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

func (c *Raffles) sweep(ctx context.Context, raffleID uuid.UUID, numbers []int32) (freed int, err error) {
	err = postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
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
