package command

import (
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// CreateRaffle is a new raffle as its organiser describes it.
type CreateRaffle struct {
	Title         string
	Description   *string
	TicketPrice   raffle.Money
	Currency      string
	TotalTickets  int
	NumberStart   int
	NumberPadding *int
	Status        raffle.Status // Draft or Open
	Confirmation  raffle.Confirmation
	DrawAt        *time.Time // must lie in the future
	OwnerID       uuid.UUID  // the caller
	Draw          *DrawRules // nil: one prize, by the deployment's method
}

// Create makes a raffle and returns its id. No board row is written: a number without a row is
// available, so a raffle of 100 000 numbers costs as much as one of a hundred.
func (c *Raffles) Create(ctx context.Context, in CreateRaffle) (uuid.UUID, error) {
	in.Title = raffle.CleanText(in.Title)
	if err := in.check(time.Now()); err != nil {
		return uuid.Nil, err
	}
	id := uuid.Must(uuid.NewV7())
	rules, err := newRules(id, in, c.method())
	if err != nil {
		return uuid.Nil, err
	}
	err = postgres.InOneTrip(ctx, c.DB, raffleExists(id), func(b *pgx.Batch) {
		b.Queue(`
			INSERT INTO raffles (id, title, description, ticket_price, currency, total_tickets, number_start,
				number_padding, status, confirmation, draw_at, owner_id)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, id FROM users WHERE id = $12 AND NOT `+erased+` FOR KEY SHARE`,
			id, in.Title, in.Description, in.TicketPrice, in.Currency, in.TotalTickets, in.NumberStart,
			in.NumberPadding, in.Status, in.Confirmation, in.DrawAt, in.OwnerID)
		rules.queue(b, id)
		projection.RaffleCreated(b, id)
		projection.RulesPublished(b, id)
	})
	if postgres.ForeignKeyViolation(err) == "draw_rules_raffle_id_fkey" { // there was no organiser to make a raffle for
		return uuid.Nil, raffle.Refuse(raffle.CodeUnauthenticated, "The account of this token no longer exists; sign in again.")
	}
	return id, err
}

func (in CreateRaffle) check(now time.Time) error {
	var bad []raffle.FieldError
	bad = append(bad, checkTitle(in.Title)...)
	bad = append(bad, checkDescription(in.Description)...)
	bad = append(bad, checkDrawAt(in.DrawAt, now)...)
	bad = append(bad, in.Draw.check(now)...)
	if in.TicketPrice <= 0 || in.TicketPrice > raffle.MaxPrice {
		bad = append(bad, raffle.FieldError{Location: "body.ticket_price", Message: "must be more than 0 and at most " + raffle.MaxPrice.String()})
	}
	if !raffle.KnownCurrency(in.Currency) {
		bad = append(bad, raffle.FieldError{Location: "body.currency", Message: "must be a currency code of ISO 4217, such as COP or USD"})
	}
	if len(bad) > 0 {
		return raffle.Invalid(bad...)
	}
	return nil
}

func checkTitle(title string) []raffle.FieldError {
	if n := utf8.RuneCountInString(title); n < raffle.MinTitle || n > raffle.MaxTitle {
		return []raffle.FieldError{{Location: "body.title", Message: "must have 3 to 120 characters, not counting spaces around it"}}
	}
	return fault(nil, "body.title", textFault(title))
}

func checkDescription(description *string) []raffle.FieldError {
	if description != nil && utf8.RuneCountInString(*description) > raffle.MaxDescription {
		return []raffle.FieldError{{Location: "body.description", Message: "must have at most 1000 characters"}}
	}
	return nil
}

func checkDrawAt(drawAt *time.Time, now time.Time) []raffle.FieldError {
	if drawAt == nil {
		return nil
	}
	return checkFuture("body.draw_at", *drawAt, now)
}

// endYear is the first year without draws. JSON writes no time after 9999, and a draw has times that follow
// from its own.
const endYear = 9999

func checkFuture(location string, at, now time.Time) []raffle.FieldError {
	switch {
	case !at.After(now):
		return []raffle.FieldError{{Location: location, Message: "must lie in the future"}}
	case at.UTC().Year() >= endYear:
		return []raffle.FieldError{{Location: location, Message: "must be before the year " + strconv.Itoa(endYear)}}
	}
	return nil
}

func raffleExists(id uuid.UUID) postgres.Lookup {
	return func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
		err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM raffles WHERE id = $1)`, id).Scan(&done)
		return done, err
	}
}
