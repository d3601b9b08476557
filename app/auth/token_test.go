package auth

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(moment time.Time) func() time.Time { return func() time.Time { return moment } }

func TestIssuedTokenVerifies(t *testing.T) {
	t.Parallel()
	keys, user := GenerateKeySet(), uuid.New()
	token, err := NewTokens(keys, at(noon)).Issue(user)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		keys  *KeySet
		now   time.Time
		valid bool
	}{
		"at once":                 {keys, noon, true},
		"after 59 minutes":        {keys, noon.Add(59*time.Minute + 59*time.Second), true},
		"after 60 minutes":        {keys, noon.Add(60 * time.Minute), false},
		"after one rotation":      {keys.Rotate(), noon, true},
		"after two rotations":     {keys.Rotate().Rotate(), noon, false},
		"with somebody's own set": {GenerateKeySet(), noon, false},
	} {
		got, err := NewTokens(c.keys, at(c.now)).Verify(token)
		if c.valid && (err != nil || got != user) || !c.valid && !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if ahead, err := NewTokens(keys.Rotate(), at(noon)).Issue(user); err != nil {
		t.Error(err)
	} else if _, err := NewTokens(keys, at(noon)).Verify(ahead); err != nil {
		t.Errorf("a process that has not rotated yet refuses the next key: %v", err)
	}
}

// forge signs any header and claims with the set's current key.
func forge(t *testing.T, keys *KeySet, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = keys.current().id
	for name, value := range header {
		if token.Header[name] = value; value == nil {
			delete(token.Header, name)
		}
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func goodClaims(user uuid.UUID) jwt.MapClaims {
	return jwt.MapClaims{"iss": Issuer, "aud": Audience, "sub": user.String(), "iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix()}
}

func TestBadClaimsAreRefused(t *testing.T) {
	t.Parallel()
	keys, user := GenerateKeySet(), uuid.New()
	tokens, private := NewTokens(keys, at(noon)), keys.current().private
	if _, err := tokens.Verify(forge(t, keys, jwt.SigningMethodEdDSA, private, nil, goodClaims(user))); err != nil {
		t.Fatalf("the pattern of these tests does not verify itself: %v", err)
	}
	for name, claim := range map[string]struct {
		key   string
		value any
	}{
		"expired":          {"exp", noon.Unix()},
		"no expiry":        {"exp", nil},
		"expiry as text":   {"exp", "tomorrow"},
		"wrong issuer":     {"iss", "somebody"},
		"no issuer":        {"iss", nil},
		"wrong audience":   {"aud", "another-api"},
		"no audience":      {"aud", nil},
		"empty audience":   {"aud", []string{}},
		"not yet valid":    {"nbf", noon.Add(time.Minute).Unix()},
		"no subject":       {"sub", nil},
		"subject no id":    {"sub", "admin"},
		"nil subject":      {"sub", uuid.Nil.String()},
		"subject in urn":   {"sub", "urn:uuid:" + user.String()},
		"subject a number": {"sub", 1},
	} {
		claims := goodClaims(user)
		if claims[claim.key] = claim.value; claim.value == nil {
			delete(claims, claim.key)
		}
		if got, err := tokens.Verify(forge(t, keys, jwt.SigningMethodEdDSA, private, nil, claims)); !errors.Is(err, ErrToken) {
			t.Errorf("%s: accepted as %v (%v)", name, got, err)
		}
	}
}

func TestBadSignaturesAreRefused(t *testing.T) {
	t.Parallel()
	keys, user := GenerateKeySet(), uuid.New()
	tokens, current := NewTokens(keys, at(noon)), keys.current()
	good := forge(t, keys, jwt.SigningMethodEdDSA, current.private, nil, goodClaims(user))
	parts := strings.Split(good, ".")
	other := strings.Split(forge(t, keys, jwt.SigningMethodEdDSA, current.private, nil, goodClaims(uuid.New())), ".")
	jwk, _ := json.Marshal(keys.PublicJWKS().Keys[0])
	stranger := GenerateKeySet()
	for name, token := range map[string]string{
		"alg none":                    forge(t, keys, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, goodClaims(user)),
		"alg None":                    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None","kid":"`+current.id+`"}`)) + "." + parts[1] + ".",
		"no signature":                parts[0] + "." + parts[1] + ".",
		"HS256 with the public key":   forge(t, keys, jwt.SigningMethodHS256, []byte(current.public), nil, goodClaims(user)),
		"HS256 with the key's text":   forge(t, keys, jwt.SigningMethodHS256, jwk, nil, goodClaims(user)),
		"unknown kid":                 forge(t, keys, jwt.SigningMethodEdDSA, current.private, map[string]any{"kid": "unknown"}, goodClaims(user)),
		"no kid":                      forge(t, keys, jwt.SigningMethodEdDSA, current.private, map[string]any{"kid": nil}, goodClaims(user)),
		"kid a number":                forge(t, keys, jwt.SigningMethodEdDSA, current.private, map[string]any{"kid": 1}, goodClaims(user)),
		"kid of another key":          forge(t, keys, jwt.SigningMethodEdDSA, current.private, map[string]any{"kid": keys.keys[1].id}, goodClaims(user)),
		"another key, our kid":        forge(t, keys, jwt.SigningMethodEdDSA, stranger.current().private, nil, goodClaims(user)),
		"key inside the header":       forge(t, keys, jwt.SigningMethodEdDSA, stranger.current().private, map[string]any{"kid": stranger.current().id, "jwk": stranger.PublicJWKS().Keys[0]}, goodClaims(user)),
		"critical extension":          forge(t, keys, jwt.SigningMethodEdDSA, current.private, map[string]any{"crit": []string{"b64"}, "b64": false}, goodClaims(user)),
		"claims of another token":     parts[0] + "." + other[1] + "." + parts[2],
		"signature of another token":  parts[0] + "." + parts[1] + "." + other[2],
		"one bit of the signature":    good[:len(good)-10] + flip(good[len(good)-10]) + good[len(good)-9:],
		"one letter of the claims":    parts[0] + "." + flip(parts[1][0]) + parts[1][1:] + "." + parts[2],
		"loose bits in the last char": good[:len(good)-1] + loose(good[len(good)-1]),
		"padding":                     good + "==",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + ".",
		"empty":                       "",
		"space":                       " " + good,
		"oversize":                    forge(t, keys, jwt.SigningMethodEdDSA, current.private, map[string]any{"x": strings.Repeat("x", MaxTokenBytes)}, goodClaims(user)),
	} {
		if got, err := tokens.Verify(token); !errors.Is(err, ErrToken) {
			t.Errorf("%s: accepted as %v (%v)", name, got, err)
		} else if strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: the error quotes the token", name)
		}
	}
}

// flip changes the highest bits that a base64 character stands for.
func flip(c byte) string {
	if c == 'A' {
		return "Q"
	}
	return "A"
}

// loose changes only the bits that do not belong to any byte: 64 bytes leave four in the last character.
func loose(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func FuzzVerify(f *testing.F) {
	// Always the same key and user, so that a corpus stays meaningful.
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	keys := &KeySet{keys: []signingKey{{id: "fuzz", status: KeyCurrent, private: private, public: ed25519.PublicKey(private[ed25519.SeedSize:])}}}
	tokens := NewTokens(keys, at(noon))
	good, _ := tokens.Issue(uuid.MustParse("0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Add(`eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.eyJhdWQiOlsxXX0.AAAA`)
	f.Fuzz(func(t *testing.T, token string) {
		got, err := tokens.Verify(token)
		if err == nil && token != good {
			t.Errorf("%q is accepted as %v", token, got)
		}
		if err != nil && !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v is no ErrToken", token, err)
		}
	})
}

func FuzzParseKeySet(f *testing.F) {
	private, _ := GenerateKeySet().PrivateJSON()
	f.Add(private)
	f.Add([]byte(`{"keys":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := ParseKeySet(text)
		if err != nil {
			return
		}
		token, err := NewTokens(set, nil).Issue(uuid.New())
		if err != nil {
			t.Fatalf("an accepted set cannot sign: %v", err)
		}
		if _, err := NewTokens(set, nil).Verify(token); err != nil {
			t.Fatalf("an accepted set does not trust itself: %v", err)
		}
	})
}
