package command

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/projection"
)

// While a new version takes over, one that knows no draws may still make raffles and sell numbers. What
// it left out is written here, as the migration draw wrote it for all that was there before.

// loadAdopted is loadRecord for a raffle that may have no rules yet: it gets those of a raffle without
// a draw block. The caller's transaction holds the raffle's lock alone.
func loadAdopted(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) (record, error) {
	r, err := loadRecord(ctx, tx, raffleID)
	if !errors.Is(err, errNoRules) {
		return r, err
	}
	input := draw.RulesInput{Method: draw.MethodCommitReveal}
	err = tx.QueryRow(ctx, `SELECT number_start, total_tickets, number_padding FROM raffles WHERE id = $1`, raffleID).
		Scan(&input.NumberStart, &input.Total, &input.Padding)
	if err != nil {
		return record{}, err
	}
	written, err := publish(raffleID, input, false)
	if err != nil {
		return record{}, err
	}
	batch := &pgx.Batch{}
	written.queue(batch, raffleID)
	projection.RulesPublished(batch, raffleID)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return record{}, err
	}
	return loadRecord(ctx, tx, raffleID)
}

// adoptBuyers gives an owner to the buyers who have none, in the caller's transaction, which holds the
// raffle's lock alone. From then on the receipts of their purchases can be asked for.
func adoptBuyers(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		WITH buyers AS (
			SELECT DISTINCT p.participant_id
			FROM tickets t JOIN purchases p ON p.id = t.purchase_id
			WHERE t.raffle_id = $1),
		salted AS MATERIALIZED (SELECT participant_id, uuid_send(gen_random_uuid()) AS salt FROM buyers)
		INSERT INTO draw_owners (raffle_id, participant_id, owner, salt)
		SELECT $1, participant_id, draw_owner($1, participant_id, salt), salt FROM salted
		ON CONFLICT (raffle_id, participant_id) DO NOTHING`, raffleID)
	return err
}
