package draw

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/google/uuid"
)

// Sizes of the protocol's random values, in bytes.
const (
	SecretSize = 32 // S of commit_reveal
	SaltSize   = 16 // one per raffle and participant
)

// RulesHash is SHA-256 over the bytes of the rules document as they are stored and served.
func RulesHash(rules []byte) Hash { return sha256.Sum256(rules) }

// Commitment is C = TH("rifa/v1/commit"; raffle_id, rules_hash, S). secret is S for commit_reveal and
// empty for the other methods. (DRAW.md, step 1.)
func Commitment(raffleID uuid.UUID, rulesHash Hash, secret []byte) Hash {
	return TH("rifa/v1/commit", raffleID[:], rulesHash[:], secret)
}

// NewSecret draws the 32 bytes of S. Keep them private until the draw.
func NewSecret() []byte { return random(SecretSize) }

// NewSalt draws the 16 bytes that hide a participant's id in the public list. Make one per raffle
// and participant, and delete it with the person.
func NewSalt() []byte { return random(SaltSize) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // it never fails: crypto/rand ends the process instead
	return b
}

// Owner is TH("rifa/v1/owner"; raffle_id, participant_id, salt): what stands for a participant in the
// public list. Without the salt nobody can go back to the id, nor link one person's raffles.
// (DRAW.md, step 2.)
func Owner(raffleID, participantID uuid.UUID, salt []byte) Hash {
	return TH("rifa/v1/owner", raffleID[:], participantID[:], salt)
}
