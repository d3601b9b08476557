package auth

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestKeySetRoundTrip(t *testing.T) {
	t.Parallel()
	set := GenerateKeySet()
	text, err := set.PrivateJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseKeySet(text)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := again.PrivateJSON(); string(second) != string(text) {
		t.Errorf("read and written again it differs")
	}
}

func TestPublicSetHasNoSecret(t *testing.T) {
	t.Parallel()
	set := GenerateKeySet()
	public, _ := json.Marshal(set.PublicJWKS())
	if strings.Contains(string(public), `"d"`) || !strings.Contains(string(public), `"alg":"EdDSA"`) {
		t.Errorf("public set: %s", public)
	}
	private, _ := set.PrivateJSON()
	var parsed JWKS
	_ = json.Unmarshal(private, &parsed)
	printed := fmt.Sprintf("%v %+v %#v %s", set, set, set, public)
	for _, k := range parsed.Keys {
		if strings.Contains(printed, k.D) {
			t.Error("a private key is printed")
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	first := GenerateKeySet()
	second := first.Rotate()
	third := second.Rotate()
	if second.current().id == first.current().id || third.current().id == second.current().id {
		t.Error("the current key stays")
	}
	if _, ok := second.public(first.current().id); !ok {
		t.Error("the previous key is not trusted any more")
	}
	if _, ok := first.public(second.current().id); !ok {
		t.Error("the next key was not trusted before it signed")
	}
	if _, ok := third.public(first.current().id); ok {
		t.Error("a key is still trusted two rotations later")
	}
	for _, set := range []*KeySet{second, third} {
		text, _ := set.PrivateJSON()
		if _, err := ParseKeySet(text); err != nil {
			t.Errorf("a rotated set cannot be read: %v", err)
		}
	}
}

// Also from a set without a next key on, every key is trusted before it signs.
func TestRotationOfASetWithoutANextKey(t *testing.T) {
	t.Parallel()
	alone := &KeySet{keys: GenerateKeySet().keys[:1]}
	second := alone.Rotate()
	if second.current().id != alone.current().id || len(second.keys) != 2 || second.keys[1].status != KeyNext {
		t.Fatalf("a key signs that nobody knows: %v", second.PublicJWKS())
	}
	if third := second.Rotate(); third.current().id != second.keys[1].id {
		t.Error("the next key does not come next")
	}
	if len(alone.keys) != 1 {
		t.Error("the set itself changed")
	}
}

func TestParseKeySetFaults(t *testing.T) {
	t.Parallel()
	private, _ := GenerateKeySet().PrivateJSON()
	var good JWKS
	_ = json.Unmarshal(private, &good)
	edit := func(change func(s *JWKS)) []byte {
		s := JWKS{Keys: append([]JWK(nil), good.Keys...)}
		change(&s)
		text, _ := json.Marshal(s)
		return text
	}
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"no JSON":        {[]byte("secret stuff"), "not a JSON Web Key Set"},
		"empty":          {[]byte(`{}`), "status current"},
		"two texts":      {append(append([]byte(nil), private...), private...), "text after"},
		"long":           {[]byte(strings.Repeat(" ", 17<<10)), "longer than"},
		"no current":     {edit(func(s *JWKS) { s.Keys = s.Keys[1:] }), "status current"},
		"two current":    {edit(func(s *JWKS) { s.Keys[1].Status = KeyCurrent }), "there may be one"},
		"same kid":       {edit(func(s *JWKS) { s.Keys[1].KeyID = s.Keys[0].KeyID }), "two keys with the kid"},
		"bad kid":        {edit(func(s *JWKS) { s.Keys[0].KeyID = "a b" }), "kid must be"},
		"bad status":     {edit(func(s *JWKS) { s.Keys[0].Status = "old" }), "status must be"},
		"other curve":    {edit(func(s *JWKS) { s.Keys[0].Curve = "X25519" }), "crv Ed25519"},
		"x of another":   {edit(func(s *JWKS) { s.Keys[0].X = s.Keys[1].X }), "not the public key"},
		"short x":        {edit(func(s *JWKS) { s.Keys[0].X = "AAAA" }), "x must be"},
		"short d":        {edit(func(s *JWKS) { s.Keys[0].D = "AAAA" }), "d must be"},
		"current sans d": {edit(func(s *JWKS) { s.Keys[0].D = "" }), "d is missing"},
		"next sans d":    {edit(func(s *JWKS) { s.Keys[1].D = "" }), "d is missing"},
	} {
		_, err := ParseKeySet(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
			continue
		}
		for _, secret := range []string{good.Keys[0].D, good.Keys[1].D, "secret"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error quotes a secret", name)
			}
		}
	}
	all := edit(func(s *JWKS) { s.Keys[0].KeyID, s.Keys[0].Status, s.Keys[1].Curve = "", "", "P-256" })
	if _, err := ParseKeySet(all); err == nil || strings.Count(err.Error(), "must be") != 3 {
		t.Errorf("not every fault at once: %v", err)
	}
}
