package command

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// sealMargin is how long before its official draw a lottery raffle is sealed by the schedule, so that
// a late minute does not cost the seal.
const sealMargin = 5 * time.Minute

// DrawRules is the draw block of a new raffle: how its winners will be chosen.
type DrawRules struct {
	Method     draw.Method
	Prizes     []string // names in draw order; none is one prize without a name
	Alternates int      // per prize
	Exclude    draw.Exclude
	Lottery    *draw.Lottery // for draw.MethodLottery only
}

// rules are the published rules of a raffle: the document and what commits to it.
type rules struct {
	method     draw.Method
	document   []byte
	hash       draw.Hash
	secret     []byte // S of commit_reveal, else nil
	commitment draw.Hash
	dated      bool
	sealBy     *time.Time
}

// newRules writes the rules of a raffle. One without a draw block gets one prize, by the method of
// this deployment. Where that is commit_reveal its document promises no date, so its organiser may go
// on moving draw_at; a beacon's must, for no round may decide that comes before draw_at.
func newRules(raffleID uuid.UUID, in CreateRaffle, fallback draw.Method) (rules, error) {
	input := draw.RulesInput{Method: fallback, NumberStart: in.NumberStart, Total: in.TotalTickets, Padding: in.NumberPadding}
	if in.Draw == nil && fallback != draw.MethodBeacon {
		return publish(raffleID, input, false)
	}
	if in.Draw != nil {
		in.Draw.apply(&input, fallback)
	}
	if in.DrawAt != nil {
		input.DrawAt = *in.DrawAt
	}
	return publish(raffleID, input, true)
}

// check refuses a lottery whose official draw is over, since whoever bought could never see a draw, and
// one in a zone that nobody knows. It passes what is no time; the rules refuse that.
func (d *DrawRules) check(now time.Time) (bad []raffle.FieldError) {
	if d == nil || d.Lottery == nil {
		return nil
	}
	if at := d.Lottery.Time(); !at.IsZero() {
		bad = checkFuture("body.draw.lottery.draws_at", at, now)
	}
	if _, err := zone(d.Lottery.TimeZone); err != nil {
		bad = append(bad, raffle.FieldError{Location: "body.draw.lottery.time_zone", Message: "must be a zone of the IANA database, such as America/Bogota"})
	}
	return bad
}

// zone finds a zone of the IANA database, which the binary carries.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" { // which time takes for UTC and for the zone of this machine
		return nil, errors.New("no zone is named")
	}
	return time.LoadLocation(name)
}

// localized writes draws_at with the offset of the lottery's zone: the day in the rules is the day there, in
// whatever zone the organiser's browser wrote the time.
func localized(l *draw.Lottery) *draw.Lottery {
	if l == nil {
		return nil
	}
	at, err := draw.ParseTime(l.DrawsAt)
	location, unknown := zone(l.TimeZone)
	if err != nil || unknown != nil || at.Nanosecond() != 0 {
		return l // the rules refuse it
	}
	local := *l
	local.DrawsAt = at.In(location).Format(time.RFC3339)
	return &local
}

func (d DrawRules) apply(input *draw.RulesInput, fallback draw.Method) {
	input.Method, input.Prizes, input.Alternates, input.Exclude, input.Lottery = d.Method, d.Prizes, d.Alternates, d.Exclude, localized(d.Lottery)
	if d.Method == "" {
		input.Method = fallback
	}
}

// republish writes rules anew when a change of the raffle asks for it, and commits to them with a new
// secret; nil when nothing of them changes. Rules freeze at the first hold, whatever became of it.
func (c *Raffles) republish(ctx context.Context, tx pgx.Tx, current owned, drawAt *time.Time, changed *DrawRules) (*rules, error) {
	moved := (drawAt == nil) != (current.DrawAt == nil) || drawAt != nil && current.DrawAt != nil && !drawAt.Equal(*current.DrawAt)
	if changed == nil && !(current.Dated && moved) {
		return nil, nil //nolint:nilnil // nothing changes, which is no fault
	}
	// A hold is in the tickets, and in the rules once its ticket is gone. Only a raffle from before rules were
	// kept has none: its reservations are read through, all of everybody's.
	var frozen bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM tickets WHERE raffle_id = $1)
			OR COALESCE((SELECT held FROM draw_rules WHERE raffle_id = $1), EXISTS (SELECT FROM reservations WHERE raffle_id = $1))`, current.ID).Scan(&frozen)
	if err != nil {
		return nil, err
	}
	if bad := changed.check(current.Now); len(bad) > 0 {
		return nil, raffle.Invalid(bad...)
	}
	if frozen {
		return nil, raffle.Refuse(raffle.CodeFrozen, "A number was held or sold: the rules of the draw, and the draw_at they promise, stay as they were published.")
	}
	r, err := loadAdopted(ctx, tx, current.ID)
	if err != nil {
		return nil, err
	}
	input := r.rules.RulesInput
	input.DrawAt = time.Time{}
	if drawAt != nil {
		input.DrawAt = *drawAt
	}
	if changed != nil {
		changed.apply(&input, c.method())
	}
	written, err := publish(current.ID, input, true)
	return &written, err
}

// rememberHold notes that a number of the raffle was held, before the ticket that says so is gone.
func rememberHold(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`UPDATE draw_rules SET held = true WHERE raffle_id = $1 AND NOT held`, raffleID)
}

// publish writes the document and commits to it.
func publish(raffleID uuid.UUID, input draw.RulesInput, dated bool) (rules, error) {
	document, err := draw.BuildRules(input)
	if err != nil {
		return rules{}, ruleFaults(err)
	}
	r := rules{method: input.Method, document: document, hash: draw.RulesHash(document), dated: dated}
	if r.method == draw.MethodCommitReveal {
		r.secret = draw.NewSecret()
	}
	r.commitment = draw.Commitment(raffleID, r.hash, r.secret)
	if input.Lottery != nil {
		r.sealBy = new(input.Lottery.Time().Add(-sealMargin))
	}
	return r, nil
}

// ruleFaults names the fields of the request that the faults are about.
func ruleFaults(err error) error {
	faults, ok := errors.AsType[draw.Faults](err)
	if !ok {
		return err
	}
	var bad []raffle.FieldError
	for _, f := range faults {
		location := "body.draw." + f.Field
		switch f.Field {
		case "number_start", "total_tickets", "number_padding", "draw_at":
			location = "body." + f.Field
		}
		bad = append(bad, raffle.FieldError{Location: location, Message: f.Message})
	}
	return raffle.Invalid(bad...)
}

// queue stores the rules, in place of earlier ones that nobody has bought under.
func (r rules) queue(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`
		INSERT INTO draw_rules (raffle_id, method, document, rules_hash, secret, commitment, dated, seal_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (raffle_id) DO UPDATE
		SET (method, document, rules_hash, secret, commitment, dated, seal_by) = (excluded.method, excluded.document,
			excluded.rules_hash, excluded.secret, excluded.commitment, excluded.dated, excluded.seal_by)`,
		raffleID, r.method, r.document, r.hash[:], r.secret, r.commitment[:], r.dated, r.sealBy)
}
