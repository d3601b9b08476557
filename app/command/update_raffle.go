package command

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Change is a field of a PATCH: absent, set to a value, or, where that is allowed, cleared by null.
type Change[T any] struct {
	Sent  bool
	Value *T // nil clears
}

// UpdateRaffle changes what is sent and nothing else. Price, size and numbering are not in it: they
// are frozen from the start. The rules of the draw, with the draw_at they promise, freeze at the first
// hold.
type UpdateRaffle struct {
	RaffleID    uuid.UUID
	Caller      uuid.UUID
	Title       Change[string]
	Description Change[string]
	DrawAt      Change[time.Time]
	Status      Change[raffle.Status]
	Draw        *DrawRules // nil: not sent; allowed until the first hold
}

// Update changes a raffle of the caller's. What stays as it is leaves updated_at alone.
func (c *Raffles) Update(ctx context.Context, in UpdateRaffle) error {
	in.Title.Value = cleaned(in.Title.Value)
	return postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		current, err := lockOwned(ctx, tx, in.RaffleID, in.Caller)
		if err != nil {
			return err
		}
		next, err := in.apply(current)
		if err != nil {
			return err
		}
		if current.Sealed && next.Status == raffle.Cancelled {
			if err := mayCancelSealed(ctx, tx, current); err != nil {
				return err
			}
		}
		republished, err := c.republish(ctx, tx, current, next.DrawAt, in.Draw)
		if err != nil {
			return err
		}
		if republished != nil {
			next.SealBy = republished.sealBy
		}
		if in.opens() && next.SealBy != nil && !current.Now.Before(next.SealBy.Add(sealMargin)) {
			return transition(current.Status, "its lottery has drawn, so what is sold now could never win")
		}
		batch := &pgx.Batch{}
		in.queue(batch, next, republished)
		projection.RaffleChanged(batch, in.RaffleID)
		return tx.SendBatch(ctx, batch).Close()
	})
}

// queue writes what the raffle becomes. Other rules are a change of the raffle, which shows their hash.
func (in UpdateRaffle) queue(b *pgx.Batch, next owned, republished *rules) {
	var commitment []byte
	if republished != nil {
		commitment = republished.commitment[:]
	}
	b.Queue(`
		UPDATE raffles
		SET title = $2, draw_at = $3, status = $4, updated_at = now(),
			description = CASE WHEN $5 THEN $6 ELSE description END
		WHERE id = $1
			AND ((title, draw_at, status, description) IS DISTINCT FROM ($2, $3, $4, CASE WHEN $5 THEN $6 ELSE description END)
				OR $7::bytea <> (SELECT commitment FROM draw_rules WHERE raffle_id = $1))`,
		in.RaffleID, next.Title, next.DrawAt, next.Status, in.Description.Sent, in.Description.Value, commitment)
	if republished != nil {
		republished.queue(b, in.RaffleID)
		projection.DrawChanged(b, in.RaffleID)
	}
}

// mayCancelSealed refuses to cancel a raffle once what decides it is public: its organiser could drop
// an outcome that does not please. A committed secret is never public before the draw.
func mayCancelSealed(ctx context.Context, tx pgx.Tx, current owned) error {
	r, err := loadRecord(ctx, tx, current.ID)
	if err != nil {
		return err
	}
	if r.rules.Method != draw.MethodCommitReveal && !current.Now.Before(draw.AvailableAt(r.rules, r.Seal)) {
		return transition(current.Status, "what decides it is public already, so it can only be drawn")
	}
	return nil
}

// opens says whether the raffle is to be open.
func (in UpdateRaffle) opens() bool {
	return in.Status.Value != nil && *in.Status.Value == raffle.Open
}

// apply says what the raffle becomes, or why it may not.
func (in UpdateRaffle) apply(current owned) (owned, error) {
	next := current
	if err := in.check(current); err != nil {
		return owned{}, err
	}
	if in.Title.Sent {
		next.Title = *in.Title.Value
	}
	if in.DrawAt.Sent {
		if current.Status == raffle.Drawn || current.Status == raffle.Cancelled || current.Sealed {
			return owned{}, transition(current.Status, "its draw time can no longer change")
		}
		next.DrawAt = in.DrawAt.Value
	}
	if in.Draw != nil && (current.Status == raffle.Drawn || current.Status == raffle.Cancelled) {
		return owned{}, transition(current.Status, "the rules of its draw can no longer change")
	}
	if in.Status.Sent {
		next.Status = *in.Status.Value
		if !current.Status.CanBecome(next.Status) {
			return owned{}, transition(current.Status, "it cannot become "+string(next.Status))
		}
		if current.Sealed && next.Status == raffle.Open {
			return owned{}, transition(current.Status, "it is sealed, which ends its sales for good")
		}
	}
	if in.opens() && next.Status.At(current.Now, next.DrawAt) != raffle.Open {
		return owned{}, transition(current.Status, "its draw time has passed; send a later draw_at, or null, to open it")
	}
	return next, nil
}

func (in UpdateRaffle) check(current owned) error {
	var bad []raffle.FieldError
	if in.Title.Sent {
		if in.Title.Value == nil {
			bad = append(bad, raffle.FieldError{Location: "body.title", Message: "cannot be null"})
		} else if *in.Title.Value != current.Title { // which may be older than a rule
			bad = append(bad, checkTitle(*in.Title.Value)...)
		}
	}
	bad = append(bad, checkDescription(in.Description.Value)...)
	bad = append(bad, checkDrawAt(in.DrawAt.Value, current.Now)...)
	if in.Status.Sent && in.Status.Value == nil {
		bad = append(bad, raffle.FieldError{Location: "body.status", Message: "cannot be null"})
	}
	if len(bad) > 0 {
		return raffle.Invalid(bad...)
	}
	return nil
}

func transition(from raffle.Status, why string) error {
	return raffle.Refuse(raffle.CodeInvalidTransition, "The raffle is "+string(from)+": "+why+".").With("raffle_status", from)
}
