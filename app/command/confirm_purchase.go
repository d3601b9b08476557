package command

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/draw"
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
	PaymentMethod    string     // at most 30 characters, not counting spaces around them
	PaymentReference *string    // at most 120 characters, unique in the raffle; spaces around it do not count
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
	Receipt       *draw.Receipt // to be signed; nil for a sale older than receipts

	soldOut bool // it was the last sale
}

// Confirm sells what the reservation holds, all or nothing; repeating it returns the same purchase.
// A hold whose time is up still succeeds when nobody took any of its numbers, else it is refused
// with CodeReservationExpired and the numbers lost. Selling the last number closes the raffle and
// seals it.
//
// It costs one statement while free numbers are left. After that sellers take the raffle alone, one
// after the other, so that the one who sells the last number sees every other sale (the migration
// sold_by_purchase explains why that is enough).
//
// The locks are those of Reserve, and the reservation's row: a second confirm, or a release, of the
// same reservation waits for this one and then finds the purchase. No sale comes after a close or a
// seal because the status is read under the shared lock, in a statement of its own.
func (c *Raffles) Confirm(ctx context.Context, in ConfirmPurchase) (Purchase, error) {
	in.PaymentMethod, in.PaymentReference = raffle.CleanText(in.PaymentMethod), cleaned(in.PaymentReference)
	if err := in.check(); err != nil {
		return Purchase{}, err
	}
	purchase := Purchase{ID: uuid.Must(uuid.NewV7()), RaffleID: in.RaffleID}
	err := c.confirm(ctx, in, &purchase, sharing)
	if code(err) == codeLastNumbers {
		err = c.confirm(ctx, in, &purchase, alone)
	}
	if postgres.UniqueViolation(err) == "purchases_payment_reference_key" {
		return Purchase{}, raffle.Refuse(raffle.CodePaymentReference, "This payment reference belongs to another purchase of the raffle.")
	}
	if err == nil && purchase.soldOut {
		// The sale is committed first, and stands; the schedule seals what could not be sealed here.
		_ = onceCommitted(ctx, func(ctx context.Context) error { return c.sealSoldOut(ctx, in.RaffleID) })
	}
	return purchase, refusal(err)
}

func (in ConfirmPurchase) check() error {
	var bad []raffle.FieldError
	if in.PaymentMethod == "" {
		bad = fault(bad, "body.payment_method", "must not be blank")
	}
	if in.PaymentReference != nil && *in.PaymentReference == "" {
		bad = fault(bad, "body.payment_reference", "must not be blank")
	}
	if len(bad) > 0 {
		return raffle.Invalid(bad...)
	}
	return nil
}

var confirmStatement = `
	SELECT p.purchase_id, p.participant_id, p.numbers, p.total_price::text, p.currency, p.status, p.created_at, p.owner, p.commitment, ` +
	projection.PurchaseMade("p", "$1", "$6") + ", " + projection.NumbersSold("$1", "p.numbers", "$10") + `
	FROM confirm_purchase($1, $2, $3, $4, $5, $6, $7, $8, $9) AS p`

func (c *Raffles) confirm(ctx context.Context, in ConfirmPurchase, out *Purchase, lock lockMode) error {
	newPurchase, salt := out.ID, draw.NewSalt()
	sold := func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
		return out.find(ctx, db, newPurchase)
	}
	args := []any{
		in.RaffleID, in.ReservationID, in.Caller, in.ParticipantID, newPurchase,
		in.PaymentMethod, in.PaymentReference, lock == alone, salt, projection.Slot(),
	}
	scan := func(row pgx.Row) error { return out.scan(row, nil, nil) }
	if lock == sharing {
		return postgres.InOneStatement(ctx, c.DB, sold, scan, confirmStatement, args...)
	}
	return postgres.InOneTrip(ctx, c.DB, sold, func(b *pgx.Batch) {
		b.Queue(confirmStatement, args...).QueryRow(scan)
		projection.RaffleChanged(b, in.RaffleID) // only now can it have been the last sale
		b.Queue(`SELECT status = 'closed' FROM raffles WHERE id = $1`, in.RaffleID).
			QueryRow(func(row pgx.Row) error { return row.Scan(&out.soldOut) })
	})
}

// scan reads a sale with what its receipt says beyond it, and the columns after that into rest.
func (p *Purchase) scan(row pgx.Row, rest ...any) error {
	var owner, commitment []byte
	err := row.Scan(append([]any{&p.ID, &p.ParticipantID, &p.Numbers, &p.TotalPrice, &p.Currency, &p.Status, &p.CreatedAt, &owner, &commitment}, rest...)...)
	if err != nil || owner == nil || commitment == nil {
		return err
	}
	numbers := make([]int, len(p.Numbers))
	for i, n := range p.Numbers {
		numbers[i] = int(n)
	}
	slices.Sort(numbers)
	p.Receipt = &draw.Receipt{
		RaffleID: p.RaffleID, Commitment: draw.Hash(commitment), PurchaseID: p.ID, Owner: draw.Hash(owner), Numbers: numbers, IssuedAt: p.CreatedAt,
	}
	return nil
}

// find tells, after an unanswered commit, whether this call made the purchase. One that another call made
// does not count: the command must run again to see whether this caller may be told of it.
func (p *Purchase) find(ctx context.Context, db *pgxpool.Pool, id uuid.UUID) (done bool, err error) {
	err = p.scan(db.QueryRow(ctx, `
		SELECT p.id, p.participant_id, p.numbers, p.total_price::text, p.currency, p.status, p.created_at, o.owner, r.commitment
		FROM purchases p
		LEFT JOIN draw_owners o ON o.raffle_id = p.raffle_id AND o.participant_id = p.participant_id
		LEFT JOIN draw_rules r ON r.raffle_id = p.raffle_id
		WHERE p.id = $1`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
