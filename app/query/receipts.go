package query

import (
	"context"
	"crypto/ed25519"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Receipt answers what the receipt of a purchase says, unsigned. The purchase's id is a secret of its
// buyer; a participant that belongs to an account needs that account's token, or the organiser's.
func (q *Queries) Receipt(ctx context.Context, raffleID, purchaseID uuid.UUID, caller *uuid.UUID) (draw.Receipt, error) {
	var (
		receipt           = draw.Receipt{RaffleID: raffleID, PurchaseID: purchaseID}
		participant       uuid.UUID
		organiser         *uuid.UUID
		owner, commitment []byte
		status            raffle.Status
	)
	err := postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		SELECT p.participant_id, r.owner_id, p.numbers, p.created_at, p.owner, d.commitment, r.status
		FROM purchases_read p
		JOIN raffles_read r ON r.id = p.raffle_id
		LEFT JOIN draws_read d ON d.raffle_id = p.raffle_id
		WHERE p.id = $1 AND p.raffle_id = $2`, purchaseID, raffleID).
		Scan(&participant, &organiser, &receipt.Numbers, &receipt.IssuedAt, &owner, &commitment, &status)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return draw.Receipt{}, raffle.Refuse(raffle.CodeNotFound, "This raffle has no purchase with this id.")
	case err != nil:
		return draw.Receipt{}, postgres.Translate(err)
	case (owner == nil || commitment == nil) && (status == raffle.Open || status == raffle.Closed):
		return draw.Receipt{}, raffle.Refuse(raffle.CodeNotFound, "This purchase gets its receipt when the raffle is sealed: ask again then.")
	case owner == nil || commitment == nil:
		return draw.Receipt{}, raffle.Refuse(raffle.CodeNotFound, "This purchase is older than receipts.")
	}
	if caller == nil || organiser == nil || *caller != *organiser {
		if err := q.mayRead(ctx, participant, caller); err != nil {
			return draw.Receipt{}, err
		}
	}
	receipt.Owner, receipt.Commitment = draw.Hash(owner), draw.Hash(commitment)
	return receipt, nil
}

// ReceiptKeys answers every key that ever signed receipts, the newest first.
func (q *Queries) ReceiptKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	rows, err := postgres.Reader(ctx, q.DB).Query(ctx, `SELECT public_key FROM receipt_keys_read ORDER BY created_at DESC`)
	if err != nil {
		return nil, postgres.Translate(err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (key ed25519.PublicKey, err error) {
		var public []byte
		err = row.Scan(&public)
		return public, err
	})
	return keys, postgres.Translate(err)
}
