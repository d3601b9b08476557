package command

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Draw picks the winner of a raffle of the caller's, uniformly over its sold numbers and from a
// cryptographic source. An open raffle is closed and its holds are dropped first. Repeating it
// changes nothing. Refused: nothing sold, and before draw_at (member "available_at").
func (c *Raffles) Draw(ctx context.Context, raffleID, caller uuid.UUID) error {
	return postgres.InTxResolved(ctx, c.DB, rerunIsSafe, func(tx pgx.Tx) error {
		current, err := lockOwned(ctx, tx, raffleID, caller)
		if err != nil {
			return err
		}
		if current.Status == raffle.Drawn {
			return nil
		}
		if err := drawable(current); err != nil {
			return err
		}
		ticketID, number, err := pickSold(ctx, tx, raffleID)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(`
			UPDATE raffles SET status = 'drawn', winner_ticket_id = $2, winning_number = $3, updated_at = now()
			WHERE id = $1`, raffleID, ticketID, number)
		batch.Queue(`DELETE FROM tickets WHERE raffle_id = $1 AND status = 'reserved'`, raffleID)
		projection.HoldsDropped(batch, raffleID)
		projection.RaffleChanged(batch, raffleID)
		return tx.SendBatch(ctx, batch).Close()
	})
}

func drawable(r owned) error {
	if r.Status != raffle.Open && r.Status != raffle.Closed {
		return transition(r.Status, "only an open or a closed raffle can be drawn")
	}
	if r.DrawAt != nil && r.Now.Before(*r.DrawAt) {
		return raffle.Refuse(raffle.CodeDrawNotDue, "The draw is not due yet.").With("available_at", r.DrawAt.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// pickSold needs the raffle locked alone: no number may be sold between the count and the choice.
func pickSold(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) (ticketID uuid.UUID, number int32, err error) {
	var sold int64
	err = tx.QueryRow(ctx, `SELECT count(*) FROM tickets WHERE raffle_id = $1 AND status = 'sold'`, raffleID).Scan(&sold)
	if err != nil {
		return uuid.Nil, 0, err
	}
	if sold == 0 {
		return uuid.Nil, 0, raffle.Refuse(raffle.CodeNothingSold, "No number of this raffle was sold; there is nobody to win.")
	}
	index, err := rand.Int(rand.Reader, big.NewInt(sold))
	if err != nil {
		return uuid.Nil, 0, fmt.Errorf("random source: %w", err)
	}
	err = tx.QueryRow(ctx, `
		SELECT id, number FROM tickets WHERE raffle_id = $1 AND status = 'sold'
		ORDER BY number OFFSET $2 LIMIT 1`, raffleID, index.Int64()).Scan(&ticketID, &number)
	return ticketID, number, err
}
