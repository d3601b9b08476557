package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// What every access token states and what Verify requires of it.
const (
	Issuer        = "rifaapp"
	Audience      = "rifaapp-api"
	TokenLifetime = 60 * time.Minute

	// MaxTokenBytes bounds a token, and the Authorization header that carries it, before anything in
	// it is decoded.
	MaxTokenBytes = 4 << 10
)

// ErrToken says that an access token is not valid: it is malformed, too long, expired, not ours, not
// for us, or not signed by a key of the set. It wraps the reason for logs, which never quotes the
// token.
var ErrToken = errors.New("auth: the access token is not valid")

// Tokens issues and verifies access tokens: JWTs signed with Ed25519 (RFC 8037). It is safe for
// concurrent use.
type Tokens struct {
	keys   func() (*KeySet, error)
	now    func() time.Time
	parser *jwt.Parser
}

// NewTokens signs with the set's current key and trusts all of its keys. now is the clock; nil means
// time.Now.
func NewTokens(keys *KeySet, now func() time.Time) *Tokens {
	return newTokens(func() (*KeySet, error) { return keys, nil }, now)
}

// NewTokensFrom is NewTokens for a set that is kept elsewhere: load is called when the first token
// needs a key, and again after KeysLifetime, so that a rotation reaches every process. While load
// fails, a set that was loaded before goes on serving; without one, Issue and Verify return its error.
func NewTokensFrom(load func() (*KeySet, error), now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return newTokens((&keyCache{load: load, now: now}).get, now)
}

func newTokens(keys func() (*KeySet, error), now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{keys: keys, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(Issuer),
		jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(now),
	)}
}

// Ready returns nil once there are keys to issue tokens with, which then stay: what must not be done in vain
// waits for it. An error says that the keys could not be loaded.
func (t *Tokens) Ready() error {
	_, err := t.keys()
	return err
}

// Issue makes a token that says its bearer is the given user, for TokenLifetime from now.
func (t *Tokens) Issue(user uuid.UUID) (string, error) {
	keys, err := t.keys()
	if err != nil {
		return "", err
	}
	key, now := keys.current(), t.now()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.RegisteredClaims{
		Issuer:    Issuer,
		Audience:  jwt.ClaimStrings{Audience},
		Subject:   user.String(),
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(TokenLifetime)),
	})
	token.Header["kid"] = key.id
	return token.SignedString(key.private)
}

// Verify returns the user a token speaks for, or ErrToken; any other error says that the keys could
// not be loaded.
func (t *Tokens) Verify(token string) (uuid.UUID, error) {
	if len(token) > MaxTokenBytes {
		return uuid.Nil, fmt.Errorf("%w: longer than %d bytes", ErrToken, MaxTokenBytes)
	}
	keys, err := t.keys()
	if err != nil {
		return uuid.Nil, err
	}
	claims := jwt.RegisteredClaims{}
	if _, err := t.parser.ParseWithClaims(token, &claims, keys.keyOf); err != nil {
		return uuid.Nil, fmt.Errorf("%w: %s", ErrToken, reason(err))
	}
	user, err := uuid.Parse(claims.Subject)
	if err != nil || user == uuid.Nil || user.String() != claims.Subject {
		return uuid.Nil, fmt.Errorf("%w: its subject is no user id", ErrToken)
	}
	return user, nil
}

var (
	errUnknownKey = errors.New("it names no key of the set")
	errCritical   = errors.New("it demands an extension")
)

// keyOf finds the key by its id in the local set only; a key or an address of one inside the token
// (jwk, jku, x5u) is never looked at.
func (s *KeySet) keyOf(token *jwt.Token) (any, error) {
	if _, ok := token.Header["crit"]; ok {
		return nil, errCritical // RFC 7515, section 4.1.11: what is not understood is refused
	}
	id, _ := token.Header["kid"].(string)
	key, ok := s.public(id)
	if !ok {
		return nil, errUnknownKey
	}
	return key, nil
}

// reason puts the parser's error into words of our own: its texts may quote the token's content.
func reason(err error) string {
	for _, r := range []struct {
		err  error
		text string
	}{
		{errUnknownKey, errUnknownKey.Error()},
		{errCritical, errCritical.Error()},
		{jwt.ErrTokenMalformed, "it is malformed"},
		{jwt.ErrTokenSignatureInvalid, "its signature is wrong"},
		{jwt.ErrTokenUnverifiable, "its signing method is not accepted"},
		{jwt.ErrTokenRequiredClaimMissing, "a required claim is missing"},
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenInvalidIssuer, "it comes from another issuer"},
		{jwt.ErrTokenInvalidAudience, "it is meant for another audience"},
	} {
		if errors.Is(err, r.err) {
			return r.text
		}
	}
	return "a claim is not valid"
}
