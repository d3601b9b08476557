package canary

import (
	"encoding/base64"
	"net/url"
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
