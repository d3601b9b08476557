package command

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// ReserveNumbers holds numbers of a raffle for a participant. Either Numbers or Quantity is set.
type ReserveNumbers struct {
	RaffleID      uuid.UUID
	Caller        *uuid.UUID // the account of the token: its one participant buys
	ParticipantID *uuid.UUID // without a token: a participant the client knows; nil makes a new one
	Name          *string    // 2–120 characters; white space around it and the e-mail does not count
	Email         *string
	Numbers       []int32 // 1–50, distinct
	Quantity      *int    // 1–50 random free numbers
	Minutes       int     // how long they are held, 1–60
}

// Reservation is what Reserve made.
type Reservation struct {
	ID            uuid.UUID
	RaffleID      uuid.UUID
	ParticipantID uuid.UUID
	Numbers       []int32
	ExpiresAt     time.Time
	TicketPrice   raffle.Money
	Currency      string
	TotalPrice    raffle.Money
}

// Reserve holds all the numbers or none. Numbers that somebody holds or owns are refused with
// CodeNumbersUnavailable, whose member "numbers" lists them; a hold whose time is up is taken over.
//
// It costs one statement: reserve_numbers (migration sold_by_purchase) checks and writes, the
// projections follow, and the transaction commits. To take over a hold whose time is up costs a second
// one, with the raffle alone. Three locks carry the promises until that commit:
//   - the raffle's advisory lock, shared: whoever closes, seals, draws or cancels takes it alone, so
//     no number is held after that, and buyers do not wait for each other;
//   - the primary key of tickets: a rival for the same number waits for this commit and then sees the
//     row. Numbers are taken in ascending order, so two rivals cannot wait for each other;
//   - one of the raffle's 16 counter rows, last, so that it is held shortest.
func (c *Raffles) Reserve(ctx context.Context, in ReserveNumbers) (Reservation, error) {
	in.Name, in.Email = cleaned(in.Name), cleaned(in.Email)
	if err := in.check(); err != nil {
		return Reservation{}, err
	}
	reservation := Reservation{ID: uuid.Must(uuid.NewV7()), RaffleID: in.RaffleID}
	err := c.reserve(ctx, in, &reservation, sharing)
	if code(err) == codeNumbersContended {
		err = c.reserve(ctx, in, &reservation, alone)
	}
	return reservation, refusal(err)
}

var reserveStatement = `
	SELECT r.participant_id, r.numbers, r.expires_at, r.ticket_price::text, r.currency, r.total_price::text, ` +
	projection.NumbersHeld("$1", "r.numbers", "r.fresh", "r.expires_at", "$13") + `
	FROM reserve_numbers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS r`

func (c *Raffles) reserve(ctx context.Context, in ReserveNumbers, out *Reservation, lock lockMode) error {
	numbers, wanted := slices.Sorted(slices.Values(in.Numbers)), len(in.Numbers)
	if in.Quantity != nil {
		numbers, wanted = randomPicks(*in.Quantity), *in.Quantity
	}
	tickets := make([]uuid.UUID, wanted)
	for i := range tickets {
		tickets[i] = uuid.New()
	}
	newParticipant := uuid.Must(uuid.NewV7())
	held := func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
		return c.findReservation(ctx, db, out)
	}
	scan := func(row pgx.Row) error {
		return row.Scan(&out.ParticipantID, &out.Numbers, &out.ExpiresAt, &out.TicketPrice, &out.Currency, &out.TotalPrice, nil)
	}
	return postgres.InOneStatement(ctx, c.DB, held, scan, reserveStatement,
		in.RaffleID, out.ID, in.Caller, in.ParticipantID, newParticipant, in.Name, in.Email,
		numbers, tickets, in.Quantity, in.Minutes, lock == alone, projection.Slot())
}

// findReservation tells, after an unanswered commit, whether the reservation was made.
func (c *Raffles) findReservation(ctx context.Context, db *pgxpool.Pool, out *Reservation) (done bool, err error) {
	err = db.QueryRow(ctx, `
		SELECT h.participant_id, h.numbers, h.expires_at, r.ticket_price::text, r.currency,
			(r.ticket_price * cardinality(h.numbers))::text
		FROM reservations h JOIN raffles r ON r.id = h.raffle_id
		WHERE h.id = $1`, out.ID).
		Scan(&out.ParticipantID, &out.Numbers, &out.ExpiresAt, &out.TicketPrice, &out.Currency, &out.TotalPrice)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (in ReserveNumbers) check() error {
	var bad []raffle.FieldError
	if (in.Quantity == nil) == (in.Numbers == nil) {
		bad = append(bad, raffle.FieldError{Location: "body", Message: "send either numbers or quantity"})
	}
	if in.Caller == nil && in.ParticipantID == nil && in.Name == nil {
		bad = append(bad, raffle.FieldError{Location: "body.participant", Message: "is required: send at least a name"})
	}
	if in.Name != nil {
		bad = fault(bad, "body.participant.name", nameFault(*in.Name))
	}
	if in.Email != nil {
		bad = fault(bad, "body.participant.email", emailFault(*in.Email))
	}
	seen := make(map[int32]bool, len(in.Numbers))
	for _, n := range in.Numbers {
		if seen[n] {
			bad = append(bad, raffle.FieldError{Location: "body.numbers", Message: "must not repeat a number"})
			break
		}
		seen[n] = true
	}
	if len(bad) > 0 {
		return raffle.Invalid(bad...)
	}
	return nil
}

// randomPicks are random integers that reserve_numbers maps onto the board. There are enough of them
// that the board must be nearly full before it has to look for free numbers itself.
func randomPicks(quantity int) []int32 {
	picks := make([]int32, 24+4*quantity)
	for i := range picks {
		picks[i] = rand.Int32()
	}
	return picks
}
