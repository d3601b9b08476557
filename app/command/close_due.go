package command

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// CloseDue ends the sales of raffles whose time has come: their draw_at has passed, they are sold out,
// or the lottery that decides them is about to draw. Each is closed and, when something was sold,
// sealed. It answers how many it changed. Reads and sales treat a raffle as closed from its draw_at on,
// whether or not this has run.
func (c *Raffles) CloseDue(ctx context.Context) (closed int, err error) {
	return c.inTurn(ctx, findDue, c.closeDue, sealMargin)
}

// findDue looks for each of the reasons apart. Together they would have it look at every open raffle, and at the
// counts of each.
const findDue = `
	SELECT r.id, LEAST(r.draw_at, d.seal_by) AS at
	FROM raffles r LEFT JOIN draw_rules d ON d.raffle_id = r.id
	WHERE r.status = 'open' AND r.draw_at <= now()
	UNION
	SELECT r.id, LEAST(r.draw_at, d.seal_by)
	FROM draw_rules d JOIN raffles r ON r.id = d.raffle_id
	WHERE r.status = 'open' AND d.seal_by <= now()
	UNION
	SELECT r.id, LEAST(r.draw_at, d.seal_by, r.updated_at)
	FROM raffles r
	LEFT JOIN draw_rules d ON d.raffle_id = r.id
	CROSS JOIN LATERAL (SELECT sum(sold) AS sold FROM raffle_counts_read WHERE raffle_id = r.id) AS c
	WHERE r.status = 'closed' AND NOT EXISTS (SELECT FROM draw_seals s WHERE s.raffle_id = r.id)
		AND (d.seal_by IS NULL OR d.seal_by + $1::interval > now())
		AND c.sold BETWEEN CASE WHEN r.draw_at <= now() OR d.seal_by <= now() THEN 1 ELSE r.total_tickets END AND r.total_tickets`

// closeDue seals the raffle, or only closes it where there is nothing to seal or it is too late.
func (c *Raffles) closeDue(ctx context.Context, raffleID uuid.UUID) (done bool, err error) {
	err = c.seal(ctx, raffleID, func(tx pgx.Tx) (owned, error) {
		current, err := c.lockDue(ctx, tx, raffleID)
		done = err == nil && !current.Sealed
		return current, err
	})
	refused, ok := errors.AsType[*raffle.Error](err)
	switch {
	case !ok:
		return done && err == nil, err
	case refused.Code != raffle.CodeNothingSold && refused.Code != raffle.CodeSealTooLate:
		return false, nil // somebody else was faster: it is open again, cancelled or drawn
	}
	err = postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		current, err := c.lockDue(ctx, tx, raffleID)
		if err != nil || current.Sealed {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE raffles SET status = 'closed', updated_at = now() WHERE id = $1 AND status = 'open'`, raffleID)
		if done = tag.RowsAffected() > 0; err != nil || !done {
			return err
		}
		batch := &pgx.Batch{}
		projection.RaffleChanged(batch, raffleID)
		return tx.SendBatch(ctx, batch).Close()
	})
	if _, ok := errors.AsType[*raffle.Error](err); ok {
		return false, nil
	}
	return done, err
}

// lockDue locks the raffle and looks again whether its time has come.
func (c *Raffles) lockDue(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) (owned, error) {
	current, err := lockSeen(ctx, tx, raffleID, nil, anybody)
	if err != nil {
		return owned{}, err
	}
	var due bool
	err = tx.QueryRow(ctx, `
		SELECT COALESCE(r.draw_at <= clock_timestamp(), false) OR COALESCE(d.seal_by <= clock_timestamp(), false)
			OR (SELECT sum(c.sold) FROM raffle_counts_read c WHERE c.raffle_id = r.id) = r.total_tickets
		FROM raffles r LEFT JOIN draw_rules d ON d.raffle_id = r.id WHERE r.id = $1`, raffleID).Scan(&due)
	if err == nil && !due {
		err = transition(current.Status, "its sales have not ended")
	}
	return current, err
}

// sealSoldOut seals a raffle whose last number was just sold.
func (c *Raffles) sealSoldOut(ctx context.Context, raffleID uuid.UUID) error {
	return c.seal(ctx, raffleID, func(tx pgx.Tx) (owned, error) { return c.lockDue(ctx, tx, raffleID) })
}

// DrawDue draws the lottery raffles whose result was shown for as long as it must be, and answers how
// many. One that waits for the lottery's next draw, or for whoever brings a quicknet round, is left alone.
func (c *Raffles) DrawDue(ctx context.Context) (drawn int, err error) {
	return c.inTurn(ctx, `
		SELECT r.id, last.confirmed_at AS at
		FROM raffles r
		JOIN draw_rules d ON d.raffle_id = r.id AND d.method = 'lottery'
		JOIN LATERAL (SELECT confirmed_at, outcome FROM lottery_results l WHERE l.raffle_id = r.id ORDER BY position DESC LIMIT 1) AS last ON true
		WHERE r.status = 'closed' AND (r.draw_at IS NULL OR r.draw_at <= now())
			AND last.confirmed_at <= now() - $1::interval AND COALESCE(last.outcome, 'winner') IN ('winner', 'void')`,
		func(ctx context.Context, id uuid.UUID) (drawn bool, err error) {
			err = c.Draw(ctx, DrawRaffle{RaffleID: id})
			if _, refused := errors.AsType[*raffle.Error](err); refused {
				return false, nil // somebody else was faster, or something is still to be confirmed
			}
			return err == nil, err
		}, draw.ObjectionWindow)
}
