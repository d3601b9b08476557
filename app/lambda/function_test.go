package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rifaapp/rifaapp/app/httpapi"
)

// get is a GET of payload 2.0 with header as name, value pairs.
func get(t *testing.T, path string, header ...string) []byte {
	t.Helper()
	headers := map[string]string{}
	for i := 0; i+1 < len(header); i += 2 {
		headers[header[i]] = header[i+1]
	}
	payload, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": path, "headers": headers,
		"requestContext": map[string]any{"requestId": "r-1", "http": map[string]any{"method": "GET", "sourceIp": "192.0.2.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// call has a function with this handler answer a GET.
func call(t *testing.T, handler http.HandlerFunc) (answer httpAnswer) {
	t.Helper()
	f := &Function{API: handler}
	data, err := f.Invoke(t.Context(), get(t, "/"))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > lambdaLimit {
		t.Errorf("Lambda would refuse an answer of %d bytes", len(data))
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// Whatever a body is made of, it arrives as it is, and never takes more than Lambda lets pass.
func TestBodiesArriveByteForByte(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body     []byte
		encoding string
		base64   bool
	}{
		"text":                 {[]byte("sorteo ñ <>& \u2028"), "", false},
		"nothing":              {nil, "", false},
		"not UTF-8":            {[]byte{0xff, 0x00}, "", true},
		"gzip":                 {[]byte("x"), "gzip", true},
		"largest text":         {bytes.Repeat([]byte{1}, maxAnswerText), "", false},
		"larger text":          {bytes.Repeat([]byte{'"'}, maxAnswerText+1), "", true},
		"as large as possible": {bytes.Repeat([]byte{'a'}, maxAnswer), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := call(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.encoding != "" {
					w.Header().Set("Content-Encoding", c.encoding)
				}
				_, _ = w.Write(c.body)
			})
			got := []byte(answer.Body)
			if answer.IsBase64Encoded {
				got, _ = base64.StdEncoding.DecodeString(answer.Body)
			}
			if answer.StatusCode != 200 || answer.IsBase64Encoded != c.base64 || !bytes.Equal(got, c.body) {
				t.Errorf("got %d, base64 %v, %d bytes", answer.StatusCode, answer.IsBase64Encoded, len(got))
			}
		})
	}
}

func TestRequestsEndBeforeLambdaEndsThem(t *testing.T) {
	t.Parallel()
	deadline := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	f := &Function{API: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, ok := r.Context().Deadline(); !ok || !got.Equal(deadline.Add(-goodbye)) {
			t.Errorf("got %v, want %v before %v", got, goodbye, deadline)
		}
	})}
	if _, err := f.Invoke(ctx, get(t, "/")); err != nil {
		t.Error(err)
	}
}

func TestUnknownEventsAreRefused(t *testing.T) {
	t.Parallel()
	f := &Function{Logger: slog.New(slog.DiscardHandler)}
	for _, payload := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{}`, `{"action":"drop"}`, `{"action":1}`, `{"version":"2.0"}`, `{"source":"aws.events","detail-type":"Other"}`,
		`{"requestContext":{"requestId":"x"}}`, `{"httpMethod":"GET","path":"/"}`,
		`{"action":"check"}`, // this function has no such task
	} {
		if answer, err := f.Invoke(t.Context(), []byte(payload)); err == nil || !strings.Contains(err.Error(), "Scheduled Event") || answer != nil {
			t.Errorf("%s: got %s, %v", payload, answer, err)
		}
	}
}

func TestBrokenBase64IsRefused(t *testing.T) {
	t.Parallel()
	payload := `{"body":"%%%","isBase64Encoded":true,"rawPath":"/","requestContext":{"requestId":"x","http":{"method":"POST"}}}`
	if _, err := (&Function{}).Invoke(t.Context(), []byte(payload)); err == nil || !strings.Contains(err.Error(), "base64") {
		t.Errorf("got %v", err)
	}
}

// A task's error is the function's error, and one line in the log.
func TestTasks(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := &Function{
		Logger: slog.New(slog.NewJSONHandler(&log, nil)), Init: 12 * time.Millisecond,
		Tasks: Tasks{
			Minute:  func(context.Context) (any, error) { return map[string]int{"holds_freed": 3}, nil },
			Check:   func(context.Context) (any, error) { return nil, errors.New("2 differences") },
			Migrate: func(context.Context) (any, error) { return nil, &pgconn.PgError{Code: "23505", Message: "canary"} },
		},
	}
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1") //nolint:revive,staticcheck // the runtime's own key
	answer, err := f.Invoke(ctx, []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`))
	if err != nil || string(answer) != `{"holds_freed":3}` {
		t.Errorf("got %s, %v", answer, err)
	}
	if _, err := f.Invoke(ctx, []byte(`{"action":"check"}`)); err == nil || err.Error() != "check: 2 differences" {
		t.Errorf("got %v", err)
	}
	if _, err := f.Invoke(ctx, []byte(`{"action":"migrate"}`)); err == nil || !strings.Contains(err.Error(), "canary") {
		t.Errorf("a failed migration does not say why: %v", err)
	}
	f.Tasks.Minute = f.Tasks.Migrate
	if _, err := f.Invoke(ctx, []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`)); err == nil || err.Error() != "minute: SQLSTATE 23505" {
		t.Errorf("a statement's error may quote what it was given: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %s", log.String())
	}
	for i, parts := range [][]string{
		{`"level":"INFO"`, `"task":"minute"`, `"report":{"holds_freed":3}`, `"cold_start":true`, `"init_ms":12`, `"trace_id":"1-5bef4de7-ad49b0e87f6ef6c87fc2e700"`},
		{`"level":"ERROR"`, `"task":"check"`, `"error":"2 differences"`, `"duration_ms":`},
	} {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("no %s in %s", part, lines[i])
			}
		}
	}
	if strings.Contains(lines[1], "cold_start") {
		t.Errorf("the second invocation is not cold: %s", lines[1])
	}
}

// The one line of a request is what CloudWatch reads metrics from, and names trace and cold start.
func TestOneLinePerRequestWithMetrics(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := &Function{Name: "rifaapp-test-api", Init: 30 * time.Millisecond, Logger: slog.New(slog.NewJSONHandler(&log, nil))}
	f.API = httpapi.New(httpapi.Options{Logger: f.Logger, Observe: f.Observe})
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700") //nolint:revive,staticcheck // the runtime's own key
	for range 2 {
		if _, err := f.Invoke(ctx, get(t, "/rifaapp/health")); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"cold_start":true,"init_ms":30`) || strings.Contains(lines[1], "cold_start") {
		t.Fatalf("got %s", log.String())
	}
	checkEMF(t, lines[1])
	for _, part := range []string{
		`"status":200`, `"request_id":"r-1"`, `"trace_id":"1-5bef4de7-ad49b0e87f6ef6c87fc2e700"`, `"Function":"rifaapp-test-api"`, `"Route":"GET /rifaapp/health"`, `"Status":"200"`,
	} {
		if !strings.Contains(lines[1], part) {
			t.Errorf("no %s in %s", part, lines[1])
		}
	}
}

// checkEMF holds a line against CloudWatch's specification: every metric is a number at the root, every
// dimension a text.
func checkEMF(t *testing.T, line string) (names []string) {
	t.Helper()
	var root map[string]any
	var envelope struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	if err := errors.Join(json.Unmarshal([]byte(line), &root), json.Unmarshal([]byte(line), &envelope)); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(time.UnixMilli(envelope.AWS.Timestamp)); age < -time.Minute || age > time.Hour {
		t.Errorf("the timestamp is %s old", age)
	}
	for _, directive := range envelope.AWS.CloudWatchMetrics {
		if directive.Namespace == "" {
			t.Errorf("no namespace in %s", line)
		}
		for _, set := range directive.Dimensions {
			for _, dimension := range set {
				if text, ok := root[dimension].(string); !ok || text == "" {
					t.Errorf("dimension %s is %v", dimension, root[dimension])
				}
			}
		}
		for _, metric := range directive.Metrics {
			names = append(names, metric.Name)
			if _, ok := root[metric.Name].(float64); !ok {
				t.Errorf("metric %s is %v", metric.Name, root[metric.Name])
			}
		}
	}
	return names
}

func TestMetricsOfTheBusiness(t *testing.T) {
	t.Parallel()
	const raffles = "/rifaapp/v2/raffles/{id}"
	for _, c := range []struct {
		method, route string
		status        int
		want          string
	}{
		{"POST", raffles + "/reservations", 201, "Reservations"},
		{"POST", raffles + "/reservations", 409, "Conflicts"},
		{"POST", raffles + "/reservations", 503, ""},
		{"POST", raffles + "/confirm", 200, "Sales"},
		{"POST", raffles + "/draw", 200, "Draws"},
		{"GET", raffles + "/draw", 200, ""},
		{"GET", raffles, 304, ""},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).LogAttrs(t.Context(), slog.LevelInfo, "request",
			(&Function{Name: "rifaapp-test-api"}).metrics(httpapi.Observation{Method: c.method, Route: c.route, Status: c.status, Duration: time.Millisecond}, time.Now())...)
		want := "Requests Latency DatabaseWait"
		if c.want != "" {
			want += " " + c.want
		}
		if got := strings.Join(checkEMF(t, log.String()), " "); got != want {
			t.Errorf("%s %s %d: got %q, want %q", c.method, c.route, c.status, got, want)
		}
	}
}

func TestReportInitError(t *testing.T) {
	t.Parallel()
	var path, kind, body string
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		_, _ = text.ReadFrom(r.Body)
		path, kind, body = r.Method+" "+r.URL.Path, r.Header.Get("Lambda-Runtime-Function-Error-Type"), text.String()
	}))
	defer api.Close()
	if err := ReportInitError(t.Context(), strings.TrimPrefix(api.URL, "http://"), errors.New("DB_HOST is missing")); err != nil {
		t.Fatal(err)
	}
	if path != "POST /2018-06-01/runtime/init/error" || kind == "" || !strings.Contains(body, `"errorMessage":"DB_HOST is missing"`) {
		t.Errorf("got %s, %s, %s", path, kind, body)
	}
}
