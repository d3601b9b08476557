package command

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
)

// receiptKeyLock is held while the database's own receipt key is made, so that it is made once.
const receiptKeyLock = 0x72636570 // "rcep"

// Receipts signs what buyers keep. Every key that ever signed stays published. It is safe for
// concurrent use.
type Receipts struct {
	DB *pgxpool.Pool
	// Seed of the Ed25519 key (RFC 8032, 32 bytes); nil for a key of the database's own, made at the
	// first receipt.
	Seed []byte

	known atomic.Pointer[ed25519.PrivateKey] // published for certain
}

// Sign completes a receipt and signs it. The same purchase gets the same receipt as long as the key
// stays the same: Ed25519 is deterministic.
func (r *Receipts) Sign(ctx context.Context, receipt draw.Receipt) (draw.Receipt, error) {
	key, err := r.key(ctx)
	if err != nil {
		return draw.Receipt{}, err
	}
	return draw.SignReceipt(receipt, key)
}

// key returns the signing key, published. One that the caller's own transaction has just published
// is not remembered: that transaction may yet be rolled back.
func (r *Receipts) key(ctx context.Context) (ed25519.PrivateKey, error) {
	if known := r.known.Load(); known != nil {
		return *known, nil
	}
	key, err := r.find(ctx, postgres.Reader(ctx, r.DB))
	if err != nil {
		return nil, postgres.Translate(err)
	}
	if key != nil {
		r.known.Store(&key)
		return key, nil
	}
	err = postgres.InTxResolved(ctx, r.DB, postgres.RerunIsSafe, func(tx pgx.Tx) (err error) {
		key, err = r.publish(ctx, tx)
		return err
	})
	return key, err
}

// find looks for the key among the published ones; nil when it is not there.
func (r *Receipts) find(ctx context.Context, db postgres.Querier) (ed25519.PrivateKey, error) {
	var (
		seed  []byte
		keyID *string
	)
	if r.Seed != nil {
		keyID = new(draw.KeyID(publicKey(r.Seed)))
	}
	err := db.QueryRow(ctx, `
		SELECT private_key FROM receipt_keys WHERE CASE WHEN $1::text IS NULL THEN private_key IS NOT NULL ELSE key_id = $1 END
		ORDER BY created_at DESC LIMIT 1`, keyID).Scan(&seed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil //nolint:nilnil // there is none yet, which is no fault
	case err != nil:
		return nil, err
	case r.Seed != nil:
		seed = r.Seed
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func (r *Receipts) publish(ctx context.Context, tx pgx.Tx) (ed25519.PrivateKey, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, receiptKeyLock); err != nil {
		return nil, err
	}
	if key, err := r.find(ctx, tx); err != nil || key != nil {
		return key, err
	}
	seed, kept := r.Seed, []byte(nil)
	if seed == nil {
		seed = make([]byte, ed25519.SeedSize)
		rand.Read(seed) //nolint:errcheck // it never fails: crypto/rand ends the process instead
		kept = seed
	}
	public := publicKey(seed)
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO receipt_keys (key_id, public_key, private_key) VALUES ($1, $2, $3)`, draw.KeyID(public), []byte(public), kept)
	projection.ReceiptKeyMade(batch, draw.KeyID(public))
	return ed25519.NewKeyFromSeed(seed), tx.SendBatch(ctx, batch).Close()
}

func publicKey(seed []byte) ed25519.PublicKey {
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey) // an Ed25519 key's public half always is one
	return public
}
