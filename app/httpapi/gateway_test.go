package httpapi

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
)

// An answer that the gateway cannot carry becomes a problem that it can; a compressed one that fits
// passes.
func TestAnswersThatTheGatewayCannotCarry(t *testing.T) {
	t.Parallel()
	a := echo(t, Options{}, func(context.Context) ([]string, error) {
		return []string{strings.Repeat("rifa", 5000)}, nil
	})
	for _, c := range []struct {
		name, encoding string
		limit, status  int
	}{
		{"no bound", "", 0, 200},
		{"it fits", "", 1 << 20, 200},
		{"it does not fit", "", 1 << 10, 413},
		{"it fits when compressed", "gzip", 1 << 10, 200},
		{"not even compressed", "gzip", 10, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(WithGateway(t.Context(), Gateway{MaxAnswer: c.limit}), "GET", "/rifaapp/echo", nil)
			r.Header.Set("Accept-Encoding", c.encoding)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Fatalf("got %d: %.200s", w.Code, w.Body)
			}
			if w.Code == 413 && (!strings.Contains(w.Body.String(), `"code":"answer_too_large"`) || !strings.Contains(w.Body.String(), "limit") ||
				w.Header().Get("Etag") != "" || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Cache-Control") != "no-store") {
				t.Errorf("got %v %s", w.Header(), w.Body)
			}
		})
	}
}
