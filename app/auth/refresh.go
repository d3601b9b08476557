package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// RefreshLifetime is how long a refresh token may wait for its one use.
const RefreshLifetime = 30 * 24 * time.Hour

const refreshBytes = 32

// RefreshHash is what the database keeps of a refresh token. Its plain SHA-256 is enough: the token
// is random, so there is nothing to guess.
type RefreshHash [sha256.Size]byte

// NewRefreshToken makes an opaque token, 32 random bytes in base64url, and the hash to store.
func NewRefreshToken() (token string, hash RefreshHash) {
	raw := randomBytes(refreshBytes)
	return base64.RawURLEncoding.EncodeToString(raw), sha256.Sum256(raw)
}

// ParseRefreshToken returns the hash under which a token is stored; ok is false for a text that
// NewRefreshToken cannot have made.
func ParseRefreshToken(token string) (hash RefreshHash, ok bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(refreshBytes) {
		return RefreshHash{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != refreshBytes {
		return RefreshHash{}, false
	}
	return sha256.Sum256(raw), true
}
