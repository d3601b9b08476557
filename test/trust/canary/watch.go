package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// seen is what went through clients that are watched.
type seen struct {
	mu      sync.Mutex
	answers int
	leaks   []string
}

// mostLeaks bounds how many are kept: the first ones explain the rest.
const mostLeaks = 20

// Watch returns a transport that looks through every answer, headers included. From then on it also
// watches the tokens and the participants' ids that answers give out.
func (s *Set) Watch(next http.RoundTripper) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil {
			return response, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(body))
		if err != nil {
			response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
		}
		s.look(r, response, body)
		return response, nil
	})
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// broken is a body that ends too early, as its reader would have found by itself.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// look finds secrets in an answer, but for what somebody is told about himself.
func (s *Set) look(r *http.Request, response *http.Response, body []byte) {
	if response.Header.Get("Content-Encoding") == "gzip" {
		if plain, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(plain)
		}
	}
	if response.StatusCode < 300 {
		body = s.own(r.URL.Path, body)
	}
	var text strings.Builder
	_ = response.Header.Write(&text)
	text.Write(body)
	leaks := s.find(text.String(), func(c spelling) bool { return c.handed })
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	s.seen.answers++
	for _, leak := range leaks {
		if len(s.seen.leaks) < mostLeaks {
			s.seen.leaks = append(s.seen.leaks, fmt.Sprintf("%s %s answers %d with %s", r.Method, r.URL.Path, response.StatusCode, leak))
		}
	}
}

// own watches what an answer gives out and returns the answer without what belongs to whoever asked:
// an account's own e-mail, name and tokens.
func (s *Set) own(path string, body []byte) (rest []byte) {
	last := path[strings.LastIndex(path, "/")+1:]
	switch last {
	case "register", "login", "refresh", "me", "reservations":
	default:
		return body
	}
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return body
	}
	text := func(name string) string {
		value, _ := members[name].(string)
		return value
	}
	if last == "reservations" {
		if id := text("participant_id"); id != "" {
			s.AddHanded("participant "+id, id)
		}
		return body
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		if token := text(name); token != "" {
			s.Add(fmt.Sprintf("%s %d", name, s.Count()), token)
		}
		delete(members, name)
	}
	delete(members, "email")
	delete(members, "name")
	rest, _ = json.Marshal(members)
	return rest
}

// Idle says that no answer was looked through: no test ran.
func (s *Set) Idle() bool {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return s.seen.answers == 0
}

// Judge says what is wrong at the end of a suite: secrets in answers that were looked through, and in
// the logs, each given with its name. A suite without answers or with an empty log proves nothing.
func (s *Set) Judge(logs map[string]string) (faults []string) {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if s.seen.answers == 0 {
		faults = append(faults, "no answer was looked through for secrets")
	}
	faults = append(faults, s.seen.leaks...)
	for from, text := range logs {
		if !strings.Contains(text, "\n") {
			faults = append(faults, from+" is empty: no secret could be found in it")
		}
		for _, leak := range s.Found(text) {
			faults = append(faults, from+" tells a secret: "+leak)
		}
	}
	return faults
}
