package lambda

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// What an event costs beside its handler: decoding it, making the request and encoding the answer.
func BenchmarkInvoke(b *testing.B) {
	payload, err := os.ReadFile("testdata/events/http_api_jwt.json")
	if err != nil {
		b.Fatal(err)
	}
	f := &Function{Logger: slog.New(slog.DiscardHandler), API: http.HandlerFunc(answerShort)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}

// The same handler without an event, for comparison.
func BenchmarkHandlerAlone(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		answerShort(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "GET", "/", nil))
	}
}

func answerShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok","time":"2030-01-31T18:00:00Z"}`))
}
