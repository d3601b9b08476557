package command

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// anySold counts, where EXISTS would do: for a large raffle that made the planner expect to meet a sold number of
// it soon in the whole table, which it then read to the end when there was none.
const anySold = `SELECT count(*) > 0 FROM tickets WHERE raffle_id = $1 AND purchase_id IS NOT NULL`

// Delete removes a raffle of the caller's, with its holds. Reservations that ended before stay, of no raffle.
// Once a number was sold it is refused with CodeHasSales: history stays.
func (c *Raffles) Delete(ctx context.Context, raffleID, caller uuid.UUID) error {
	gone := func(ctx context.Context, db *pgxpool.Pool) (bool, error) {
		exists, err := raffleExists(raffleID)(ctx, db)
		return !exists, err
	}
	return postgres.InTxResolved(ctx, c.DB, gone, func(tx pgx.Tx) error {
		if _, err := lockOwned(ctx, tx, raffleID, caller); err != nil {
			return err
		}
		var sold bool
		err := tx.QueryRow(ctx, anySold, raffleID).Scan(&sold)
		if err != nil {
			return err
		}
		if sold {
			return raffle.Refuse(raffle.CodeHasSales, "Numbers of this raffle were sold; cancel it instead, its history stays.")
		}
		batch := &pgx.Batch{}
		batch.Queue(`
			WITH holds AS (DELETE FROM tickets WHERE raffle_id = $1 RETURNING reservation_id)
			DELETE FROM reservations WHERE id IN (SELECT reservation_id FROM holds)`, raffleID)
		batch.Queue(`DELETE FROM draw_rules WHERE raffle_id = $1`, raffleID)
		batch.Queue(`DELETE FROM raffles WHERE id = $1`, raffleID)
		projection.RaffleDeleted(batch, raffleID)
		return tx.SendBatch(ctx, batch).Close()
	})
}
