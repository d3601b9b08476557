package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
)

// record is the draw of one raffle as it is stored: what it is computed from.
type record struct {
	draw.Input
	rules     draw.Rules
	attempt   int16 // of the seal
	witnessed bool  // the seal was seen committed in time, or has no such limit
	results   []enteredResult
}

// enteredResult is a lottery result with its place in the record.
type enteredResult struct {
	draw.LotteryResult
	confirmedAt *time.Time
}

// errNoRules is what a raffle lacks that was drawn, or made, by a version that knew no rules.
var errNoRules = errors.New("no rules of its draw were published")

// loadRecord reads rules and seal, or returns errNoRules; the seal's hash is zero before there is one. The list is read by
// loadEntries, since only the draw needs it.
func loadRecord(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) (record, error) {
	var (
		r                     record
		rulesHash, commitment []byte
		root, ref, seal       []byte
		sealedAt              *time.Time
		n                     *int
		round                 *int64
		attempt               *int16
	)
	err := tx.QueryRow(ctx, `
		SELECT d.document, d.secret, d.rules_hash, d.commitment, s.attempt, s.sealed_at, s.n, s.root, s.ref, s.round, s.seal,
			s.commit_by IS NULL OR s.witnessed_at IS NOT NULL
		FROM draw_rules d LEFT JOIN draw_seals s ON s.raffle_id = d.raffle_id AND s.void_at IS NULL
		WHERE d.raffle_id = $1`, raffleID).
		Scan(&r.Rules, &r.Secret, &rulesHash, &commitment, &attempt, &sealedAt, &n, &root, &ref, &round, &seal, &r.witnessed)
	if errors.Is(err, pgx.ErrNoRows) {
		return record{}, fmt.Errorf("raffle %s: %w", raffleID, errNoRules)
	}
	if err != nil {
		return record{}, err
	}
	if r.rules, err = draw.ParseRules(r.Rules); err != nil {
		return record{}, err
	}
	if seal != nil {
		r.attempt = *attempt
		r.Seal = draw.Seal{
			RaffleID: raffleID, Commitment: draw.Hash(commitment), RulesHash: draw.Hash(rulesHash), N: *n, Root: draw.Hash(root),
			SealedAt: sealedAt.UTC(), Ref: ref, Round: uint64(*round), E: draw.Hash(seal),
		}
	}
	return r, nil
}

func (r record) sealed() bool { return !r.Seal.E.IsZero() }

// loadEntries reads the sealed list.
func (r *record) loadEntries(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) error {
	rows, err := tx.Query(ctx, `SELECT entries FROM draw_entries WHERE raffle_id = $1 ORDER BY chunk`, raffleID)
	if err != nil {
		return err
	}
	r.Entries = make([]draw.Entry, 0, r.Seal.N)
	var packed []byte
	_, err = pgx.ForEachRow(rows, []any{&packed}, func() (err error) {
		r.Entries, err = draw.ParseChunk(r.Entries, packed)
		return err
	})
	return err
}

// loadResults reads the lottery results in the order they were entered.
func (r *record) loadResults(ctx context.Context, tx pgx.Tx, raffleID uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		SELECT digits, suspended, draw_number, draw_date, source_url, evidence, confirmed_at
		FROM lottery_results WHERE raffle_id = $1 ORDER BY position`, raffleID)
	if err != nil {
		return err
	}
	r.results, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e enteredResult, err error) {
		var evidence []byte
		err = row.Scan(&e.Digits, &e.Suspended, &e.DrawNumber, &e.Date, &e.SourceURL, &evidence, &e.confirmedAt)
		if err == nil {
			e.Evidence = draw.Hash(evidence)
		}
		return e, err
	})
	for _, e := range r.results {
		r.Results = append(r.Results, e.LotteryResult)
	}
	return err
}
