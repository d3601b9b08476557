package lambda

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever an event holds, the function answers it or refuses it: it never panics, and what the client
// wrote arrives as it was.
func FuzzInvoke(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no events to start from", err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var e event
		readable := json.Unmarshal(payload, &e) == nil
		called := false
		function := &Function{BasePath: "/v2", Logger: slog.New(slog.DiscardHandler), API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			checkRequest(t, &e, r)
			w.Header()["X"] = []string{r.URL.Path}
			_, _ = io.Copy(w, r.Body)
		})}
		answer, err := function.Invoke(t.Context(), payload)
		switch {
		case err != nil && (answer != nil || called):
			t.Errorf("refused, but answered %q", answer)
		case err == nil && (!readable || !called):
			t.Errorf("answered %q, but the handler was not asked", answer)
		case err == nil:
			var out httpAnswer
			if json.Unmarshal(answer, &out) != nil || out.StatusCode != http.StatusOK {
				t.Errorf("answered %q", answer)
			}
		}
	})
}

func checkRequest(t *testing.T, e *event, r *http.Request) {
	t.Helper()
	if r.Method == "" || !strings.HasPrefix(r.URL.Path, "/") {
		t.Errorf("%q %q is no request", r.Method, r.URL.Path)
	}
	if e.isV2() && r.URL.RawQuery != e.RawQueryString {
		t.Errorf("the query %q became %q", e.RawQueryString, r.URL.RawQuery)
	}
	if e.isV2() && strings.HasPrefix(e.RawPath, "/") && r.URL.EscapedPath() != e.RawPath && r.URL.Path != e.RawPath {
		// Only bytes that no client may send are written in another way.
		if strings.IndexFunc(e.RawPath, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"<>\\^`{|}[]#", c) }) < 0 {
			t.Errorf("the path %q became %q", e.RawPath, r.URL.EscapedPath())
		}
	}
	for name, values := range r.Header {
		if name == "X-Forwarded-For" && len(values) > 0 && values[0] != "" && strings.HasPrefix(r.RemoteAddr, values[0]+":") && e.sourceIP() != values[0] {
			t.Errorf("the client's address %q came from a header", r.RemoteAddr)
		}
	}
	if body, err := e.body(); err != nil || int64(len(body)) != r.ContentLength {
		t.Errorf("the body has %d bytes, not %d (%v)", r.ContentLength, len(body), err)
	}
}
