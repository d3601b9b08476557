package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/postgres"
)

func TestHealthTouchesNothing(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) {
		o.Ready = func(context.Context) error { t.Error("the database was asked"); return nil }
	})
	for _, path := range []string{"/rifaapp/", "/rifaapp/health", "/rifaapp/version", "/rifaapp/docs", "/rifaapp/redoc", "/rifaapp/openapi.json", "/rifaapp/openapi.yaml"} {
		if w := call(a, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	var health healthBody
	if err := json.Unmarshal(call(a, "GET", "/rifaapp/health", "").Body.Bytes(), &health); err != nil || health.Status != "ok" || health.Time.IsZero() {
		t.Errorf("got %+v, %v", health, err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) { o.Version = Version{"2.1.0", "abc", "2030-01-31T18:00:00Z"} })
	want := `{"version":"2.1.0","commit":"abc","build_time":"2030-01-31T18:00:00Z"}`
	if got := strings.TrimSpace(call(a, "GET", "/rifaapp/version", "").Body.String()); got != want {
		t.Errorf("got %s", got)
	}
}

func TestGateUntilMigrated(t *testing.T) {
	t.Parallel()
	var migrated atomic.Bool
	var asked atomic.Int64
	a := setup(t, func(o *Options) {
		o.MigrationsToken = "token"
		o.Ready = func(context.Context) error {
			asked.Add(1)
			if !migrated.Load() {
				return errors.New("no schema")
			}
			return nil
		}
		o.Migrate = func(context.Context) ([]string, error) { migrated.Store(true); return []string{"init"}, nil }
	})
	buy := func() *httptest.ResponseRecorder {
		return call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"abc"}`, "Authorization", "Bearer good")
	}
	for range 5 {
		w := buy()
		if p := problemIn(t, w); w.Code != 503 || p.Code != "not_ready" || w.Header().Get("Retry-After") == "" {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	if asked.Load() > 3 {
		t.Errorf("five refused requests asked the database %d times", asked.Load())
	}
	if w := call(a, "GET", "/rifaapp/ready", ""); w.Code != 503 || problemIn(t, w).Code != "not_ready" {
		t.Errorf("ready: got %d %s", w.Code, w.Body)
	}
	run := call(a, "POST", "/rifaapp/migrations/run", "", "Authorization", "Bearer token")
	var answer migrationsBody
	if err := json.Unmarshal(run.Body.Bytes(), &answer); err != nil || run.Code != 200 || answer.Status != "ok" || len(answer.Applied) != 1 || answer.AppliedAt.IsZero() {
		t.Fatalf("migrations: got %d %s", run.Code, run.Body)
	}
	if w := buy(); w.Code != 201 {
		t.Errorf("after the migrations: got %d %s", w.Code, w.Body)
	}
	before := asked.Load()
	for range 5 {
		buy()
	}
	if asked.Load() != before {
		t.Error("an open gate still asks the database")
	}
	if w := call(a, "GET", "/rifaapp/ready", ""); w.Code != 200 || asked.Load() == before {
		t.Errorf("ready: got %d %s", w.Code, w.Body)
	}
}

// TestMigrationsOutliveTheWriteTimeout: a server's limit on answers is for requests of seconds, and is
// over here before the handler begins.
func TestMigrationsOutliveTheWriteTimeout(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) {
		o.MigrationsToken = "token"
		o.Migrate = func(context.Context) ([]string, error) { return []string{"init"}, nil }
	})
	server := httptest.NewUnstartedServer(a)
	server.Config.WriteTimeout = time.Nanosecond
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	ask := func(method, path string) (status int, body []byte, err error) {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer token")
		response, err := server.Client().Do(r)
		if err != nil {
			return 0, nil, err
		}
		defer func() { _ = response.Body.Close() }()
		body, err = io.ReadAll(response.Body)
		return response.StatusCode, body, err
	}
	if status, body, err := ask("POST", "/rifaapp/migrations/run"); err != nil || status != 200 || !strings.Contains(string(body), `"init"`) {
		t.Errorf("the migrations' answer was lost: %d %s %v", status, body, err)
	}
	if status, _, err := ask("GET", "/rifaapp/health"); err == nil {
		t.Errorf("another route answered %d after the server's limit", status)
	}
}

func TestReadyTellsAnUnreachableDatabase(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) {
		o.Ready = func(context.Context) error { return errors.Join(postgres.ErrUnavailable, errors.New("canary")) }
	})
	w := call(a, "GET", "/rifaapp/ready", "")
	if p := problemIn(t, w); w.Code != 503 || p.Code != "database_unavailable" || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestMigratingElsewhere(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) {
		o.MigrationsToken = "token"
		o.Migrate = func(context.Context) ([]string, error) {
			return nil, errors.Join(ErrMigrating, errors.New("canary"))
		}
	})
	w := call(a, "POST", "/rifaapp/migrations/run", "", "Authorization", "Bearer token")
	if p := problemIn(t, w); w.Code != 409 || p.Code != "migration_running" || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestWhoMayMigrate(t *testing.T) {
	t.Parallel()
	migrate := func(context.Context) ([]string, error) { return nil, nil }
	for _, c := range []struct {
		name, token, authorization, principal string
		status                                int
	}{
		{"nothing configured", "", "", "", 404},
		{"nothing configured, an empty token", "", "Bearer ", "", 404},
		{"nothing configured, any token", "", "Bearer x", "", 404},
		{"principal", "", "", "arn:aws:iam::1:role/deploy", 200},
		{"token", "secret", "Bearer secret", "", 200},
		{"no token", "secret", "", "", 401},
		{"prefix of the token", "secret", "Bearer secre", "", 401},
		{"longer than the token", "secret", "Bearer secrets", "", 401},
		{"principal, wrong token", "secret", "Bearer x", "arn:aws:iam::1:role/deploy", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := setup(t, func(o *Options) { o.MigrationsToken, o.Migrate = c.token, migrate })
			r := httptest.NewRequest("POST", "/rifaapp/migrations/run", nil)
			r.Header.Set("Authorization", c.authorization)
			r = r.WithContext(WithGateway(r.Context(), Gateway{IAMPrincipal: c.principal}))
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != c.status || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if w.Code == 200 && !strings.Contains(w.Body.String(), `"applied":[]`) {
				t.Errorf("nothing applied must be an empty list: %s", w.Body)
			}
		})
	}
}

func TestConcurrentMigrations(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	a := setup(t, func(o *Options) {
		o.MigrationsToken = "token"
		o.Migrate = func(ctx context.Context) ([]string, error) {
			close(entered)
			<-leave
			return nil, ctx.Err()
		}
	})
	run := func(ctx context.Context) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, "POST", "/rifaapp/migrations/run", nil)
		r.Header.Set("Authorization", "Bearer token")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w
	}
	ctx, hangUp := context.WithCancel(t.Context())
	first := make(chan *httptest.ResponseRecorder, 1)
	go func() { first <- run(ctx) }()
	<-entered
	if w := run(t.Context()); w.Code != 409 || problemIn(t, w).Code != "migration_running" {
		t.Errorf("the second run: got %d %s", w.Code, w.Body)
	}
	hangUp()
	close(leave)
	if w := <-first; w.Code != 200 {
		t.Errorf("a client that hung up stopped the run: got %d %s", w.Code, w.Body)
	}
}
