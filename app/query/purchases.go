package query

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Purchase is a sale as its buyer sees it.
type Purchase struct {
	ID            uuid.UUID
	RaffleID      uuid.UUID
	RaffleTitle   string
	RaffleStatus  raffle.Status
	Numbers       []int
	TotalPrice    raffle.Money
	Currency      string
	Status        string
	PaymentMethod string
	Winner        bool
	CreatedAt     time.Time
}

// Purchases lists what a participant bought, newest first, and says whether more follows. A
// participant that belongs to an account is answered only to that account.
func (q *Queries) Purchases(ctx context.Context, participantID uuid.UUID, caller *uuid.UUID, after *Position, limit int) (page []Purchase, more bool, err error) {
	if err := q.mayRead(ctx, participantID, caller); err != nil {
		return nil, false, err
	}
	statement, args := purchasesPage(participantID, after, limit)
	rows, err := postgres.Reader(ctx, q.DB).Query(ctx, statement, args...)
	if err != nil {
		return nil, false, postgres.Translate(err)
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Purchase, err error) {
		return p, row.Scan(&p.ID, &p.RaffleID, &p.RaffleTitle, &p.RaffleStatus, &p.Numbers, &p.TotalPrice, &p.Currency,
			&p.Status, &p.PaymentMethod, &p.Winner, &p.CreatedAt)
	})
	if err != nil {
		return nil, false, postgres.Translate(err)
	}
	if len(page) > limit {
		return page[:limit], true, nil
	}
	return page, false, nil
}

// purchasesPage reads one purchase more than the page has. The position is in the statement only where there is
// one: a condition that could also be none is no place in the index, and every page would read those before it.
func purchasesPage(participantID uuid.UUID, after *Position, limit int) (sql string, args []any) {
	args = []any{participantID, limit + 1}
	before := ""
	if after != nil {
		before, args = ` AND (created_at, id) < ($3, $4)`, append(args, after.CreatedAt, after.ID)
	}
	return `
		SELECT id, raffle_id, raffle_title,
			CASE WHEN raffle_status = 'open' AND raffle_draw_at <= now() THEN 'closed' ELSE raffle_status END,
			numbers, total_price::text, currency, status, payment_method, winner, created_at
		FROM purchases_read
		WHERE participant_id = $1` + before + `
		ORDER BY created_at DESC, id DESC
		LIMIT $2`, args
}

func (q *Queries) mayRead(ctx context.Context, participantID uuid.UUID, caller *uuid.UUID) error {
	var account *uuid.UUID
	err := postgres.Reader(ctx, q.DB).
		QueryRow(ctx, `SELECT user_id FROM participants_read WHERE id = $1`, participantID).Scan(&account)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return raffle.Refuse(raffle.CodeNotFound, "There is no participant with this id.")
	case err != nil:
		return postgres.Translate(err)
	case account == nil || caller != nil && *caller == *account:
		return nil
	case caller == nil:
		return raffle.Refuse(raffle.CodeUnauthenticated, "This participant belongs to an account: sign in and send its token.")
	}
	return raffle.Refuse(raffle.CodeForbidden, "This participant belongs to another account.")
}
