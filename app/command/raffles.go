// Package command is the write side: one file per command with its input, its rule, its SQL and its
// one transaction, in which it also calls the projections. A refusal is a *raffle.Error; everything
// else that comes back is a fault of the database or of the program.
package command

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Raffles are the commands on raffles and their numbers: Create, Update, Delete, Reserve, Confirm,
// Release, Seal, EnterLotteryResult, Draw, and the minute's WitnessDue, CloseDue, DrawDue and Sweep. It
// is safe for concurrent use.
type Raffles struct {
	DB *pgxpool.Pool
	// DrawMethod draws raffles that came without a draw block; empty is commit_reveal, which needs
	// nothing from outside. A raffle keeps the method it was published with.
	DrawMethod draw.Method
}

func (c *Raffles) method() draw.Method {
	if c.DrawMethod == "" {
		return draw.MethodCommitReveal
	}
	return c.DrawMethod
}

// lockRaffle takes the raffle for this transaction alone: it waits for the buyers that share it and
// holds later ones back. It must be a statement of its own, before anything about the raffle is
// read, because a statement's snapshot is older than the locks it takes.
func lockRaffle(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) error {
	_, err := tx.Exec(ctx, `SELECT lock_raffle($1, true)`, raffleID)
	return err
}

// owned is what commands of the organiser need to know of a raffle before they change it.
type owned struct {
	ID     uuid.UUID
	Status raffle.Status // as it stands now: an open raffle past its draw_at is closed
	Title  string
	DrawAt *time.Time
	Sealed bool
	Dated  bool       // its rules promise DrawAt
	SealBy *time.Time // when a lottery's raffle is sealed at the latest, sealMargin before the official draw
	Now    time.Time

	Witnessed bool // its seal was seen committed in time, or has no such limit
}

// lockOwned locks the raffle alone and reads it. A raffle that is not the caller's is refused with
// CodeForbidden, another's draft and an unknown id with CodeNotFound.
func lockOwned(ctx context.Context, tx pgx.Tx, raffleID, caller uuid.UUID) (owned, error) {
	return lockSeen(ctx, tx, raffleID, &caller, func(_ owned, isOwner bool) bool { return isOwner })
}

// anybody is who the minute's work acts for.
func anybody(owned, bool) bool { return true }

// lockSeen locks the raffle alone and reads it for whoever may see it and is allowed; caller is nil
// without a token. Another's draft and an unknown id are refused with CodeNotFound, the rest as
// notTheOrganiser does. It looks before it locks, too: whoever is refused must not make buyers wait.
func lockSeen(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID, caller *uuid.UUID, allowed func(o owned, isOwner bool) bool) (owned, error) {
	if o, isOwner, err := see(ctx, tx, raffleID, caller); err != nil {
		return owned{}, err
	} else if !allowed(o, isOwner) {
		return owned{}, notTheOrganiser(caller)
	}
	if err := lockRaffle(ctx, tx, raffleID); err != nil {
		return owned{}, err
	}
	o, isOwner, err := see(ctx, tx, raffleID, caller)
	if err == nil && !allowed(o, isOwner) {
		err = notTheOrganiser(caller)
	}
	return o, err
}

// see reads a raffle for whoever may see it.
func see(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID, caller *uuid.UUID) (o owned, isOwner bool, err error) {
	var ownerID *uuid.UUID
	err = tx.QueryRow(ctx, `
		SELECT r.id, r.status, r.title, r.draw_at, r.owner_id, clock_timestamp(), COALESCE(d.dated, false), d.seal_by,
			s.raffle_id IS NOT NULL, s.raffle_id IS NOT NULL AND (s.commit_by IS NULL OR s.witnessed_at IS NOT NULL)
		FROM raffles r
		LEFT JOIN draw_rules d ON d.raffle_id = r.id
		LEFT JOIN draw_seals s ON s.raffle_id = r.id AND s.void_at IS NULL
		WHERE r.id = $1`, raffleID).
		Scan(&o.ID, &o.Status, &o.Title, &o.DrawAt, &ownerID, &o.Now, &o.Dated, &o.SealBy, &o.Sealed, &o.Witnessed)
	if errors.Is(err, pgx.ErrNoRows) {
		return owned{}, false, raffleNotFound()
	}
	if err != nil {
		return owned{}, false, err
	}
	isOwner = ownerID != nil && caller != nil && *ownerID == *caller
	if o.Status == raffle.Draft && !isOwner {
		return owned{}, false, raffleNotFound()
	}
	o.Status = o.Status.At(o.Now, o.DrawAt)
	return o, isOwner, nil
}

// notTheOrganiser refuses what only the organiser may do; whoever sent no token is asked for one.
func notTheOrganiser(caller *uuid.UUID) *raffle.Error {
	if caller == nil {
		return raffle.Refuse(raffle.CodeUnauthenticated, "Only the organiser of this raffle may do that: sign in and send the token.")
	}
	return raffle.Refuse(raffle.CodeForbidden, "Only the organiser of this raffle may do that.")
}

func raffleNotFound() *raffle.Error {
	return raffle.Refuse(raffle.CodeNotFound, "There is no raffle with this id.")
}
