package draw

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Proof is the bundle at GET …/draw: everything but the list of entries that is needed to repeat a
// draw. Hashes, the secret, ref and the signature are hexadecimal; what does not exist is the empty
// text or 0. A sealed raffle that is not drawn yet has no secret, no signature and no winners.
type Proof struct {
	RaffleID   uuid.UUID       `json:"raffle_id"`
	Protocol   string          `json:"protocol"`
	Method     Method          `json:"method"`
	Rules      string          `json:"rules,omitempty"` // the rules document as a text, byte for byte
	RulesHash  Hash            `json:"rules_hash"`
	Commitment Hash            `json:"commitment"`
	Secret     Hex             `json:"secret"` // once revealed
	N          int             `json:"n"`
	Root       Hash            `json:"root"`
	SealedAt   time.Time       `json:"sealed_at"`
	Ref        Hex             `json:"ref"`
	Seal       Hash            `json:"seal"` // E
	Round      uint64          `json:"round"`
	Signature  Hex             `json:"signature"`
	DrawKey    *Hash           `json:"draw_key,omitempty"`        // D
	Results    []LotteryResult `json:"lottery_results,omitempty"` // all of them, in the order they were entered
	Outcome    Outcome         `json:"lottery_outcome,omitempty"`
	Winners    []Winner        `json:"winners"`

	// What the API's record says besides; a bundle may leave these out. NewProof does.
	WinningNumber *int            `json:"winning_number,omitempty"` // of the first prize; null when nobody won
	BeaconPath    string          `json:"beacon_path,omitempty"`
	AvailableAt   *time.Time      `json:"available_at,omitempty"`
	DrawnAt       *time.Time      `json:"drawn_at,omitempty"`
	VoidSeals     json.RawMessage `json:"void_seals,omitempty"` // read only to explain a seal that somebody saw

	named map[string]bool // the members that ParseProof found, for null says something and silence does not
}

// Members of the API's record that nothing in the proof binds, so that no verification covers them:
// NotCovered of the record itself, NotCoveredOfResults of each of its lottery_results.
var (
	NotCovered          = []string{"winner_ticket_id", "void_seals"}
	NotCoveredOfResults = []string{"draw_number", "source_url", "evidence_sha256", "entered_at", "confirmed_at"}
)

// leastMembers are those that every bundle of the protocol has.
var leastMembers = []string{
	"raffle_id", "protocol", "method", "rules_hash", "commitment", "secret", "n", "root", "sealed_at", "ref", "seal", "round", "signature", "winners",
}

// least says whether the bundle has no more than every bundle has. The API's record has more, its rules
// among it: one without them was cut.
func (p Proof) least() bool {
	for member := range p.named {
		if !slices.Contains(leastMembers, member) {
			return false
		}
	}
	return p.Rules == "" && p.DrawKey == nil && len(p.Results) == 0 && p.Outcome == ""
}

// NewProof puts the bundle of a sealed raffle together. result is nil before the draw; then secret,
// signature and winners stay out of it, whatever in holds.
func NewProof(in Input, result *Result) (Proof, error) {
	rules, err := ParseRules(in.Rules)
	if err != nil {
		return Proof{}, err
	}
	s := in.Seal
	p := Proof{
		RaffleID: s.RaffleID, Protocol: Protocol, Method: rules.Method, Rules: string(in.Rules), RulesHash: s.RulesHash,
		Commitment: s.Commitment, N: s.N, Root: s.Root, SealedAt: s.SealedAt, Ref: s.Ref, Seal: s.E, Round: s.Round,
		Results: in.Results, Winners: []Winner{},
	}
	if result == nil {
		return p, nil
	}
	p.DrawKey, p.Winners, p.Secret = &result.Key, result.Winners, in.Secret
	if rules.Method == MethodBeacon || result.Outcome == OutcomeBeacon {
		p.Signature = in.Signature
	}
	if rules.Method == MethodLottery {
		p.Outcome = result.Outcome
	}
	return p, nil
}

// Drawn says whether the bundle claims a finished draw.
func (p Proof) Drawn() bool {
	return len(p.Winners) > 0 || len(p.Signature) > 0 || p.Outcome != "" || p.Method == MethodCommitReveal && len(p.Secret) > 0
}

// ErrProtocol says that a proof is of another protocol, or of a later version of this one.
var ErrProtocol = errors.New("another protocol")

// ParseProof reads a bundle. Members it does not know are left alone: the bundle may grow.
func ParseProof(data []byte) (Proof, error) {
	var p Proof
	named, err := memberNames(data)
	if err != nil {
		return Proof{}, fmt.Errorf("the proof: %w", err)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return Proof{}, fmt.Errorf("the proof is not a draw bundle: %w", err)
	}
	if err := checkSpelling(data); err != nil {
		return Proof{}, fmt.Errorf("the proof: %w", err)
	}
	if p.Protocol != Protocol {
		return Proof{}, fmt.Errorf("%w: the proof is of %q, this program knows %s", ErrProtocol, p.Protocol, Protocol)
	}
	p.named = named
	return p, nil
}

// checkSpelling says whether the times of a proof or a receipt are spelled as RFC 3339 wants it.
func checkSpelling(data []byte) error {
	var times struct {
		SealedAt    *string `json:"sealed_at"`
		AvailableAt *string `json:"available_at"`
		DrawnAt     *string `json:"drawn_at"`
		IssuedAt    *string `json:"issued_at"`
	}
	if err := json.Unmarshal(data, &times); err != nil {
		return err
	}
	for _, text := range []*string{times.SealedAt, times.AvailableAt, times.DrawnAt, times.IssuedAt} {
		if text == nil {
			continue
		}
		if _, err := ParseTime(*text); err != nil {
			return err
		}
	}
	return nil
}

func (p Proof) seal() Seal {
	return Seal{
		RaffleID: p.RaffleID, Commitment: p.Commitment, RulesHash: p.RulesHash, N: p.N, Root: p.Root,
		SealedAt: p.SealedAt, Ref: p.Ref, Round: p.Round, E: p.Seal,
	}
}
