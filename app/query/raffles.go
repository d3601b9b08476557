// Package query is the read side: one file per question. It reads only the read model, which commands
// keep in their own transactions, so an answer is never older than the last command.
package query

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Queries answer questions about raffles. They are safe for concurrent use.
type Queries struct {
	DB *pgxpool.Pool
	// Lists answers public lists, which may lag; nil means DB. Everything else reads DB, so that
	// people see what they have just done.
	Lists *pgxpool.Pool

	raffles together[uuid.UUID, Raffle]
	pages   together[listQuestion, rafflePage]
	boards  together[uuid.UUID, CompactBoard]
	packed  packedBoards
}

// Raffle is a raffle as clients see it. Counts and status are those of the moment: an expired hold is
// not reserved, and an open raffle past its draw_at is closed.
type Raffle struct {
	ID              uuid.UUID
	Title           string
	Description     *string
	TicketPrice     raffle.Money
	Currency        string
	TotalTickets    int
	TicketsSold     int
	TicketsReserved int
	Status          raffle.Status
	DrawAt          *time.Time
	WinnerTicketID  *uuid.UUID
	WinningNumber   *int
	NumberStart     int
	NumberEnd       int
	NumberPadding   *int
	OwnerID         *uuid.UUID
	Confirmation    raffle.Confirmation
	CreatedAt       time.Time
	UpdatedAt       time.Time
	DrawMethod      *string // how its winners are chosen; nil for a raffle older than published rules
	RulesHash       []byte
	Commitment      []byte
	Seal            []byte // nil before the seal
	SealedAt        *time.Time
}

// selectRaffle reads raffles with the status and the counts of this moment. Counters are sums of 16
// slots; holds whose time is up are found by an index of their own and taken off.
const selectRaffle = selectRaffleColumns + `
	FROM raffles_read r` + raffleCounts

const selectRaffleColumns = `
	SELECT r.id, r.title, r.description, r.ticket_price::text, r.currency, r.total_tickets,
		c.sold, c.reserved - e.expired, ` + statusNow + `,
		r.draw_at, r.winner_ticket_id, r.winning_number, r.number_start, r.number_end, r.number_padding,
		r.owner_id, r.confirmation, r.created_at, r.updated_at,
		d.method, d.rules_hash, d.commitment, d.seal, d.sealed_at`

// raffleCounts looks things up for each raffle of a page. OFFSET 0 keeps the planner from joining draws_read
// as a whole, which it takes for cheaper until the table is large.
const raffleCounts = `
	LEFT JOIN LATERAL (
		SELECT method, rules_hash, commitment, seal, sealed_at
		FROM draws_read WHERE raffle_id = r.id OFFSET 0) d ON true
	CROSS JOIN LATERAL (
		SELECT COALESCE(sum(sold), 0) AS sold, COALESCE(sum(reserved), 0) AS reserved
		FROM raffle_counts_read WHERE raffle_id = r.id) c
	CROSS JOIN LATERAL (
		SELECT count(*) AS expired
		FROM raffle_numbers_read WHERE raffle_id = r.id AND reserved_until <= now()) e`

// statusNow says that a raffle closes by itself when its draw_at passes, before anybody writes it down.
const statusNow = `CASE WHEN r.status = 'open' AND r.draw_at <= now() THEN 'closed' ELSE r.status END`

func (r *Raffle) fields() []any {
	return []any{&r.ID, &r.Title, &r.Description, &r.TicketPrice, &r.Currency, &r.TotalTickets,
		&r.TicketsSold, &r.TicketsReserved, &r.Status,
		&r.DrawAt, &r.WinnerTicketID, &r.WinningNumber, &r.NumberStart, &r.NumberEnd, &r.NumberPadding,
		&r.OwnerID, &r.Confirmation, &r.CreatedAt, &r.UpdatedAt,
		&r.DrawMethod, &r.RulesHash, &r.Commitment, &r.Seal, &r.SealedAt}
}

// Raffle answers one raffle; a draft only to its owner. caller is nil without a token. Anonymous people
// who ask at the same time share one answer.
func (q *Queries) Raffle(ctx context.Context, id uuid.UUID, caller *uuid.UUID) (Raffle, error) {
	reader := postgres.Reader(ctx, q.DB)
	if caller != nil || reader != postgres.Querier(q.DB) {
		return readRaffle(ctx, reader, id, caller)
	}
	return q.raffles.ask(ctx, id, func(ctx context.Context) (Raffle, error) { return readRaffle(ctx, reader, id, nil) })
}

func readRaffle(ctx context.Context, reader postgres.Querier, id uuid.UUID, caller *uuid.UUID) (r Raffle, err error) {
	err = reader.
		QueryRow(ctx, selectRaffle+` WHERE r.id = $1 AND (r.status <> 'draft' OR r.owner_id = $2)`, id, caller).
		Scan(r.fields()...)
	return r, found(err)
}

// found turns "no row" into the refusal that the raffle does not exist.
func found(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return raffle.Refuse(raffle.CodeNotFound, "There is no raffle with this id.")
	}
	return postgres.Translate(err)
}
