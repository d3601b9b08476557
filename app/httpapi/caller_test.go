package httpapi

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/auth"
)

// signingKey digs the current private key out of a set, to forge tokens with.
func signingKey(t *testing.T, keys *auth.KeySet) (id string, private ed25519.PrivateKey) {
	t.Helper()
	text, err := keys.PrivateJSON()
	if err != nil {
		t.Fatal(err)
	}
	var set auth.JWKS
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	seed, err := base64.RawURLEncoding.DecodeString(set.Keys[0].D)
	if err != nil || set.Keys[0].Status != auth.KeyCurrent {
		t.Fatalf("the first key is no current one: %v", err)
	}
	return set.Keys[0].KeyID, ed25519.NewKeyFromSeed(seed)
}

func TestTokensAtTheDoor(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	_, registered := d.post(t, registerPath, ana)
	good, user := text(t, registered, "access_token"), text(t, registered, "id")
	id, private := signingKey(t, d.keys)
	forge := func(method jwt.SigningMethod, key any, kid string, change map[string]any) string {
		claims := jwt.MapClaims{"iss": auth.Issuer, "aud": auth.Audience, "sub": user, "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range change {
			claims[name] = value
		}
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = kid
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + signed
	}
	eddsa := jwt.SigningMethodEdDSA
	stranger := ed25519.NewKeyFromSeed(make([]byte, 32))
	for name, c := range map[string]struct {
		header string
		status int
	}{
		"the owner":               {"Bearer " + good, 200},
		"scheme in small letters": {"bearer " + good, 200},
		"a forged twin":           {forge(eddsa, private, id, nil), 200}, // so that the others fail for their own fault
		"no token":                {"", 401},
		"empty token":             {"Bearer ", 401},
		"another scheme":          {"Basic " + good, 401},
		"no scheme":               {good, 401},
		"expired":                 {forge(eddsa, private, id, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}), 401},
		"wrong audience":          {forge(eddsa, private, id, map[string]any{"aud": "somebody"}), 401},
		"wrong issuer":            {forge(eddsa, private, id, map[string]any{"iss": "somebody"}), 401},
		"alg none":                {forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, id, nil), 401},
		"HS256 with public key":   {forge(jwt.SigningMethodHS256, []byte(private.Public().(ed25519.PublicKey)), id, nil), 401},
		"unknown kid":             {forge(eddsa, private, "unknown", nil), 401},
		"another's key":           {forge(eddsa, stranger, id, nil), 401},
		"tampered":                {"Bearer " + tamper(good), 401},
		"account that is gone":    {forge(eddsa, private, id, map[string]any{"sub": uuid.NewString()}), 401},
		"oversize":                {forge(eddsa, private, id, map[string]any{"x": strings.Repeat("x", 4096)}), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header []string
			if c.header != "" {
				header = []string{"Authorization", c.header}
			}
			w := call(d.api, "GET", mePath, "", header...)
			if w.Code != c.status {
				t.Fatalf("%d %s, want %d", w.Code, w.Body, c.status)
			}
			if c.status == 401 {
				if p := problemIn(t, w); p.Code != "unauthenticated" || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%v %s", w.Header(), w.Body)
				}
			}
		})
	}
}

// tamper makes the token speak for another user, under the old signature.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var members map[string]any
	_ = json.Unmarshal(claims, &members)
	members["sub"] = uuid.NewString()
	claims, _ = json.Marshal(members)
	return fmt.Sprintf("%s.%s.%s", parts[0], base64.RawURLEncoding.EncodeToString(claims), parts[2])
}

func TestCallerFrom(t *testing.T) {
	t.Parallel()
	if _, ok := CallerFrom(t.Context()); ok {
		t.Error("nobody is somebody")
	}
	user := uuid.New()
	if got, ok := CallerFrom(WithCaller(t.Context(), user)); !ok || got != user {
		t.Errorf("the caller is %v", got)
	}
}
