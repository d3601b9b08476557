package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestOneLinePerRequestWithoutSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var seen []Observation
	a := setup(t, func(o *Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		o.Observe = func(_ context.Context, got Observation) []slog.Attr {
			seen = append(seen, got)
			return []slog.Attr{slog.Int("nth", len(seen))}
		}
	})
	path := "/rifaapp/v2/samples/" + sampleID + "?q=canary-query"
	call(a, "POST", path, `{"title":"canary-body"}`, "Authorization", "Bearer good", "X-Request-Id", "r1", "Cookie", "canary-cookie")
	call(a, "POST", path, `{"title":"canary-body","password":"canary-password"}`, "Authorization", "Bearer good")
	call(a, "POST", path, `{}`, "Authorization", "Bearer canary-token")
	call(a, "POST", path, `canary`, "Authorization", "Bearer good", "Content-Type", "canary/type")
	call(a, "GET", "/rifaapp/canary-path", "")
	call(a, "CANARY", "/rifaapp/health", "")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 6 || len(seen) != 6 {
		t.Fatalf("%d lines, %d observations:\n%s", len(lines), len(seen), log.String())
	}
	if strings.Contains(strings.ToLower(log.String()), "canary") || strings.Contains(log.String(), "good") {
		t.Errorf("the log repeats what the client sent:\n%s", log.String())
	}
	var line struct {
		Method, Route, Msg string
		Status             int
		RequestID          string `json:"request_id"`
		UserID             string `json:"user_id"`
		Nth                int
		MS                 float64 `json:"duration_ms"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Method != "POST" || line.Route != "/rifaapp/v2/samples/{id}" || line.Status != 201 || line.RequestID != "r1" || line.UserID != sampleID || line.MS <= 0 || line.Nth != 1 {
		t.Errorf("got %s", lines[0])
	}
	want := Observation{Method: "POST", Route: "/rifaapp/v2/samples/{id}", Status: 201, RequestID: "r1", UserID: uuid.MustParse(sampleID)}
	got := seen[0]
	if got.Duration <= 0 || got.Bytes == 0 {
		t.Errorf("got %+v", got)
	}
	got.Duration, got.Bytes = 0, 0
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if seen[4].Route != "unmatched" || seen[4].Code != "not_found" {
		t.Errorf("got %+v", seen[4])
	}
	if seen[5].Method != "OTHER" || seen[5].Code != "method_not_allowed" {
		t.Errorf("got %+v", seen[5])
	}
}

func TestFaultsAreLoggedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	statement := &pgconn.PgError{Code: "22P02", Message: `invalid input syntax for type uuid: "canary"`}
	call(echo(t, Options{Logger: logger}, failing(errors.Join(errors.New("read raffles"), statement))), "GET", "/rifaapp/echo", "")
	if !strings.Contains(log.String(), "SQLSTATE 22P02") || strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), `"level":"ERROR"`) {
		t.Errorf("got %s", log.String())
	}
	log.Reset()
	call(echo(t, Options{Logger: logger}, func(context.Context) ([]string, error) { panic("a bug") }), "GET", "/rifaapp/echo", "")
	if !strings.Contains(log.String(), "panic: a bug") || !strings.Contains(log.String(), "observe_test.go") {
		t.Errorf("a panic needs its stack: %s", log.String())
	}
}

func TestClientThatLeft(t *testing.T) {
	t.Parallel()
	var got Observation
	ctx, hangUp := context.WithCancel(t.Context())
	a := echo(t, Options{Observe: func(_ context.Context, o Observation) []slog.Attr { got = o; return nil }}, func(ctx context.Context) ([]string, error) {
		hangUp()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/rifaapp/echo", nil))
	if got.Status != statusClientLeft {
		t.Errorf("got %+v", got)
	}
}
