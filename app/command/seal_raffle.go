package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Seal ends the sales of a raffle of the caller's for good: it closes the raffle, drops its holds, and
// fixes and publishes the list of sold numbers and what will decide. It may come before draw_at.
// Repeating it changes nothing. Refused: nothing sold, and a lottery whose official draw has begun.
func (c *Raffles) Seal(ctx context.Context, raffleID, caller uuid.UUID) error {
	return c.seal(ctx, raffleID, func(tx pgx.Tx) (owned, error) { return lockOwned(ctx, tx, raffleID, caller) })
}

// seal seals the raffle that lock has locked alone and found fit. A second transaction then witnesses
// that the first was committed in time.
func (c *Raffles) seal(ctx context.Context, raffleID uuid.UUID, lock func(tx pgx.Tx) (owned, error)) error {
	unwitnessed := false
	err := postgres.InTxResolved(ctx, c.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		current, err := lock(tx)
		if err != nil {
			return err
		}
		if current.Sealed && current.Status != raffle.Cancelled {
			unwitnessed = !current.Witnessed
			return nil
		}
		unwitnessed, err = sealSold(ctx, tx, current)
		return err
	})
	if err != nil || !unwitnessed {
		return err
	}
	return onceCommitted(ctx, func(ctx context.Context) error { return c.witness(ctx, raffleID) })
}

// sealPatience is what one statement of a seal may take: those of 100 000 numbers take seconds while many buy
// elsewhere. It leaves time for the other raffles of the minute's work.
const sealPatience = 7 * time.Second

// sealSold seals in the caller's transaction, which holds the raffle's lock alone: buyers share that
// lock, so every sale is in the list or will find the raffle closed. The seal's time is read from the
// database's clock once the rest is done, because now() is when the transaction began. It says whether
// the seal must be witnessed after the commit.
func sealSold(ctx context.Context, tx pgx.Tx, current owned) (unwitnessed bool, err error) {
	if current.Status != raffle.Open && current.Status != raffle.Closed {
		return false, transition(current.Status, "only an open or a closed raffle can be sealed or drawn")
	}
	if err := postgres.Patiently(ctx, tx, sealPatience); err != nil {
		return false, err
	}
	r, err := loadAdopted(ctx, tx, current.ID)
	if err != nil {
		return false, err
	}
	entries, err := soldNumbers(ctx, tx, current.ID)
	if errors.Is(err, errNoOwner) {
		if err := adoptBuyers(ctx, tx, current.ID); err != nil {
			return false, err
		}
		entries, err = soldNumbers(ctx, tx, current.ID)
	}
	if err != nil {
		return false, err
	}
	list, err := draw.NewList(entries)
	if errors.Is(err, draw.ErrNothingSold) {
		return false, raffle.Refuse(raffle.CodeNothingSold, "No number of this raffle was sold; there is nothing to seal and nobody to win.")
	}
	if err != nil {
		return false, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE raffles SET status = 'closed', updated_at = now() WHERE id = $1`, current.ID)
	batch.Queue(`DELETE FROM tickets WHERE raffle_id = $1 AND purchase_id IS NULL`, current.ID)
	queueEntries(batch, current.ID, entries)
	projection.HoldsDropped(batch, current.ID)
	projection.RaffleChanged(batch, current.ID)
	projection.BuyersAdopted(batch, current.ID)
	projection.ListSealed(batch, current.ID)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return false, err
	}
	return storeSeal(ctx, tx, current.ID, r, list)
}

// errNoOwner is what a sale lacks that was made by a version that knew no draws.
var errNoOwner = errors.New("sold, and nothing stands for its buyer")

// soldNumbers is the list to be sealed, ascending, or errNoOwner.
func soldNumbers(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) ([]draw.Entry, error) {
	rows, err := tx.Query(ctx, `
		SELECT t.number, o.owner
		FROM tickets t
		JOIN purchases p ON p.id = t.purchase_id
		LEFT JOIN draw_owners o ON o.raffle_id = t.raffle_id AND o.participant_id = p.participant_id
		WHERE t.raffle_id = $1
		ORDER BY t.number`, raffleID)
	if err != nil {
		return nil, err
	}
	var (
		entries []draw.Entry
		number  int
		owner   pgtype.DriverBytes
	)
	_, err = pgx.ForEachRow(rows, []any{&number, &owner}, func() error {
		if len(owner) != len(draw.Hash{}) {
			return fmt.Errorf("number %d: %w", number, errNoOwner)
		}
		entries = append(entries, draw.Entry{Number: number, Owner: draw.Hash(owner)})
		return nil
	})
	return entries, err
}

func queueEntries(b *pgx.Batch, raffleID uuid.UUID, entries []draw.Entry) {
	var (
		chunks []int16
		first  []int32
		packed [][]byte
	)
	for from := 0; from < len(entries); from += draw.ChunkSize {
		_, to := draw.ChunkRange(from, len(entries))
		chunks = append(chunks, int16(from/draw.ChunkSize))
		first = append(first, int32(entries[from].Number))
		packed = append(packed, draw.AppendChunk(nil, entries[from:to]))
	}
	b.Queue(`
		INSERT INTO draw_entries (raffle_id, chunk, first_number, entries)
		SELECT $1, chunk, first_number, entries
		FROM unnest($2::smallint[], $3::integer[], $4::bytea[]) AS c (chunk, first_number, entries)`, raffleID, chunks, first, packed)
}

// storeSeal makes the seal of the list at this moment and publishes it. It says whether the seal must be
// witnessed after the commit. (By default the table takes a seal for witnessed: older versions see to
// their own.)
func storeSeal(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID, r record, list draw.List) (unwitnessed bool, err error) {
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT date_trunc('second', clock_timestamp())`).Scan(&now); err != nil {
		return false, err
	}
	seal, err := draw.NewSeal(draw.SealInput{RaffleID: raffleID, Rules: r.Rules, Secret: r.Secret, List: list, SealedAt: now})
	if errors.Is(err, draw.ErrSealTooLate) {
		return false, raffle.Refuse(raffle.CodeSealTooLate, "The official draw of the lottery has begun, so the raffle can no longer be sealed; cancel it.")
	}
	if err != nil {
		return false, err
	}
	var commitBy *time.Time
	if at := seal.CommitBy(r.rules.Method); !at.IsZero() {
		commitBy = &at
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO draw_seals (raffle_id, attempt, sealed_at, n, root, checkpoints, ref, round, seal, commit_by, witnessed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)`,
		raffleID, r.attempt+1, seal.SealedAt, seal.N, seal.Root[:], list.Checkpoints, []byte(seal.Ref), int64(seal.Round), seal.E[:], commitBy)
	projection.DrawChanged(batch, raffleID)
	return commitBy != nil, tx.SendBatch(ctx, batch).Close()
}
