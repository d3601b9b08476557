package draw

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Receipt is what a buyer keeps: a signed statement that these numbers were sold. It proves later
// that a sold number was left out of the sealed list.
type Receipt struct {
	Protocol   string    `json:"protocol"`
	RaffleID   uuid.UUID `json:"raffle_id"`
	Commitment Hash      `json:"commitment"`
	PurchaseID uuid.UUID `json:"purchase_id"`
	Owner      Hash      `json:"owner"`
	Numbers    []int     `json:"numbers"`   // ascending
	IssuedAt   time.Time `json:"issued_at"` // whole seconds
	KeyID      string    `json:"key_id"`
	PublicKey  Hex       `json:"public_key"` // must be one of /rifaapp/.well-known/rifa-keys.json
	Signature  Hex       `json:"signature"`
}

// ErrReceipt says that a receipt's signature does not hold.
var ErrReceipt = errors.New("the receipt was changed, or was not signed with this key")

// message is TH("rifa/v1/receipt"; raffle_id, C, purchase_id, owner, u64 each number ascending, i64
// issued_at): the hash that is signed. (DRAW.md, step 2.)
func (r Receipt) message() Hash {
	fields := [][]byte{r.RaffleID[:], r.Commitment[:], r.PurchaseID[:], r.Owner[:]}
	for _, n := range r.Numbers {
		fields = append(fields, u64(uint64(n)))
	}
	return TH("rifa/v1/receipt", append(fields, i64(r.IssuedAt.Unix()))...)
}

// SignReceipt fills in what the server adds and signs with Ed25519 (RFC 8032). Numbers must be
// ascending and distinct; IssuedAt is cut to whole seconds.
func SignReceipt(r Receipt, key ed25519.PrivateKey) (Receipt, error) {
	if err := r.check(); err != nil {
		return Receipt{}, err
	}
	r.Protocol = Protocol
	r.IssuedAt = time.Unix(r.IssuedAt.Unix(), 0).UTC()
	public, _ := key.Public().(ed25519.PublicKey) // an Ed25519 key's public half always is one
	r.PublicKey, r.KeyID = Hex(public), KeyID(public)
	message := r.message()
	r.Signature = ed25519.Sign(key, message[:])
	return r, nil
}

func (r Receipt) check() error {
	if len(r.Numbers) == 0 || r.Numbers[0] < 0 {
		return fmt.Errorf("a receipt names at least one number, none below 0")
	}
	for i := 1; i < len(r.Numbers); i++ {
		if r.Numbers[i] <= r.Numbers[i-1] {
			return fmt.Errorf("the numbers of a receipt ascend and none appears twice")
		}
	}
	return nil
}

// Verify checks the signature against the key that the receipt names. It does not say whose key that
// is: compare KeyID and PublicKey with the published keys.
func (r Receipt) Verify() error {
	if r.Protocol != Protocol {
		return fmt.Errorf("%w: it is of protocol %q, not %s", ErrReceipt, r.Protocol, Protocol)
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if len(r.PublicKey) != ed25519.PublicKeySize || r.KeyID != KeyID(ed25519.PublicKey(r.PublicKey)) || r.IssuedAt.Nanosecond() != 0 {
		return ErrReceipt
	}
	message := r.message()
	if !ed25519.Verify(ed25519.PublicKey(r.PublicKey), message[:], r.Signature) {
		return ErrReceipt
	}
	return nil
}

// KeyID names a receipt key: the first 16 hexadecimal digits of its SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Keys is the document at /rifaapp/.well-known/rifa-keys.json: a JWK set (RFC 7517, RFC 8037). Keys
// that no longer sign stay in it, or old receipts could not be checked.
type Keys struct {
	Keys []Key `json:"keys"`
}

// Key is one public key that signs, or signed, receipts.
type Key struct {
	Type  string `json:"kty"` // "OKP"
	Curve string `json:"crv"` // "Ed25519"
	ID    string `json:"kid"`
	X     string `json:"x"` // base64url without padding
	Use   string `json:"use"`
	Alg   string `json:"alg"`
}

// NewKeys lists public keys for publication.
func NewKeys(public ...ed25519.PublicKey) Keys {
	keys := Keys{Keys: []Key{}}
	for _, key := range public {
		keys.Keys = append(keys.Keys, Key{
			Type: "OKP", Curve: "Ed25519", ID: KeyID(key), X: base64.RawURLEncoding.EncodeToString(key), Use: "sig", Alg: "EdDSA",
		})
	}
	return keys
}

// Has says whether a receipt's key is among the published ones.
func (k Keys) Has(r Receipt) bool {
	for _, key := range k.Keys {
		x, err := base64.RawURLEncoding.DecodeString(key.X)
		if err == nil && key.Curve == "Ed25519" && key.ID == r.KeyID && string(x) == string(r.PublicKey) {
			return true
		}
	}
	return false
}
