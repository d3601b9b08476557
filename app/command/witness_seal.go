package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// maxReplacements is how often one call replaces a seal whose commit was late again: each has half a
// minute for it.
const maxReplacements = 3

// WitnessDue witnesses the seals that nobody saw committed yet, as after a crash in that moment, the
// most urgent first, and answers how many.
func (c *Raffles) WitnessDue(ctx context.Context) (witnessed int, err error) {
	return c.inTurn(ctx, `
		SELECT s.raffle_id AS id, s.commit_by AS at
		FROM draw_seals s JOIN raffles r ON r.id = s.raffle_id AND r.status = 'closed'
		WHERE s.commit_by IS NOT NULL AND s.witnessed_at IS NULL AND s.void_at IS NULL`,
		func(ctx context.Context, id uuid.UUID) (bool, error) {
			err := c.witness(ctx, id)
			return err == nil, err
		})
}

// witness notes that the seal of a raffle was committed in time. It must come after that commit, in a
// transaction of its own: what it sees is committed, and its clock says when. A seal that is seen too
// late is void and replaced, and so is the one in its place until one is in time.
func (c *Raffles) witness(ctx context.Context, raffleID uuid.UUID) error {
	for range maxReplacements {
		replaced := false
		err := postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) (err error) {
			if err := lockRaffle(ctx, tx, raffleID); err != nil {
				return err
			}
			replaced, err = settleSeal(ctx, tx, raffleID)
			return err
		})
		if err != nil || !replaced {
			return err
		}
	}
	return fmt.Errorf("%d seals in a row were committed too late for their rounds", maxReplacements)
}

// settleSeal witnesses the seal of a raffle that the caller's transaction has locked alone, or, when it
// is too late for that, makes it void and another of the same list; both stay on record. The new one
// must be witnessed by a later transaction. The seal must not be of the caller's own transaction.
func settleSeal(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) (replaced bool, err error) {
	const unwitnessed = ` WHERE raffle_id = $1 AND commit_by IS NOT NULL AND witnessed_at IS NULL AND void_at IS NULL
		AND EXISTS (SELECT FROM raffles WHERE id = $1 AND status = 'closed')`
	tag, err := tx.Exec(ctx, `
		UPDATE draw_seals SET witnessed_at = clock_timestamp()`+unwitnessed+` AND commit_by >= clock_timestamp()`, raffleID)
	if err != nil || tag.RowsAffected() > 0 {
		return false, err
	}
	r, err := loadRecord(ctx, tx, raffleID)
	if err != nil {
		return false, err
	}
	tag, err = tx.Exec(ctx, `UPDATE draw_seals SET void_at = clock_timestamp()`+unwitnessed, raffleID)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if err := r.loadEntries(ctx, tx, raffleID); err != nil {
		return false, err
	}
	list, err := draw.NewList(r.Entries)
	if err != nil {
		return false, err
	}
	return storeSeal(ctx, tx, raffleID, r, list)
}

// settleToDraw settles a seal that nobody has witnessed before its raffle is drawn by it. Either way
// its round is still to come, which refused says; the caller commits what was settled.
func (r *record) settleToDraw(ctx context.Context, tx pgx.Tx, current owned) (refused *raffle.Error, err error) {
	if _, err := settleSeal(ctx, tx, current.ID); err != nil {
		return nil, err
	}
	if *r, err = loadRecord(ctx, tx, current.ID); err != nil {
		return nil, err
	}
	err = r.due(current)
	if refused, ok := errors.AsType[*raffle.Error](err); ok {
		return refused, nil
	}
	if err == nil && !r.witnessed {
		err = fmt.Errorf("the seal of raffle %s can neither be witnessed nor replaced", current.ID)
	}
	return nil, err
}
