package command

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// ConfirmPurchase turns a reservation into a purchase.
type ConfirmPurchase struct {
	RaffleID         uuid.UUID
	ReservationID    uuid.UUID
	Caller           *uuid.UUID // the account of the token, if there is one
	ParticipantID    *uuid.UUID // must be the reservation's when sent
	PaymentMethod    string     // at most 30 characters
	PaymentReference *string    // at most 120 characters, unique in the raffle
}

// Purchase is a sale.
type Purchase struct {
	ID            uuid.UUID
	RaffleID      uuid.UUID
	ParticipantID uuid.UUID
	Numbers       []int32
	TotalPrice    raffle.Money
	Currency      string
	Status        string
	CreatedAt     time.Time
}

// Confirm sells what the reservation holds, all or nothing; repeating it returns the same purchase.
// A hold whose time is up still succeeds when nobody took any of its numbers, else it is refused
// with CodeReservationExpired and the numbers lost. Selling the last number closes the raffle.
//
// It costs one round trip while free numbers are left. After that sellers take the raffle alone, one
// after the other, so that the one who sells the last number sees every other sale (the migration
// buying explains why that is enough).
func (c *Raffles) Confirm(ctx context.Context, in ConfirmPurchase) (Purchase, error) {
	purchase := Purchase{ID: uuid.Must(uuid.NewV7()), RaffleID: in.RaffleID}
	err := c.confirm(ctx, in, &purchase, sharing)
	if code(err) == codeLastNumbers {
		err = c.confirm(ctx, in, &purchase, alone)
	}
	if postgres.UniqueViolation(err) == "purchases_payment_reference_key" {
		return Purchase{}, raffle.Refuse(raffle.CodePaymentReference, "This payment reference belongs to another purchase of the raffle.")
	}
	return purchase, refusal(err)
}

func (c *Raffles) confirm(ctx context.Context, in ConfirmPurchase, out *Purchase, lock lockMode) error {
	newPurchase := out.ID
	sold := func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
		return c.findPurchase(ctx, db, in.ReservationID, out)
	}
	return postgres.InOneTrip(ctx, c.DB, sold, func(b *pgx.Batch) {
		b.Queue(`
			SELECT purchase_id, participant_id, numbers, total_price::text, currency, status, created_at
			FROM sell_numbers($1, $2, $3, $4, $5, $6, $7, $8)`,
			in.RaffleID, in.ReservationID, in.Caller, in.ParticipantID, newPurchase,
			in.PaymentMethod, in.PaymentReference, lock == alone).
			QueryRow(func(row pgx.Row) error { return row.Scan(out.fields()...) })
		projection.NumbersSold(b, in.RaffleID, in.ReservationID)
		projection.PurchaseMade(b, newPurchase)
		if lock == alone { // only then can it have been the last sale
			projection.RaffleChanged(b, in.RaffleID)
		}
	})
}

func (p *Purchase) fields() []any {
	return []any{&p.ID, &p.ParticipantID, &p.Numbers, &p.TotalPrice, &p.Currency, &p.Status, &p.CreatedAt}
}

// findPurchase tells, after an unanswered commit, whether the reservation was sold.
func (c *Raffles) findPurchase(ctx context.Context, db *pgxpool.Pool, reservationID uuid.UUID, out *Purchase) (done bool, err error) {
	err = db.QueryRow(ctx, `
		SELECT id, participant_id, numbers, total_price::text, currency, status, created_at
		FROM purchases WHERE reservation_id = $1`, reservationID).Scan(out.fields()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
