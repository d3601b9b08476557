package access

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/test/testserver"
)

// office is a server whose signing key the test knows, with two people.
type office struct {
	url            string
	server         *testserver.Server
	client         http.Client // whose answers are looked through for secrets
	key            ed25519.PrivateKey
	keyID          string
	owner, another person
}

type person struct{ id, email, token, refresh string }

// shared is one office for all tests: they do not disturb each other.
var shared struct {
	once   sync.Once
	office *office
	err    error
}

func openOffice(t *testing.T) *office {
	t.Helper()
	shared.once.Do(func() {
		keys, err := auth.GenerateKeySet().PrivateJSON()
		if err != nil {
			shared.err = err
			return
		}
		o := &office{}
		o.readKey(keys)
		if o.server, shared.err = testserver.Start("JWT_KEYS=" + string(keys)); shared.err == nil {
			o.client.Transport = o.server.Canaries.Watch(http.DefaultTransport)
			o.url, shared.office = o.server.URL, o
			o.owner, o.another = o.person(t), o.person(t)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.office
}

func (o *office) readKey(set []byte) {
	var keys auth.JWKS
	_ = json.Unmarshal(set, &keys)
	seed, _ := base64.RawURLEncoding.DecodeString(keys.Keys[0].D)
	o.key, o.keyID = ed25519.NewKeyFromSeed(seed), keys.Keys[0].KeyID
}

// token makes the kind of token that a column of the matrix names.
func (o *office) token(t *testing.T, column string) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": auth.Issuer, "aud": auth.Audience, "sub": o.owner.id,
		"iat": now.Add(-2 * time.Hour).Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	var method jwt.SigningMethod = jwt.SigningMethodEdDSA
	var key any = o.key
	switch column {
	case "none":
		return ""
	case "owner":
		return o.owner.token
	case "another":
		return o.another.token
	case "expired":
		claims["exp"] = now.Add(-time.Minute).Unix()
	case "audience":
		claims["aud"] = "another-api"
	case "issuer":
		claims["iss"] = "another issuer"
	case "unsigned":
		method, key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
	case "hs256":
		method, key = jwt.SigningMethodHS256, []byte(o.key.Public().(ed25519.PublicKey))
	case "sound": // as forged ones are made, but with nothing wrong
	default:
		t.Fatalf("there is no token called %q", column)
	}
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = o.keyID
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The forged tokens are refused for what is wrong with them: made the same way without a fault, one
// is accepted.
func TestForgedTokensWouldBeSound(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	if status, body := o.call(t, "GET", "/auth/me", o.token(t, "sound"), nil); status != http.StatusOK {
		t.Errorf("a sound token of the test's making is answered %d: %s", status, body)
	}
}

func (o *office) call(t *testing.T, method, path, token string, body any) (int, []byte) {
	t.Helper()
	var data []byte
	if body != nil {
		data, _ = json.Marshal(body)
	}
	request, err := http.NewRequest(method, o.url+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := o.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// must calls for a set-up that has to succeed and returns a member of its answer.
func (o *office) must(t *testing.T, method, path, token string, body any) func(member string) string {
	t.Helper()
	status, answer := o.call(t, method, path, token, body)
	var members map[string]any
	if err := json.Unmarshal(answer, &members); err != nil || status >= 300 {
		t.Fatalf("set-up: %s %s answers %d: %s", method, path, status, answer)
	}
	return func(member string) string {
		text, _ := members[member].(string)
		return text
	}
}

func (o *office) person(t *testing.T) person {
	t.Helper()
	email := o.newEmail()
	said := o.must(t, "POST", "/auth/register", "", map[string]any{"name": o.server.Canaries.Get("organiser name"), "email": email, "password": o.password()})
	return person{id: said("id"), email: email, token: said("access_token"), refresh: said("refresh_token")}
}

func (o *office) newEmail() string { return o.server.Canaries.New("e-mail " + rand.Text()) }

func (o *office) password() string { return o.server.Canaries.Get("organiser password") }
