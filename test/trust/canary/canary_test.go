package canary

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestFound(t *testing.T) {
	t.Parallel()
	s := Plant()
	s.Add("access token", "eyJhbGciOi.eyJz.c2ln")
	email := s.Get("buyer e-mail 1")
	for _, text := range []string{
		"request from " + email, "?q=" + url.QueryEscape(email),
		"Basic " + base64.StdEncoding.EncodeToString([]byte(email)), `{"token":"eyJhbGciOi.eyJz.c2ln"}`,
	} {
		if leaks := s.Found(text); len(leaks) != 1 {
			t.Errorf("%q: found %q, want one leak", text, leaks)
		}
	}
	if leaks := s.Found("mail to "+email, "buyer e-mail 1"); leaks != nil {
		t.Errorf("an allowed secret counts as a leak: %q", leaks)
	}
	if leaks := s.Found("nothing to see in canary-less text"); leaks != nil {
		t.Errorf("found %q in a text without secrets", leaks)
	}
}

// What a watched client is told counts unless it is the asker's own; what it is given is a secret from
// then on.
func TestWatch(t *testing.T) {
	t.Parallel()
	s := Plant()
	email, token := s.Get("buyer e-mail 1"), "eyJ0.eyJ0.c2lnbmF0dXJl"
	answers := map[string]string{
		"/auth/login":       `{"email":"` + email + `","access_token":"` + token + `"}`,
		"/raffles/7":        `{"title":"Moto"}`,
		"/x/reservations":   `{"participant_id":"0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"}`,
		"/mine":             `["0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"]`,
		"/leak/of/an/email": `{"detail":"` + email + ` is taken"}`,
		"/leak/of/a/token":  `{"detail":"not ` + token + `"}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	defer server.Close()
	client := http.Client{Transport: s.Watch(http.DefaultTransport)}
	for _, path := range []string{"/auth/login", "/raffles/7", "/x/reservations", "/mine", "/leak/of/an/email", "/leak/of/a/token"} {
		response, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != answers[path] {
			t.Errorf("%s is read as %q, %v", path, body, err)
		}
	}
	faults := s.Judge(map[string]string{"the log": "GET /mine\n"})
	if len(faults) != 2 || !strings.Contains(faults[0], "/leak/of/an/email answers 200 with buyer e-mail 1") || !strings.Contains(faults[1], "/leak/of/a/token answers 200 with access_token") {
		t.Errorf("found %q", faults)
	}
	for log, want := range map[string]string{"": "is empty", "participant 0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6\n": "tells a secret: participant"} {
		if faults := s.Judge(map[string]string{"the log": log}); len(faults) != 3 || !strings.Contains(faults[2], want) {
			t.Errorf("in the log %q it finds %q", log, faults)
		}
	}
	if faults := Plant().Judge(nil); len(faults) != 1 {
		t.Errorf("a suite without answers is judged %q", faults)
	}
}
