package auth

import (
	"strings"
	"testing"
)

const (
	someSalt = "MDEyMzQ1Njc4OWFiY2RlZg"
	someKey  = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
)

func TestParsePHC(t *testing.T) {
	t.Parallel()
	valid := "$argon2id$v=19$m=19456,t=2,p=1$" + someSalt + "$" + someKey
	h, err := parsePHC(valid)
	if err != nil || h.params != currentParams || string(h.salt) != "0123456789abcdef" || len(h.key) != 32 {
		t.Fatalf("parsePHC = %+v, %v", h, err)
	}
	if h.String() != valid {
		t.Errorf("written again it is %q", h)
	}
	for name, s := range map[string]string{
		"empty":             "",
		"another function":  strings.Replace(valid, "argon2id", "argon2i", 1),
		"another version":   strings.Replace(valid, "v=19", "v=16", 1),
		"no version":        strings.Replace(valid, "$v=19", "", 1),
		"order":             strings.Replace(valid, "m=19456,t=2", "t=2,m=19456", 1),
		"leading zero":      strings.Replace(valid, "t=2", "t=02", 1),
		"sign":              strings.Replace(valid, "t=2", "t=+2", 1),
		"no passes":         strings.Replace(valid, "t=2", "t=0", 1),
		"too many passes":   strings.Replace(valid, "t=2", "t=17", 1),
		"too much memory":   strings.Replace(valid, "m=19456", "m=4194304", 1),
		"overflow":          strings.Replace(valid, "m=19456", "m=4294967297", 1),
		"too little memory": strings.Replace(valid, "m=19456", "m=7", 1),
		"too many lanes":    strings.Replace(valid, "p=1", "p=255", 1),
		"one more param":    strings.Replace(valid, "p=1", "p=1,k=1", 1),
		"padding":           valid + "=",
		"short salt":        strings.Replace(valid, someSalt, "MDEy", 1),
		"short key":         strings.Replace(valid, someKey, "MDEyMzQ1Njc4", 1),
		"newline in base64": strings.Replace(valid, someSalt, someSalt[:4]+"\n"+someSalt[4:], 1),
		"one more part":     valid + "$",
		"too long":          valid + strings.Repeat("A", 600),
	} {
		if _, err := parsePHC(s); err == nil {
			t.Errorf("%s: %q is accepted", name, s)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$" + someSalt + "$" + someKey)
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg")
	f.Add("$argon2i$v=19$m=1,t=1,p=1$$")
	f.Add("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if h.params.memory > maxMemory || h.params.time > maxTime || h.params.threads > maxThreads || h.params.time < 1 || h.params.threads < 1 {
			t.Errorf("%q is accepted with parameters out of bounds", s)
		}
		if h.String() != s {
			t.Errorf("%q is accepted, written again it is %q", s, h)
		}
	})
}
