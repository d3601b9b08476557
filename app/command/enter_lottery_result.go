package command

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// maxResults bounds the public record of a raffle, which everybody downloads: no lottery needs so many
// draws and corrections.
const maxResults = 50

// EnterLotteryResult is the result of one official draw, as its organiser read it.
type EnterLotteryResult struct {
	RaffleID uuid.UUID
	Caller   uuid.UUID
	Result   draw.LotteryResult
	Confirm  bool // the second time: the result is the one entered last, and is right
}

// EnterLotteryResult appends a result to the record of a sealed raffle, or confirms the one entered
// last, which begins the objection window. A correction is a new entry with the same draw number: it
// must be confirmed too, and its window begins anew. Repeating either changes nothing. A raffle takes
// maxResults entries, corrections included.
func (c *Raffles) EnterLotteryResult(ctx context.Context, in EnterLotteryResult) error {
	return postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		current, err := lockOwned(ctx, tx, in.RaffleID, in.Caller)
		if err != nil {
			return err
		}
		r, err := loadRecord(ctx, tx, in.RaffleID)
		if err != nil && !errors.Is(err, errNoRules) { // without rules no lottery decides it
			return err
		}
		if err := r.takesResult(current); err != nil {
			return err
		}
		if err := in.Result.Check(r.rules); err != nil {
			return resultFaults(err)
		}
		if err := r.loadResults(ctx, tx, in.RaffleID); err != nil {
			return err
		}
		repeated := len(r.Results) > 0 && r.Results[len(r.Results)-1] == in.Result
		switch {
		case in.Confirm && !repeated:
			return raffle.Refuse(raffle.CodeResultDiffers, "This is not the result that was entered last; enter it first, then confirm it exactly as it was entered.")
		case in.Confirm:
			return r.confirm(ctx, tx, in.RaffleID)
		case repeated:
			return nil
		}
		return r.enter(ctx, tx, current, in)
	})
}

// takesResult refuses a result for a raffle that no lottery decides, or not now.
func (r record) takesResult(current owned) error {
	switch {
	case r.rules.Method != draw.MethodLottery:
		return raffle.Refuse(raffle.CodeNotLottery, "No lottery decides this raffle, so it takes no result.")
	case current.Status != raffle.Closed && current.Status != raffle.Open:
		return transition(current.Status, "it takes no lottery result any more")
	case !r.sealed() && current.Now.Before(r.rules.Lottery.Time()):
		return raffle.Refuse(raffle.CodeNotSealed, "This raffle is not sealed yet; its result can be entered once it is, and the lottery has drawn.")
	case !r.sealed():
		return raffle.Refuse(raffle.CodeNotSealed, "This raffle was not sealed before the official draw, so no result can decide it.")
	}
	return due(current.Now, r.rules.Lottery.Time())
}

func resultFaults(err error) error {
	faults, ok := errors.AsType[draw.Faults](err)
	if !ok {
		return err
	}
	var bad []raffle.FieldError
	for _, f := range faults {
		bad = append(bad, raffle.FieldError{Location: "body." + f.Field, Message: f.Message})
	}
	return raffle.Invalid(bad...)
}

// enter appends the result. It must either correct an earlier one, or be of the draw that the rules
// ask for next: results nobody needs would only confuse buyers.
func (r record) enter(ctx context.Context, tx pgx.Tx, current owned, in EnterLotteryResult) error {
	if len(r.Results) >= maxResults {
		return raffle.Refuse(raffle.CodeTooManyResults, "Fifty results were entered for this raffle, and more are not taken; the one entered last can be confirmed.")
	}
	if err := r.loadEntries(ctx, tx, in.RaffleID); err != nil {
		return err
	}
	if in.Result.Date > r.rules.Lottery.Today(current.Now) {
		return raffle.Invalid(raffle.FieldError{Location: "body.date", Message: "must not lie in the future"})
	}
	if err := draw.CheckNextResult(r.rules, r.Entries, r.Results, in.Result); err != nil {
		return resultFaults(err)
	}
	outcome, _, _, err := draw.DecideLottery(r.rules, r.Entries, r.Results)
	if err != nil {
		return err
	}
	corrects := slices.ContainsFunc(r.Results, func(e draw.LotteryResult) bool { return e.DrawNumber == in.Result.DrawNumber })
	if !corrects && outcome != draw.OutcomeNone && outcome != draw.OutcomeRepeat {
		return raffle.Invalid(raffle.FieldError{Location: "body.draw_number",
			Message: "must be that of the result it corrects: by the rules no other draw of the lottery is asked for"})
	}
	e := in.Result
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO lottery_results (raffle_id, position, digits, suspended, draw_number, draw_date, source_url, evidence, entered_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())`,
		in.RaffleID, len(r.Results), e.Digits, e.Suspended, e.DrawNumber, e.Date, e.SourceURL, e.Evidence[:])
	projection.DrawChanged(batch, in.RaffleID)
	return tx.SendBatch(ctx, batch).Close()
}

// confirm begins the objection window of the result entered last, and notes what all of them lead to. The public
// record has whole seconds, so the window begins with one: at the moment it shows, anybody can draw.
func (r record) confirm(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) error {
	if err := r.loadEntries(ctx, tx, raffleID); err != nil {
		return err
	}
	outcome, _, _, err := draw.DecideLottery(r.rules, r.Entries, r.Results)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE lottery_results SET confirmed_at = date_trunc('second', clock_timestamp() + interval '999999 microseconds'), outcome = $3
		WHERE raffle_id = $1 AND position = $2 AND confirmed_at IS NULL`, raffleID, len(r.Results)-1, outcome)
	projection.DrawChanged(batch, raffleID)
	return tx.SendBatch(ctx, batch).Close()
}
