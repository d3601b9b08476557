// Package canary plants secrets that can be recognised and finds them where they may not be: in logs,
// and in answers to anybody but their owner.
package canary

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// planted are the secrets of every suite; suites add the tokens that they are given.
var planted = []string{
	"database password", "migrations token",
	"organiser e-mail", "organiser password", "organiser name",
	"buyer e-mail 1", "buyer e-mail 2", "buyer e-mail 3", "buyer name 1", "buyer name 2",
	"buyer password 1", "buyer password 2", "wrong password", "payment reference", "idempotency key",
}

// Set is the secrets of one suite. It is safe for concurrent use.
type Set struct {
	mu      sync.Mutex
	secrets map[string]string
}

// Plant makes the secrets: each is a text that nothing else contains.
func Plant() *Set {
	s := &Set{secrets: map[string]string{}}
	for _, name := range planted {
		secret := "canary-" + strings.ToLower(rand.Text())
		if strings.Contains(name, "e-mail") {
			secret += "@example.com"
		}
		s.secrets[name] = secret
	}
	return s
}

// Get is a planted secret; the name must be one of them.
func (s *Set) Get(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.secrets[name]
	if !ok {
		panic("no canary is called " + name)
	}
	return secret
}

// Add watches one more secret, such as a token that was given out.
func (s *Set) Add(name, secret string) {
	if len(secret) < 8 {
		panic("the canary " + name + " is too short to be told from other texts")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = secret
}

// Count is how many secrets are watched.
func (s *Set) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.secrets)
}

// Found names the secrets that text contains, plain or in one of the spellings that they get on their
// way: in a URL, in base64. Those that may be there are named by allowed.
func (s *Set) Found(text string, allowed ...string) (leaks []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, secret := range s.secrets {
		if slices.Contains(allowed, name) {
			continue
		}
		for _, spelling := range spellings(secret) {
			if at := strings.Index(text, spelling); at >= 0 {
				leaks = append(leaks, fmt.Sprintf("%s in %q", name, text[max(0, at-80):min(len(text), at+len(spelling)+20)]))
				break
			}
		}
	}
	slices.Sort(leaks)
	return leaks
}

func spellings(secret string) []string {
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ToUpper(secret),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(secret)), "="),
	}
}
