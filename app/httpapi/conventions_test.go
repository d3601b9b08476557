package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type echoOutput struct {
	ETag string `header:"ETag"`
	Body []string
}

// echo returns an API whose GET /rifaapp/echo answers what the function returns.
func echo(t testing.TB, o Options, answer func(context.Context) ([]string, error)) *API {
	t.Helper()
	a := New(o)
	register(a, operation{
		method: "GET", path: "/echo", id: "echo", tag: "Meta", summary: "Answer", access: optional, cache: 2 * time.Second,
	}, func(ctx context.Context, _ *struct{}) (*echoOutput, error) {
		list, err := answer(ctx)
		return &echoOutput{Body: list}, err
	})
	return a
}

func fixed(list ...string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return list, nil }
}

func failing(err error) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return nil, err }
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/rifaapp/nothing", 404, ""},
		{"GET", "/v2/rifaapp/health", 404, ""},
		{"BREW", "/rifaapp/nothing", 404, ""},
		{"PUT", "/rifaapp/health", 405, "GET, HEAD"},
		{"BREW", "/rifaapp/health", 405, "GET, HEAD"},
		{"OPTIONS", "/rifaapp/health", 405, "GET, HEAD"},
		{"GET", "/rifaapp/v2/samples/" + sampleID, 405, "POST"},
	} {
		w := call(a, c.method, c.path, "")
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: got %d, Allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		problemIn(t, w)
	}
}

func TestBasePathIsStrippedOnlyWhenPresent(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) { o.BasePath = "/v2" })
	for path, want := range map[string]int{
		"/rifaapp/health": 200, "/v2/rifaapp/health": 200, "/v2/v2/rifaapp/health": 404, "/v2rifaapp/health": 404, "/v2": 404,
	} {
		if w := call(a, "GET", path, ""); w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
	for _, base := range []string{"", "/v2"} {
		path := base + "/rifaapp/v2/samples/" + sampleID
		w := call(a, "POST", path, `{"title":"abc"}`, "Authorization", "Bearer good")
		if w.Code != 201 || w.Header().Get("Location") != path {
			t.Errorf("%s: got %d, Location %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	lost := problemIn(t, call(a, "GET", "/v2/rifaapp/nowhere", ""))
	if lost.Type != "/v2/rifaapp/redoc#not_found" || !strings.Contains(lost.Detail, "see /v2/rifaapp/docs") {
		t.Errorf("a problem leads past the stage: %s, %s", lost.Type, lost.Detail)
	}
	escaped := call(a, "POST", "/v2/rifaapp/v2/samples/a%2Fb", `{"title":"abc"}`, "Authorization", "Bearer good")
	if escaped.Code != 422 {
		t.Errorf("escaped slash: got %d", escaped.Code)
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for media, want := range map[string]int{
		"application/json": 201, "application/json; charset=utf-8": 201, "Application/JSON": 201, "": 201,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/problem+json": 415, "+;": 415, ";": 201,
	} {
		w := call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"abc"}`, "Authorization", "Bearer good", "Content-Type", media)
		if w.Code != want {
			t.Errorf("%q: got %d, want %d: %s", media, w.Code, want, w.Body)
		}
	}
	w := call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"abc"}`, "Authorization", "Bearer good", "Content-Encoding", "gzip")
	if w.Code != 415 {
		t.Errorf("a packed body: got %d", w.Code)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	a := setup(t)
	path := "/rifaapp/v2/samples/" + sampleID
	fill := func(size int) string {
		const frame = `{"title":"abc"}`
		return frame + strings.Repeat(" ", size-len(frame))
	}
	for size, want := range map[int]int{maxBody: 201, maxBody + 1: 413, 2 * maxBody: 413} {
		if w := call(a, "POST", path, fill(size), "Authorization", "Bearer good"); w.Code != want {
			t.Errorf("%d bytes: got %d, want %d", size, w.Code, want)
		}
		r := httptest.NewRequest("POST", path, io.MultiReader(strings.NewReader(fill(size)))) // of unknown length
		r.Header.Set("Authorization", "Bearer good")
		w := httptest.NewRecorder()
		if a.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%d bytes of unknown length: got %d, want %d", size, w.Code, want)
		}
	}
	r := httptest.NewRequest("POST", path, io.MultiReader(strings.NewReader(`{"ti`), brokenReader{}))
	r.Header.Set("Authorization", "Bearer good")
	w := httptest.NewRecorder()
	if a.ServeHTTP(w, r); w.Code != 400 {
		t.Errorf("a body that breaks off: got %d", w.Code)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// An oversized body must be answered over a real connection too, not by a reset.
func TestOversizedBodyOverTheWire(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(setup(t))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/rifaapp/v2/samples/"+sampleID, bytes.NewReader(make([]byte, 2*maxBody)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer good")
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 413 {
		t.Errorf("got %d", answer.StatusCode)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for sent, kept := range map[string]bool{
		"abc-123_x.y:z=+/": true, strings.Repeat("a", 128): true,
		strings.Repeat("a", 129): false, "a b": false, "a\"b": false, "ñ": false, "": false,
	} {
		w := call(a, "GET", "/rifaapp/health", "", "X-Request-Id", sent)
		if got := w.Header().Get("X-Request-Id"); got == "" || (got == sent) != kept {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
	r := httptest.NewRequest("GET", "/rifaapp/health", nil)
	r = r.WithContext(WithGateway(r.Context(), Gateway{RequestID: "gw-1"}))
	w := httptest.NewRecorder()
	if a.ServeHTTP(w, r); w.Header().Get("X-Request-Id") != "gw-1" {
		t.Errorf("the gateway's id is lost: %v", w.Header())
	}
	if first, second := freshID(), freshID(); first == second {
		t.Error("ids repeat")
	}
}

func TestFaultsBecomeProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
		retry  string
	}{
		"unavailable":    {errors.Join(postgres.ErrUnavailable, errors.New("canary")), 503, "database_unavailable", "2"},
		"unknown commit": {postgres.ErrUnknownOutcome, 503, "database_unavailable", "2"},
		"deadline":       {context.DeadlineExceeded, 503, "database_unavailable", "2"},
		"anything":       {errors.New("canary"), 500, "internal_error", ""},
		"throttled":      {&raffle.Error{Code: raffle.CodeTooManyAttempts, RetryAfter: 1500 * time.Millisecond}, 429, "too_many_attempts", "2"},
		"unknown code":   {raffle.Refuse("canary", "canary"), 500, "internal_error", ""},
		"wrapped":        {errors.Join(errors.New("canary"), raffle.Refuse(raffle.CodeForbidden, "No.")), 403, "forbidden", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := call(echo(t, Options{CORSAllowOrigins: []string{"*"}}, failing(c.err)), "GET", "/rifaapp/echo", "")
			p := problemIn(t, w)
			if w.Code != c.status || p.Code != c.code || w.Header().Get("Retry-After") != c.retry {
				t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
			}
			if strings.Contains(w.Body.String(), "canary") || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("got %v %s", w.Header(), w.Body)
			}
			open := call(echo(t, Options{ExposeErrors: true}, failing(c.err)), "GET", "/rifaapp/echo", "")
			if exposed := strings.Contains(open.Body.String(), `"cause":`); exposed != (c.status >= 500) {
				t.Errorf("EXPOSE_ERRORS: %s", open.Body)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	a := echo(t, Options{Timeout: time.Millisecond}, func(ctx context.Context) ([]string, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	w := call(a, "GET", "/rifaapp/echo", "")
	if p := problemIn(t, w); w.Code != 503 || p.Code != "database_unavailable" || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

// lateBody is a body whose request's time is over once it has been read, and that request's context.
type lateBody struct {
	context.Context
	io.Reader
	over bool
}

func (l *lateBody) Err() error {
	if l.over {
		return context.DeadlineExceeded
	}
	return nil
}

func (l *lateBody) Read(p []byte) (int, error) {
	l.over = true
	return l.Reader.Read(p)
}

// A client that takes the whole time of its request to send the body is no fault of the database. Where the
// time was over before, it is no fault of the body.
func TestBodyThatArrivesTooLate(t *testing.T) {
	t.Parallel()
	for over, late := range map[bool]bool{false: true, true: false} {
		body := &lateBody{t.Context(), strings.NewReader("{}"), over}
		got, p := readBody(httptest.NewRequest("POST", "/", body).WithContext(body))
		if late && (p == nil || p.Status != 400 || !strings.Contains(p.Detail, "too long")) || !late && (p != nil || string(got) != "{}") {
			t.Errorf("over before: %t: got %s, %v", over, got, p)
		}
	}
}

func TestExplicitZeroBeatsTheDefault(t *testing.T) {
	t.Parallel()
	type input struct {
		Body struct {
			Start int    `json:"start,omitempty" minimum:"0" default:"1"`
			Name  string `json:"name,omitempty" default:"none"`
		}
	}
	type output struct{ Body []any }
	a := New(Options{})
	register(a, operation{method: "POST", path: "/defaults", id: "defaults", tag: "Meta", summary: "Tell the defaults"},
		func(_ context.Context, in *input) (*output, error) {
			return &output{[]any{in.Body.Start, in.Body.Name}}, nil
		})
	for body, want := range map[string]string{
		`{}`: `[1,"none"]`, `{"start":0}`: `[0,"none"]`, `{"start":7,"name":"x"}`: `[7,"x"]`, `{"start":0.0}`: `[0,"none"]`, `{"start":null}`: `[1,"none"]`, `{"name":"start"}`: `[1,"start"]`,
		`{"st\u0061rt":0}`: `[0,"none"]`, // another spelling of the same name
	} {
		if w := call(a, "POST", "/rifaapp/defaults", body); strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: got %s, want %s", body, w.Body, want)
		}
	}
}

// A whole number is an integer however it is written (JSON Schema, 6.1.1), which many clients do not choose.
func TestWholeNumbersAreIntegers(t *testing.T) {
	t.Parallel()
	type input struct {
		Body struct {
			Count   int        `json:"count" minimum:"0" maximum:"9007199254740993"`
			Numbers []int32    `json:"numbers,omitempty"`
			More    patch[int] `json:"more,omitempty"`
			Price   amount     `json:"price,omitempty"`
		}
	}
	type output struct{ Body []any }
	a := New(Options{})
	register(a, operation{method: "POST", path: "/whole", id: "whole", tag: "Meta", summary: "Tell whole numbers"},
		func(_ context.Context, in *input) (*output, error) {
			return &output{[]any{in.Body.Count, in.Body.Numbers, in.Body.More.value, in.Body.Price.value.String()}}, nil
		})
	for body, want := range map[string]string{
		`{"count":20.0,"numbers":[1,2.00,3e1],"more":-4.0}`: `[20,[1,2,30],-4,"0.00"]`,
		`{"count":1E2,"price":99999999.10}`:                 `[100,null,null,"99999999.10"]`,
		`{"count":-0.0,"numbers":[-0e5]}`:                   `[0,[0],null,"0.00"]`,
		`{"count":9007199254740993,"numbers":[1.0]}`:        `[9007199254740993,[1],null,"0.00"]`,
		`{"count":9007199254740993.0,"price":5E+3}`:         `[9007199254740993,null,null,"5000.00"]`,
		`{"count":1,"price":500050e-2}`:                     `[1,null,null,"5000.50"]`,
		`{"count":1,"price":-0.12e1}`:                       `[1,null,null,"-1.20"]`,
		`{"count":1200e-2,"price":"7.10"}`:                  `[12,null,null,"7.10"]`,
	} {
		if w := call(a, "POST", "/rifaapp/whole", body); strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: got %s, want %s", body, w.Body, want)
		}
	}
	for _, body := range []string{
		`{"count":20.5}`, `{"count":1e30}`, `{"count":"20.0"}`, `{"count":20,"numbers":[3e9]}`,
		`{"count":9.99999999999999999999}`, `{"count":1e-400}`, `{"count":20,"numbers":[7.0000000000000000001]}`, // which floats hold as whole ones
		`{"count":10.0,"price":4.9999999999999999999}`, `{"count":10.0,"price":99999998.99999999999}`, `{"count":1,"price":1e-3}`,
		`{"count":1,"price":1e31}`, `{"count":1,"price":1e-999999999999}`, `{"count":1,"price":"5e3"}`,
	} {
		if w := call(a, "POST", "/rifaapp/whole", body); w.Code != 422 {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
	}
}

// A time that other readers of RFC 3339 would refuse is refused, in a PATCH as in a POST.
func TestTimesAreThoseOfRFC3339(t *testing.T) {
	t.Parallel()
	type input struct {
		Body struct {
			At    *instant       `json:"at,omitempty" nullable:"true"`
			Moved patch[instant] `json:"moved,omitempty" nullable:"true"`
		}
	}
	type output struct{ Body []*time.Time }
	a := New(Options{})
	register(a, operation{method: "POST", path: "/times", id: "times", tag: "Meta", summary: "Tell times"},
		func(_ context.Context, in *input) (*output, error) {
			return &output{[]*time.Time{in.Body.At.time(), in.Body.Moved.value.time()}}, nil
		})
	for body, want := range map[string]string{
		`{}`: `[null,null]`, `{"at":null,"moved":null}`: `[null,null]`,
		`{"at":"2031-01-01T00:00:00Z","moved":"2031-01-01T00:00:00.5-05:00"}`: `["2031-01-01T00:00:00Z","2031-01-01T00:00:00.5-05:00"]`,
	} {
		if w := call(a, "POST", "/rifaapp/times", body); strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: got %s, want %s", body, w.Body, want)
		}
	}
	for _, text := range []string{
		`"2031-01-01T00:00:00+24:00"`, `"2031-01-01T00:00:00+00:60"`, `"2031-01-01T1:00:00Z"`, `"2031-01-01T00:00:00,5Z"`,
		`"2031-01-01"`, `"2031-02-30T00:00:00Z"`, `"2031-01-01T00:00:00"`, `""`,
	} {
		for _, field := range []string{"at", "moved"} {
			w := call(a, "POST", "/rifaapp/times", `{"`+field+`":`+text+`}`)
			if p := problemIn(t, w); w.Code != 422 || len(p.Errors) != 1 || p.Errors[0] != (ProblemField{"body." + field, badTime}) {
				t.Errorf("%s %s: got %d %s", field, text, w.Code, w.Body)
			}
		}
	}
}

func TestInputsThatHumaWouldMisread(t *testing.T) {
	t.Parallel()
	type hidden struct {
		ID string `path:"id"`
	}
	type embedding struct{ hidden }
	type unformatted struct {
		ID uuid.UUID `path:"id"`
	}
	for _, input := range []reflect.Type{reflect.TypeFor[embedding](), reflect.TypeFor[unformatted]()} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was accepted", input)
				}
			}()
			checkInput(input)
		}()
	}
	checkInput(reflect.TypeFor[sampleInput]())
}

// What is wrong with a key is said: its length, or letters in another encoding than UTF-8.
func TestIdempotencyKeysOutOfBounds(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for key, want := range map[string]string{
		strings.Repeat("ñ", maxIdempotencyKey+1): "must have at most 255 characters", "caf\xe9": "must be UTF-8",
		"": "must not be empty: leave the header out, or send a text that nobody else would choose",
	} {
		w := call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"abc"}`, "Authorization", "Bearer good", "Idempotency-Key", key)
		if p := problemIn(t, w); w.Code != 422 || len(p.Errors) != 1 || p.Errors[0] != (ProblemField{"header.Idempotency-Key", want}) {
			t.Errorf("%q: got %d %s", key, w.Code, w.Body)
		}
	}
}
