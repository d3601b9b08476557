package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Draw is the public record of a raffle's draw, from the seal on. It names no participant.
type Draw struct {
	Proof          draw.Proof // secret, signature and winners only once drawn; zero for a raffle drawn before proofs existed
	Sealed         bool
	AvailableAt    time.Time // when it can be drawn; a lottery's grows with the objection window
	Results        []LotteryResult
	VoidSeals      []VoidSeal
	DrawnAt        *time.Time
	RaffleID       uuid.UUID
	OwnerID        *uuid.UUID // the organiser
	WinnerTicketID *uuid.UUID // of the first prize
	WinningNumber  *int
}

// BeaconPath is where every public drand endpoint serves the round that decides; empty where none does.
func (d Draw) BeaconPath() string { return draw.BeaconPath(d.Proof.Round) }

// Confirmed says whether the lottery result entered last was confirmed.
func (d Draw) Confirmed() bool {
	return len(d.Results) > 0 && d.Results[len(d.Results)-1].ConfirmedAt != nil
}

// LotteryResult is a result as it was entered.
type LotteryResult struct {
	draw.LotteryResult
	EnteredAt   time.Time
	ConfirmedAt *time.Time
}

// VoidSeal is a seal that was committed too late and replaced.
type VoidSeal struct {
	Seal     draw.Hash
	Round    uint64
	SealedAt time.Time
	VoidAt   time.Time
}

// Draw answers the record of a sealed or drawn raffle, CodeNotDrawn before there is one. Raffle and
// record are read by one statement, so the answer is of one moment.
func (q *Queries) Draw(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (Draw, error) {
	d := Draw{RaffleID: raffleID}
	r, err := q.drawRow(ctx, &d, caller)
	switch {
	case err != nil:
		return Draw{}, err
	case !d.Sealed && r.status != raffle.Drawn:
		return Draw{}, raffle.Refuse(raffle.CodeNotDrawn, "This raffle has neither been sealed nor drawn yet.")
	case !d.Sealed:
		return d, nil
	}
	in, result, err := r.input(&d)
	if err != nil {
		return Draw{}, err
	}
	rules, err := draw.ParseRules(in.Rules)
	if err != nil {
		return Draw{}, err
	}
	d.AvailableAt = d.available(rules, in.Seal, r.drawAt)
	d.Proof, err = draw.NewProof(in, result)
	return d, err
}

// drawRow is a raffle with the record of its draw, as far as it goes, as they are read.
type drawRow struct {
	status                                                          raffle.Status
	drawAt, sealedAt                                                *time.Time
	rules, rulesHash, commitment, secret, root, ref, seal, key, sig []byte
	n                                                               *int
	round                                                           *int64
	voids, results, winners                                         []byte
	outcome                                                         *string
}

func (q *Queries) drawRow(ctx context.Context, d *Draw, caller *uuid.UUID) (r drawRow, err error) {
	err = postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		SELECT r.owner_id, `+statusNow+`, r.draw_at, r.winner_ticket_id, r.winning_number,
			d.rules, d.rules_hash, d.commitment, d.secret, d.sealed_at, d.n, d.root, d.ref, d.round, d.seal,
			d.void_seals, d.lottery_results, d.outcome, d.draw_key, d.signature, d.winners, d.drawn_at
		FROM raffles_read r LEFT JOIN draws_read d ON d.raffle_id = r.id
		WHERE r.id = $1 AND (r.status <> 'draft' OR r.owner_id = $2)`, d.RaffleID, caller).
		Scan(&d.OwnerID, &r.status, &r.drawAt, &d.WinnerTicketID, &d.WinningNumber,
			&r.rules, &r.rulesHash, &r.commitment, &r.secret, &r.sealedAt, &r.n, &r.root, &r.ref, &r.round, &r.seal,
			&r.voids, &r.results, &r.outcome, &r.key, &r.sig, &r.winners, &d.DrawnAt)
	d.Sealed = r.seal != nil
	return r, found(err)
}

// input is what the proof of a sealed raffle is made from. result is nil before the draw.
func (r drawRow) input(d *Draw) (in draw.Input, result *draw.Result, err error) {
	in = draw.Input{Rules: r.rules, Secret: r.secret, Signature: r.sig, Seal: draw.Seal{
		RaffleID: d.RaffleID, Commitment: draw.Hash(r.commitment), RulesHash: draw.Hash(r.rulesHash), N: *r.n, Root: draw.Hash(r.root),
		SealedAt: r.sealedAt.UTC(), Ref: r.ref, Round: uint64(*r.round), E: draw.Hash(r.seal),
	}}
	if err := d.readHistory(r.voids, r.results); err != nil {
		return in, nil, err
	}
	for _, entered := range d.Results {
		in.Results = append(in.Results, entered.LotteryResult)
	}
	if d.DrawnAt == nil {
		return in, nil, nil
	}
	result = &draw.Result{Key: draw.Hash(r.key), Winners: []draw.Winner{}, Outcome: draw.Outcome(*r.outcome)}
	if r.winners != nil {
		err = json.Unmarshal(r.winners, &result.Winners)
	}
	return in, result, err
}

// readHistory reads what the read model keeps as JSON, with times in seconds.
func (d *Draw) readHistory(voids, results []byte) error {
	if voids != nil {
		var seals []struct {
			Seal     draw.Hash `json:"seal"`
			Round    uint64    `json:"round"`
			SealedAt int64     `json:"sealed_at"`
			VoidAt   int64     `json:"void_at"`
		}
		if err := json.Unmarshal(voids, &seals); err != nil {
			return fmt.Errorf("void seals: %w", err)
		}
		for _, s := range seals {
			d.VoidSeals = append(d.VoidSeals, VoidSeal{Seal: s.Seal, Round: s.Round, SealedAt: seconds(s.SealedAt), VoidAt: seconds(s.VoidAt)})
		}
	}
	if results != nil {
		var entered []struct {
			draw.LotteryResult
			EnteredAt   int64  `json:"entered_at"`
			ConfirmedAt *int64 `json:"confirmed_at"`
		}
		if err := json.Unmarshal(results, &entered); err != nil {
			return fmt.Errorf("lottery results: %w", err)
		}
		for _, e := range entered {
			r := LotteryResult{LotteryResult: e.LotteryResult, EnteredAt: seconds(e.EnteredAt)}
			if e.ConfirmedAt != nil {
				r.ConfirmedAt = new(seconds(*e.ConfirmedAt))
			}
			d.Results = append(d.Results, r)
		}
	}
	return nil
}

func seconds(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

func (d *Draw) available(rules draw.Rules, seal draw.Seal, drawAt *time.Time) time.Time {
	at := draw.AvailableAt(rules, seal)
	for _, r := range d.Results {
		at = draw.AfterObjections(at, r.ConfirmedAt)
	}
	return draw.NotBefore(at, rules, drawAt).UTC()
}

// LotteryDecision is what the results entered so far lead to.
type LotteryDecision struct {
	Draw
	Outcome draw.Outcome
	Number  *int // of the winner
}

// LotteryDecision answers what the lottery results of a sealed raffle lead to by its rules.
func (q *Queries) LotteryDecision(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (LotteryDecision, error) {
	d, err := q.Draw(ctx, raffleID, caller)
	if err != nil {
		return LotteryDecision{}, err
	}
	entries, err := q.SealedEntries(ctx, raffleID, caller)
	if err != nil {
		return LotteryDecision{}, err
	}
	rules, err := draw.ParseRules([]byte(d.Proof.Rules))
	if err != nil {
		return LotteryDecision{}, err
	}
	outcome, at, _, err := draw.DecideLottery(rules, entries, d.Proof.Results)
	decision := LotteryDecision{Draw: d, Outcome: outcome}
	if at >= 0 {
		decision.Number = &entries[at].Number
	}
	return decision, err
}

// WinnerOf answers the participant who bought a number that won; the organiser may know it.
func (q *Queries) WinnerOf(ctx context.Context, raffleID uuid.UUID, number int) (participantID uuid.UUID, err error) {
	err = postgres.Reader(ctx, q.DB).
		QueryRow(ctx, `SELECT participant_id FROM purchases_read WHERE raffle_id = $1 AND winner AND $2 = ANY (numbers)`, raffleID, number).
		Scan(&participantID)
	return participantID, postgres.Translate(err)
}

// DrawRules answers the rules document of a raffle, byte for byte as it was published; CodeNotFound
// for a raffle that was drawn before rules existed.
func (q *Queries) DrawRules(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (document []byte, err error) {
	if _, err := q.Raffle(ctx, raffleID, caller); err != nil {
		return nil, err
	}
	err = postgres.Reader(ctx, q.DB).QueryRow(ctx, `SELECT rules FROM draws_read WHERE raffle_id = $1`, raffleID).Scan(&document)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, raffle.Refuse(raffle.CodeNotFound, "This raffle was drawn before rules were published.")
	}
	return document, postgres.Translate(err)
}

// SealedEntries answers the sealed list, ascending; CodeNotDrawn before the seal.
func (q *Queries) SealedEntries(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) ([]draw.Entry, error) {
	if _, err := q.sealedList(ctx, raffleID, caller); err != nil {
		return nil, err
	}
	rows, err := postgres.Reader(ctx, q.DB).Query(ctx, `SELECT entries FROM draw_entries_read WHERE raffle_id = $1 ORDER BY chunk`, raffleID)
	if err != nil {
		return nil, postgres.Translate(err)
	}
	var (
		entries []draw.Entry
		packed  []byte
	)
	_, err = pgx.ForEachRow(rows, []any{&packed}, func() (err error) {
		entries, err = draw.ParseChunk(entries, packed)
		return err
	})
	return entries, postgres.Translate(err)
}

// Inclusion answers the audit path of one number of the sealed list, from the one chunk that holds it.
// CodeNotDrawn before the seal, CodeNotFound for a number that is not in the list.
func (q *Queries) Inclusion(ctx context.Context, raffleID uuid.UUID, number int, caller *uuid.UUID) (draw.Inclusion, error) {
	list, err := q.sealedList(ctx, raffleID, caller)
	if err != nil {
		return draw.Inclusion{}, err
	}
	var (
		chunk  int
		packed []byte
	)
	err = postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		SELECT chunk, entries FROM draw_entries_read
		WHERE raffle_id = $1 AND first_number <= $2 ORDER BY chunk DESC LIMIT 1`, raffleID, number).Scan(&chunk, &packed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return draw.Inclusion{}, postgres.Translate(err)
	}
	entries, err := draw.ParseChunk(nil, packed)
	if err != nil {
		return draw.Inclusion{}, err
	}
	at, found := slices.BinarySearchFunc(entries, number, func(e draw.Entry, n int) int { return e.Number - n })
	if !found {
		return draw.Inclusion{}, raffle.Refuse(raffle.CodeNotFound, fmt.Sprintf("Number %d is not in the sealed list: it was not sold.", number))
	}
	return list.NewInclusion(raffleID, chunk*draw.ChunkSize+at, entries)
}

func (q *Queries) sealedList(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (draw.List, error) {
	if _, err := q.Raffle(ctx, raffleID, caller); err != nil {
		return draw.List{}, err
	}
	var (
		list draw.List
		root []byte
	)
	err := postgres.Reader(ctx, q.DB).
		QueryRow(ctx, `SELECT n, root, checkpoints FROM draws_read WHERE raffle_id = $1 AND seal IS NOT NULL`, raffleID).
		Scan(&list.N, &root, &list.Checkpoints)
	if errors.Is(err, pgx.ErrNoRows) {
		return draw.List{}, raffle.Refuse(raffle.CodeNotDrawn, "This raffle has not been sealed yet.")
	}
	if err != nil {
		return draw.List{}, postgres.Translate(err)
	}
	list.Root = draw.Hash(root)
	return list, nil
}
