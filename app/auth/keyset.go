package auth

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// KeyStatus says what a key of the set is for.
type KeyStatus string

// Rotation goes next → current → previous → removed, one step at a time and no faster than KeysLifetime
// and TokenLifetime together: every process then trusts a key before any process signs with it, and
// still trusts it while tokens it signed are around.
const (
	KeyCurrent  KeyStatus = "current"  // signs new tokens
	KeyNext     KeyStatus = "next"     // signs after the next rotation; trusted already
	KeyPrevious KeyStatus = "previous" // signed before the last rotation; still trusted
)

// KeySet holds the Ed25519 keys of access tokens: exactly one current and at most one next and one
// previous. It never changes, so it is safe for concurrent use.
type KeySet struct {
	keys []signingKey
}

type signingKey struct {
	id      string
	status  KeyStatus
	public  ed25519.PublicKey
	private ed25519.PrivateKey // nil where only verification is needed
}

// JWK is one key in the form of RFC 7517 and RFC 8037.
type JWK struct {
	KeyType   string    `json:"kty"`
	Curve     string    `json:"crv"`
	KeyID     string    `json:"kid"`
	Use       string    `json:"use,omitempty"`
	Algorithm string    `json:"alg,omitempty"`
	X         string    `json:"x"`
	D         string    `json:"d,omitempty"` // the private key; never in PublicJWKS
	Status    KeyStatus `json:"status,omitempty"`
}

// JWKS is a set of keys in the form of RFC 7517, section 5.
type JWKS struct {
	Keys []JWK `json:"keys"`
}

const maxKeySetBytes = 16 << 10

var keyIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ParseKeySet reads the value of JWT_KEYS, a private JSON Web Key Set with one member of our own:
//
//	{"keys": [
//	  {"kty": "OKP", "crv": "Ed25519", "kid": "2026-11", "x": "…", "d": "…", "status": "current"},
//	  {"kty": "OKP", "crv": "Ed25519", "kid": "2026-12", "x": "…", "d": "…", "status": "next"},
//	  {"kty": "OKP", "crv": "Ed25519", "kid": "2026-10", "x": "…", "status": "previous"}
//	]}
//
// x and d are the 32 bytes of RFC 8032's public and private key in unpadded base64url; next and
// previous may be missing, and only current and next need d. All faults are reported at once, and
// none repeats a key.
func ParseKeySet(text []byte) (*KeySet, error) {
	if len(text) > maxKeySetBytes {
		return nil, fmt.Errorf("JWT_KEYS is longer than %d bytes", maxKeySetBytes)
	}
	var set JWKS
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&set); err != nil {
		// The decoder's own words could quote a piece of a key.
		return nil, errors.New(`JWT_KEYS is not a JSON Web Key Set; it looks like {"keys":[{"kty":"OKP","crv":"Ed25519","kid":"…","x":"…","d":"…","status":"current"}]}`)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("JWT_KEYS has text after the JSON Web Key Set")
	}
	s := &KeySet{}
	var faults []error
	for i, j := range set.Keys {
		key, err := j.key()
		if err != nil {
			faults = append(faults, fmt.Errorf("JWT_KEYS key %d: %w", i+1, err))
			continue
		}
		s.keys = append(s.keys, key)
	}
	if err := errors.Join(append(faults, s.check(len(faults) == 0)...)...); err != nil {
		return nil, err
	}
	return s, nil
}

func (j JWK) key() (signingKey, error) {
	var faults []error
	if j.KeyType != "OKP" || j.Curve != "Ed25519" {
		faults = append(faults, errors.New("kty must be OKP and crv Ed25519"))
	}
	if !keyIDPattern.MatchString(j.KeyID) {
		faults = append(faults, errors.New("kid must be 1 to 64 letters, digits, dots, dashes or underscores"))
	}
	if j.Status != KeyCurrent && j.Status != KeyNext && j.Status != KeyPrevious {
		faults = append(faults, errors.New("status must be current, next or previous"))
	}
	public, err := base64.RawURLEncoding.DecodeString(j.X)
	if err != nil || len(public) != ed25519.PublicKeySize {
		faults = append(faults, errors.New("x must be 32 bytes in unpadded base64url"))
	}
	key := signingKey{id: j.KeyID, status: j.Status, public: public}
	if j.D != "" {
		seed, err := base64.RawURLEncoding.DecodeString(j.D)
		if err != nil || len(seed) != ed25519.SeedSize {
			faults = append(faults, errors.New("d must be 32 bytes in unpadded base64url"))
		} else if key.private = ed25519.NewKeyFromSeed(seed); !bytes.Equal(key.private[ed25519.SeedSize:], public) {
			faults = append(faults, errors.New("x is not the public key of d"))
		}
	} else if j.Status != KeyPrevious {
		faults = append(faults, errors.New("d is missing; only a previous key does without"))
	}
	return key, errors.Join(faults...)
}

// check reports what is wrong with the set as a whole; complete is false when keys that could not
// be read are missing from it.
func (s *KeySet) check(complete bool) (faults []error) {
	ids, count := map[string]bool{}, map[KeyStatus]int{}
	for _, k := range s.keys {
		if ids[k.id] {
			faults = append(faults, fmt.Errorf("JWT_KEYS has two keys with the kid %q", k.id))
		}
		ids[k.id] = true
		count[k.status]++
	}
	for _, status := range []KeyStatus{KeyCurrent, KeyNext, KeyPrevious} {
		if count[status] > 1 {
			faults = append(faults, fmt.Errorf("JWT_KEYS has %d keys with the status %s; there may be one", count[status], status))
		}
	}
	if complete && count[KeyCurrent] == 0 {
		faults = append(faults, errors.New("JWT_KEYS needs one key with the status current"))
	}
	return faults
}

// GenerateKeySet makes a new set with a current and a next key. Tokens it signs are worthless after
// a restart unless the set is kept (PrivateJSON).
func GenerateKeySet() *KeySet {
	return &KeySet{keys: []signingKey{generateKey(KeyCurrent), generateKey(KeyNext)}}
}

func generateKey(status KeyStatus) signingKey {
	private := ed25519.NewKeyFromSeed(randomBytes(ed25519.SeedSize))
	id := base64.RawURLEncoding.EncodeToString(randomBytes(9))
	return signingKey{id: id, status: status, public: ed25519.PublicKey(private[ed25519.SeedSize:]), private: private}
}

// Rotate returns the set one step on: next becomes current, current becomes previous without its
// private key, previous is dropped and a new next is made. A set without a next one gets only that: nobody
// would trust yet what another key signed.
func (s *KeySet) Rotate() *KeySet {
	if !slices.ContainsFunc(s.keys, func(k signingKey) bool { return k.status == KeyNext }) {
		return &KeySet{keys: append(slices.Clone(s.keys), generateKey(KeyNext))}
	}
	rotated := &KeySet{}
	for _, k := range s.keys {
		switch k.status {
		case KeyNext:
			k.status = KeyCurrent
			rotated.keys = append(rotated.keys, k)
		case KeyCurrent:
			k.status, k.private = KeyPrevious, nil
			rotated.keys = append(rotated.keys, k)
		}
	}
	rotated.keys = append(rotated.keys, generateKey(KeyNext))
	return rotated
}

// PublicJWKS returns the public keys, for whoever wants to verify our tokens.
func (s *KeySet) PublicJWKS() JWKS { return s.export(false) }

// PrivateJSON returns the set as ParseKeySet reads it. It is a secret.
func (s *KeySet) PrivateJSON() ([]byte, error) { return json.Marshal(s.export(true)) }

func (s *KeySet) export(secret bool) JWKS {
	set := JWKS{Keys: make([]JWK, 0, len(s.keys))}
	for _, k := range s.keys {
		j := JWK{KeyType: "OKP", Curve: "Ed25519", KeyID: k.id, Use: "sig", Algorithm: "EdDSA", X: base64.RawURLEncoding.EncodeToString(k.public)}
		if secret {
			j.Status = k.status
			if k.private != nil {
				j.D = base64.RawURLEncoding.EncodeToString(k.private.Seed())
			}
		}
		set.Keys = append(set.Keys, j)
	}
	return set
}

// String keeps the keys out of logs.
func (s *KeySet) String() string { return fmt.Sprintf("auth.KeySet(%d keys)", len(s.keys)) }

// GoString keeps the keys out of logs that print with %#v.
func (s *KeySet) GoString() string { return s.String() }

func (s *KeySet) current() signingKey {
	for _, k := range s.keys {
		if k.status == KeyCurrent {
			return k
		}
	}
	return signingKey{} // ParseKeySet and GenerateKeySet rule it out
}

func (s *KeySet) public(id string) (ed25519.PublicKey, bool) {
	for _, k := range s.keys {
		if k.id == id {
			return k.public, true
		}
	}
	return nil, false
}
