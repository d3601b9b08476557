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

	"github.com/rifaapp/rifaapp/app/raffle"
)

// Raffles are the commands on raffles and their numbers: Create, Update, Delete, Reserve, Confirm,
// Release, Draw, and the minute's Sweep and CloseDue. It is safe for concurrent use.
type Raffles struct {
	DB *pgxpool.Pool
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
	Status        raffle.Status // as it stands now: an open raffle past its draw_at is closed
	Title         string
	DrawAt        *time.Time
	WinningNumber *int32
	Now           time.Time
}

// lockOwned locks the raffle alone and reads it. A raffle that is not the caller's is refused with
// CodeForbidden, another's draft and an unknown id with CodeNotFound.
func lockOwned(ctx context.Context, tx pgx.Tx, raffleID, caller uuid.UUID) (owned, error) {
	if err := lockRaffle(ctx, tx, raffleID); err != nil {
		return owned{}, err
	}
	var (
		o       owned
		ownerID *uuid.UUID
	)
	err := tx.QueryRow(ctx, `
		SELECT status, title, draw_at, winning_number, owner_id, clock_timestamp()
		FROM raffles WHERE id = $1`, raffleID).
		Scan(&o.Status, &o.Title, &o.DrawAt, &o.WinningNumber, &ownerID, &o.Now)
	if errors.Is(err, pgx.ErrNoRows) {
		return owned{}, raffleNotFound()
	}
	if err != nil {
		return owned{}, err
	}
	if ownerID == nil || *ownerID != caller {
		if o.Status == raffle.Draft {
			return owned{}, raffleNotFound()
		}
		return owned{}, raffle.Refuse(raffle.CodeForbidden, "Only the organiser of this raffle may do that.")
	}
	o.Status = o.Status.At(o.Now, o.DrawAt)
	return o, nil
}

func raffleNotFound() *raffle.Error {
	return raffle.Refuse(raffle.CodeNotFound, "There is no raffle with this id.")
}
