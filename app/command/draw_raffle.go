package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// DrawRaffle asks for the draw of a raffle.
type DrawRaffle struct {
	RaffleID  uuid.UUID
	Caller    *uuid.UUID // nil without a token
	Round     *uint64    // with Signature: the quicknet round that the seal fixed
	Signature []byte
}

// Draw computes the winners of a sealed raffle; anybody may ask, since there is nothing to choose.
// Where the committed secret decides, the organiser may ask before the seal: the raffle is then sealed
// in the same transaction. Repeating it changes nothing. Refused: nothing sold, and whatever comes too
// early (member "available_at") or does not decide. A seal that nobody saw committed in time does not
// decide: it is replaced, and the refusal names the time of the new round.
func (c *Raffles) Draw(ctx context.Context, in DrawRaffle) error {
	var early *raffle.Error
	err := postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		early = nil
		current, err := lockSeen(ctx, tx, in.RaffleID, in.Caller, mayDraw)
		if err != nil || current.Status == raffle.Drawn {
			return err
		}
		if current.Status != raffle.Open && current.Status != raffle.Closed {
			return transition(current.Status, "only an open or a closed raffle can be sealed or drawn")
		}
		if !current.Sealed {
			if err := sealToDraw(ctx, tx, current); err != nil {
				return err
			}
		}
		r, err := loadRecord(ctx, tx, in.RaffleID)
		if err != nil {
			return err
		}
		if !r.witnessed {
			if early, err = r.settleToDraw(ctx, tx, current); err != nil || early != nil {
				return err
			}
		}
		if err := r.loadResults(ctx, tx, in.RaffleID); err != nil {
			return err
		}
		return r.draw(ctx, tx, current, in)
	})
	if err != nil || early == nil {
		return err
	}
	if err := onceCommitted(ctx, func(ctx context.Context) error { return c.witness(ctx, in.RaffleID) }); err != nil {
		return err
	}
	return early
}

// mayDraw lets anybody draw what is sealed, and only the organiser what is not.
func mayDraw(current owned, isOwner bool) bool {
	sealed := current.Sealed && (current.Status == raffle.Open || current.Status == raffle.Closed)
	return isOwner || sealed || current.Status == raffle.Drawn
}

// sealToDraw seals a raffle that can be drawn at once.
func sealToDraw(ctx context.Context, tx pgx.Tx, current owned) error {
	r, err := loadAdopted(ctx, tx, current.ID)
	if err != nil {
		return err
	}
	if err := due(current.Now, draw.NotBefore(draw.AvailableAt(r.rules, draw.Seal{}), r.rules, current.DrawAt)); err != nil {
		return err
	}
	if r.rules.Method != draw.MethodCommitReveal {
		return raffle.Refuse(raffle.CodeNotSealed, "Seal the raffle first: what decides it must come after the seal.")
	}
	_, err = sealSold(ctx, tx, current) // where the secret decides there is nothing to witness
	return err
}

// due refuses what comes before from.
func due(now, from time.Time) error {
	if now.Before(from) {
		return raffle.Refuse(raffle.CodeDrawNotDue, "The draw is not due yet.").With("available_at", from.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// draw computes the draw of a sealed raffle and stores it.
func (r record) draw(ctx context.Context, tx pgx.Tx, current owned, in DrawRaffle) error {
	if in.Round != nil {
		r.Round, r.Signature = *in.Round, in.Signature
		if r.Seal.Round != 0 && r.Round != r.Seal.Round {
			return r.beaconFault(draw.ErrWrongRound)
		}
	}
	if err := r.due(current); err != nil {
		return err
	}
	if err := r.loadEntries(ctx, tx, current.ID); err != nil {
		return err
	}
	result, err := draw.Draw(r.Input)
	if err != nil {
		return r.drawFault(in, err)
	}
	return r.store(ctx, tx, current.ID, result)
}

// due says whether the entropy exists; for a lottery, that its result was shown for long enough.
func (r record) due(current owned) error {
	from := draw.AvailableAt(r.rules, r.Seal)
	if current.Now.Before(r.Seal.SealedAt) { // it was made since the clock was read
		current.Now = r.Seal.SealedAt
	}
	if r.rules.Method != draw.MethodLottery || current.Now.Before(from) {
		return due(current.Now, draw.NotBefore(from, r.rules, current.DrawAt))
	}
	if len(r.results) == 0 {
		return raffle.Refuse(raffle.CodeResultMissing, "The organiser has not entered the lottery's result yet.")
	}
	for _, e := range r.results {
		from = draw.AfterObjections(from, e.confirmedAt)
	}
	if r.unconfirmed() {
		return raffle.Refuse(raffle.CodeResultMissing, "The lottery's result was entered and not confirmed yet.")
	}
	return due(current.Now, draw.NotBefore(from, r.rules, current.DrawAt))
}

// unconfirmed says whether a result that counts, which is the last entry for its draw number, lacks the
// second confirmation.
func (r record) unconfirmed() bool {
	confirmed := map[string]bool{}
	for _, e := range r.results {
		confirmed[e.DrawNumber] = e.confirmedAt != nil
	}
	return slices.Contains(slices.Collect(maps.Values(confirmed)), false)
}

// drawFault says to a person what keeps the draw from being computed.
func (r record) drawFault(in DrawRaffle, err error) error {
	_, faulty := errors.AsType[draw.Faults](err)
	switch {
	case faulty:
		return raffle.Refuse(raffle.CodeResultMissing, "The lottery's result on record is not of the draw that the rules name; correct it.")
	case errors.Is(err, draw.ErrResultMissing):
		return raffle.Refuse(raffle.CodeResultMissing,
			"By the rules this result decides nothing: the lottery's next draw does. Enter its result.")
	case errors.Is(err, draw.ErrWrongRound), errors.Is(err, draw.ErrBadSignature):
		if in.Round == nil {
			return raffle.Invalid(raffle.FieldError{Location: "body.round", Message: fmt.Sprintf(
				"is required: quicknet's round %d decides; any public drand endpoint serves it at %s", r.Seal.Round, draw.BeaconPath(r.Seal.Round))})
		}
		return r.beaconFault(err)
	}
	return err
}

func (r record) beaconFault(err error) error {
	if errors.Is(err, draw.ErrWrongRound) {
		return raffle.Invalid(raffle.FieldError{Location: "body.round",
			Message: fmt.Sprintf("must be %d: the seal fixed this round, and it is never replaced by another", r.Seal.Round)})
	}
	return raffle.Invalid(raffle.FieldError{Location: "body.signature",
		Message: fmt.Sprintf("is not quicknet's signature of round %d; any public drand endpoint serves it at %s", r.Seal.Round, draw.BeaconPath(r.Seal.Round))})
}

// store keeps the result for good. The winners of the prizes are those of the raffle and of the
// purchases; alternates stay in the record.
func (r record) store(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID, result draw.Result) error {
	var signature []byte
	if r.rules.Method == draw.MethodBeacon || result.Outcome == draw.OutcomeBeacon {
		signature = r.Signature
	}
	numbers := []int32{} // of the prizes
	rows := make([][]any, len(result.Winners))
	for i, w := range result.Winners {
		rows[i] = []any{raffleID, i, w.Prize, w.Alternate, w.Number, w.Owner[:]}
		if w.Alternate == 0 {
			numbers = append(numbers, int32(w.Number))
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO draws (raffle_id, draw_key, signature, outcome, drawn_at)
		VALUES ($1, $2, $3, $4, clock_timestamp())`, raffleID, result.Key[:], signature, result.Outcome)
	if err != nil {
		return err
	}
	columns := []string{"raffle_id", "position", "prize", "alternate", "number", "owner"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"draw_winners"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE raffles r
		SET status = 'drawn', winning_numbers = $2, winning_number = ($2::integer[])[1], updated_at = now(),
			winner_ticket_id = (SELECT t.id FROM tickets t WHERE t.raffle_id = r.id AND t.number = ($2::integer[])[1])
		WHERE r.id = $1`, raffleID, numbers)
	projection.RaffleChanged(batch, raffleID)
	projection.PurchasesWon(batch, raffleID)
	projection.DrawChanged(batch, raffleID)
	return tx.SendBatch(ctx, batch).Close()
}
