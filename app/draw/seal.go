package draw

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ErrSealTooLate refuses a lottery seal that does not precede the official draw: the organiser could
// have known the result.
var ErrSealTooLate = errors.New("the official draw of the lottery has begun: this raffle can no longer be sealed")

// Seal is what is fixed and published when sales end.
type Seal struct {
	RaffleID   uuid.UUID
	Commitment Hash // C
	RulesHash  Hash
	N          int  // sold numbers
	Root       Hash // of their tree
	SealedAt   time.Time
	Ref        Hex    // names the entropy to come
	Round      uint64 // the quicknet round, 0 where the rules ask for none
	E          Hash   // the seal itself: a witness against back-dating
}

// SealInput is what a seal is made from.
type SealInput struct {
	RaffleID uuid.UUID
	Rules    []byte    // the document, as stored
	Secret   []byte    // S of commit_reveal, else empty
	List     List      // of the sold numbers
	SealedAt time.Time // the database's clock at the end of the work; cut to whole seconds here
}

// NewSeal computes a seal:
//
//	E   = TH("rifa/v1/seal"; raffle_id, C, rules_hash, u64 n, root, i64 sealed_at, ref)
//	ref = chain_hash ‖ u64 round (beacon), SHA-256(lottery block) (lottery), empty (commit_reveal)
//
// Errors: ErrNothingSold, ErrSealTooLate, or a rules document that cannot be read. (DRAW.md, step 3.)
func NewSeal(in SealInput) (Seal, error) {
	rules, err := ParseRules(in.Rules)
	if err != nil {
		return Seal{}, err
	}
	if in.List.N == 0 {
		return Seal{}, ErrNothingSold
	}
	s := Seal{
		RaffleID: in.RaffleID, RulesHash: RulesHash(in.Rules), N: in.List.N, Root: in.List.Root,
		SealedAt: time.Unix(in.SealedAt.Unix(), 0).UTC(), Ref: Hex{},
	}
	s.Commitment = Commitment(in.RaffleID, s.RulesHash, in.Secret)
	s.Round = rules.Round(s.SealedAt)
	switch rules.Method {
	case MethodBeacon:
		s.Ref = beaconRef(s.Round)
	case MethodLottery:
		if !s.SealedAt.Before(rules.Lottery.Time()) {
			return Seal{}, ErrSealTooLate
		}
		block := sha256.Sum256(rules.LotteryBlock)
		s.Ref = block[:]
	}
	s.E = s.compute()
	return s, nil
}

func (s Seal) compute() Hash {
	return TH("rifa/v1/seal", s.RaffleID[:], s.Commitment[:], s.RulesHash[:], u64(uint64(s.N)), s.Root[:], i64(s.SealedAt.Unix()), s.Ref)
}

// Round is the quicknet round that a seal made at sealedAt fixes, 0 where the rules ask for none. A
// lottery with beacon_among_sold uses the first round at or after the lottery's own draw: nobody
// knows it at the seal.
func (r Rules) Round(sealedAt time.Time) uint64 {
	switch {
	case r.Method == MethodBeacon:
		return SealRound(sealedAt, r.DrawAt)
	case r.Lottery != nil && r.Lottery.NeedsBeacon():
		return SealRound(sealedAt, r.Lottery.Time())
	}
	return 0
}

// CommitBy is the latest moment at which the transaction that stores a beacon's seal may commit: 30 s
// before its round. A later seal is void and another one is made, on record. Zero means no limit.
func (s Seal) CommitBy(method Method) time.Time {
	if method != MethodBeacon {
		return time.Time{}
	}
	return RoundTime(s.Round).Add(-CommitMargin)
}

// AvailableAt is the first moment at which a sealed raffle may be drawn: a call before it answers 409
// with available_at. For a lottery it is the official draw; the objection window starts when the
// result is confirmed.
func AvailableAt(r Rules, s Seal) time.Time {
	switch r.Method {
	case MethodBeacon:
		return RoundTime(s.Round)
	case MethodLottery:
		return r.Lottery.Time()
	}
	if r.DrawAt.After(s.SealedAt) {
		return r.DrawAt
	}
	return s.SealedAt
}

// NotBefore is the latest of from, the draw_at in the rules and the raffle's own. The rules round theirs up to a
// whole second; rules without one leave the raffle's as it is.
func NotBefore(from time.Time, r Rules, drawAt *time.Time) time.Time {
	if r.DrawAt.After(from) {
		from = r.DrawAt
	}
	if drawAt != nil && drawAt.After(from) {
		from = *drawAt
	}
	return from
}

// Input is what the draw of a sealed raffle is computed from.
type Input struct {
	Rules     []byte          // the document, as stored
	Seal      Seal            // as stored
	Entries   []Entry         // the sealed list, ascending
	Secret    []byte          // S, for commit_reveal
	Round     uint64          // with Signature: the quicknet round the caller brings
	Signature []byte          // for beacon, and for a lottery whose outcome is OutcomeBeacon
	Results   []LotteryResult // for lottery: all results entered, in order
}

// Result is a finished draw.
type Result struct {
	Key     Hash     // D
	Winners []Winner // in draw order; empty when the rules say that nobody wins
	Outcome Outcome  // for lottery; OutcomeWinner otherwise
}

// ErrSecret refuses a secret that is not the committed one.
var ErrSecret = errors.New("the secret is not the one committed when the raffle was published")

// ErrResultMissing refuses the draw of a lottery raffle that no result decides yet.
var ErrResultMissing = errors.New("no lottery result decides this raffle yet")

// Draw computes the draw from the seal and the entropy. The same input gives the same result, always;
// store it and answer it to every later call. Whether the time has come is the caller's question
// (AvailableAt). Errors: ErrWrongRound, ErrBadSignature, ErrSecret, ErrResultMissing, Faults of a lottery
// result, or input that does not belong to this seal.
func Draw(in Input) (Result, error) {
	rules, err := ParseRules(in.Rules)
	if err != nil {
		return Result{}, err
	}
	if RulesHash(in.Rules) != in.Seal.RulesHash || in.Seal.compute() != in.Seal.E {
		return Result{}, fmt.Errorf("the stored rules and the stored seal do not belong together")
	}
	if len(in.Entries) != in.Seal.N {
		return Result{}, fmt.Errorf("the list has %d entries, the seal %d", len(in.Entries), in.Seal.N)
	}
	switch rules.Method {
	case MethodBeacon:
		return in.byBeacon(rules)
	case MethodCommitReveal:
		if len(in.Secret) != SecretSize || Commitment(in.Seal.RaffleID, in.Seal.RulesHash, in.Secret) != in.Seal.Commitment {
			return Result{}, ErrSecret
		}
		return in.pick(rules, PickKey(in.Seal.E, in.Secret, nil)), nil
	}
	return in.byLottery(rules)
}

func (in Input) pick(rules Rules, key Hash) Result {
	return Result{Key: key, Outcome: OutcomeWinner, Winners: Winners(key, in.Entries, rules.PrizeCount, rules.Alternates, rules.Exclude)}
}

func (in Input) byBeacon(rules Rules) (Result, error) {
	if err := CheckBeacon(in.Seal.Round, in.Round, in.Signature); err != nil {
		return Result{}, err
	}
	randomness := Randomness(in.Signature)
	return in.pick(rules, PickKey(in.Seal.E, nil, randomness[:])), nil
}

func (in Input) byLottery(rules Rules) (Result, error) {
	if err := CheckResultDates(rules, in.Entries, in.Results); err != nil {
		return Result{}, err
	}
	outcome, at, _, err := DecideLottery(rules, in.Entries, in.Results)
	if err != nil {
		return Result{}, err
	}
	result := Result{Key: PickKey(in.Seal.E, nil, nil), Outcome: outcome, Winners: []Winner{}}
	switch outcome {
	case OutcomeWinner:
		result.Winners = []Winner{{Number: in.Entries[at].Number, Owner: in.Entries[at].Owner}}
	case OutcomeBeacon:
		drawn, err := in.byBeacon(rules)
		drawn.Outcome = OutcomeBeacon
		return drawn, err
	case OutcomeRepeat, OutcomeNone:
		return Result{}, ErrResultMissing
	}
	return result, nil
}
