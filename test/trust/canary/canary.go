// Package canary plants secrets that can be recognised and finds them where they may not be: in logs,
// and in answers to anybody but their owner. Every suite that runs the API uses it.
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

// planted are the secrets of every suite; suites add those that they are given or make.
var planted = []string{
	"database password", "migrations token",
	"organiser e-mail", "organiser password", "organiser name",
	"buyer e-mail 1", "buyer e-mail 2", "buyer e-mail 3", "buyer name 1", "buyer name 2",
	"buyer password 1", "buyer password 2", "wrong password", "payment reference", "idempotency key",
}

// Set is the secrets of one suite. It is safe for concurrent use.
type Set struct {
	mu      sync.RWMutex
	secrets map[string]string     // by name
	names   map[string]string     // by secret: what is watched twice is one
	index   map[string][]spelling // by their last bytes
	ends    [1 << 16]bool         // by their last two
	seen    seen
}

// spelling is one way to write a secret.
type spelling struct {
	name, text string
	handed     bool // answers may hold it, logs may not
}

// width is how many bytes of a spelling the index holds.
const width = 8

// Plant makes the secrets: each is a text that nothing else contains.
func Plant() *Set {
	s := &Set{secrets: map[string]string{}, names: map[string]string{}, index: map[string][]spelling{}}
	for _, name := range planted {
		s.New(name)
	}
	return s
}

// New makes one more secret and watches it. It is an e-mail address when its name says so.
func (s *Set) New(name string) string {
	secret := "canary-" + strings.ToLower(rand.Text())
	if strings.Contains(name, "e-mail") {
		secret += "@example.com"
	}
	s.Add(name, secret)
	return secret
}

// Get is a planted secret; the name must be one of them.
func (s *Set) Get(name string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	secret, ok := s.secrets[name]
	if !ok {
		panic("no canary is called " + name)
	}
	return secret
}

// Add watches one more secret, such as a token that was given out.
func (s *Set) Add(name, secret string) { s.add(name, secret, false) }

// AddHanded watches a secret that answers hand from one person to another, such as a participant's id:
// only logs may not hold it.
func (s *Set) AddHanded(name, secret string) { s.add(name, secret, true) }

func (s *Set) add(name, secret string, handed bool) {
	if len(secret) < width {
		panic("the canary " + name + " is too short to be told from other texts")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[secret] != "" {
		return
	}
	s.secrets[name], s.names[secret] = secret, name
	for _, text := range spellings(secret) {
		end := text[len(text)-width:]
		s.index[end] = append(s.index[end], spelling{name, text, handed})
		s.ends[lastTwo(text)] = true
	}
}

func lastTwo(text string) int { return int(text[len(text)-2])<<8 | int(text[len(text)-1]) }

// Count is how many secrets are watched.
func (s *Set) Count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.names)
}

// Found names the secrets that text contains, plain or in one of the spellings that they get on their
// way: in a URL, in base64. Those that may be there are named by allowed.
func (s *Set) Found(text string, allowed ...string) (leaks []string) {
	return s.find(text, func(c spelling) bool { return slices.Contains(allowed, c.name) })
}

// find looks at each place of the text once, however many secrets there are.
func (s *Set) find(text string, allowed func(spelling) bool) (leaks []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := map[string]bool{}
	for end := width; end <= len(text); end++ {
		if !s.ends[lastTwo(text[:end])] {
			continue
		}
		for _, c := range s.index[text[end-width:end]] {
			if found[c.name] || allowed(c) || !strings.HasSuffix(text[:end], c.text) {
				continue
			}
			found[c.name] = true
			leaks = append(leaks, fmt.Sprintf("%s in %q", c.name, text[max(0, end-len(c.text)-80):min(len(text), end+20)]))
		}
	}
	slices.Sort(leaks)
	return leaks
}

// spellings are all different.
func spellings(secret string) []string {
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ToUpper(secret),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(secret)), "="),
	}
	slices.Sort(all)
	return slices.Compact(all)
}
