package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// A whole operation, as the resources write theirs: input, output, mapping.
type sampleInput struct {
	ID   uuid.UUID  `path:"id" format:"uuid" doc:"The raffle."`
	Body sampleBody // JSON; unknown fields and every broken rule come back in one 422
}

type sampleBody struct {
	Title    string `json:"title" minLength:"3" maxLength:"120" example:"Moto 0 km"`
	Quantity *int   `json:"quantity,omitempty" minimum:"1" maximum:"50" example:"2"`
	Numbers  []int  `json:"numbers,omitempty" maxItems:"50" uniqueItems:"true" example:"[7,13]"`
}

type sampleOutput struct {
	Location string `header:"Location"`
	Body     sampleAnswer
}

type sampleAnswer struct {
	ID    uuid.UUID `json:"id" format:"uuid"`
	Title string    `json:"title"`
}

func registerSample(a *API) {
	register(a, operation{
		method: "POST", path: "/v2/samples/{id}", id: "make-sample", tag: "Samples",
		summary: "Make a sample", access: bearer, status: http.StatusCreated,
		refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeNumbersUnavailable},
		request:  map[string]any{"title": "Moto 0 km"},
		response: map[string]any{"id": "0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6", "title": "Moto 0 km"},
	}, makeSample)
}

// makeSample handles POST /rifaapp/v2/samples/{id}.
func makeSample(ctx context.Context, in *sampleInput) (*sampleOutput, error) {
	switch in.Body.Title {
	case "taken":
		return nil, raffle.Refuse(raffle.CodeNumbersUnavailable, "Number 7 is taken.").With("numbers", []int{7})
	case "panic":
		panic("canary")
	}
	out := &sampleOutput{Location: URLPath(ctx, "/rifaapp/v2/samples/"+in.ID.String())}
	out.Body = sampleAnswer{ID: in.ID, Title: in.Body.Title}
	return out, nil
}

const sampleID = "0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"

// setup returns an API with the sample operation; token "good" is a valid one.
func setup(t testing.TB, change ...func(*Options)) *API {
	t.Helper()
	o := Options{
		DocsEnabled: true,
		Authenticate: func(ctx context.Context, token string) (context.Context, uuid.UUID, error) {
			if token != "good" {
				return nil, uuid.Nil, raffle.Refuse(raffle.CodeUnauthenticated, "The token is not valid.")
			}
			return ctx, uuid.MustParse(sampleID), nil
		},
	}
	for _, c := range change {
		c(&o)
	}
	a := New(o)
	registerSample(a)
	return a
}

func call(a *API, method, path, body string, header ...string) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func problemIn(t *testing.T, w *httptest.ResponseRecorder) (p Problem) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d, body %q is no problem: %v", w.Code, w.Body, err)
	}
	if p.Status != w.Code || p.Type == "" || p.Title == "" || p.Detail == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("incomplete problem for status %d: %s", w.Code, w.Body)
	}
	return p
}

func TestRegisteredOperation(t *testing.T) {
	t.Parallel()
	a := setup(t)
	auth := []string{"Authorization", "Bearer good"}
	path := "/rifaapp/v2/samples/" + sampleID
	w := call(a, "POST", path, `{"title":"Moto 0 km"}`, auth...)
	if w.Code != 201 || w.Header().Get("Location") != path || !strings.Contains(w.Body.String(), `"title":"Moto 0 km"`) {
		t.Fatalf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, c := range []struct {
		name, path, body string
		status           int
		code, location   string
	}{
		{"no JSON", path, `{"title":`, 400, "unreadable_body", ""},
		{"empty", path, "", 400, "unreadable_body", ""},
		{"blank", path, "  ", 400, "unreadable_body", ""},
		{"bad UTF-8", path, "{\"title\":\"a\xffbc\"}", 400, "unreadable_body", ""},
		{"NUL", path, `{"title":"abc\u0000"}`, 400, "unreadable_body", ""},
		{"NUL in a name", path, `{"ti\u0000tle":"abc"}`, 400, "unreadable_body", ""},
		{"raw NUL", path, "{\"title\":\"abc\x00\"}", 400, "unreadable_body", ""},
		{"field twice", path, `{"title":"abc","title":"abd"}`, 400, "unreadable_body", ""},
		{"two values", path, `{"title":"abc"} {}`, 400, "unreadable_body", ""},
		{"endless nesting", path, strings.Repeat("[", 500_000), 400, "unreadable_body", ""},
		{"unknown field", path, `{"title":"abc","x":1}`, 422, "validation_failed", "body.x"},
		{"other case", path, `{"title":"abc","Title":"abd"}`, 422, "validation_failed", "body.Title"},
		{"missing", path, `{}`, 422, "validation_failed", "body.title"},
		{"wrong type", path, `{"title":7}`, 422, "validation_failed", "body.title"},
		{"null", path, `{"title":null}`, 422, "validation_failed", "body.title"},
		{"no object", path, `[1]`, 422, "validation_failed", "body"},
		{"too short", path, `{"title":"ab"}`, 422, "validation_failed", "body.title"},
		{"too large", path, `{"title":"abc","quantity":51}`, 422, "validation_failed", "body.quantity"},
		{"huge", path, `{"title":"abc","quantity":1e999}`, 422, "validation_failed", "body.quantity"},
		{"huge and negative", path, `{"title":"abc","quantity":-1e999}`, 422, "validation_failed", "body.quantity"},
		{"beyond int64", path, `{"title":"abc","numbers":[99999999999999999999]}`, 422, "validation_failed", "body.numbers"},
		{"fraction", path, `{"title":"abc","numbers":[1.5]}`, 422, "validation_failed", "body.numbers[0]"},
		{"objects for numbers", path, `{"title":"abc","numbers":[{},{}]}`, 422, "validation_failed", "body.numbers[0]"},
		{"no UUID", "/rifaapp/v2/samples/7", `{"title":"abc"}`, 422, "validation_failed", "path.id"},
		{"bad query", path + "?a=%00", `{"title":"abc"}`, 422, "validation_failed", "query"},
		{"refused", path, `{"title":"taken"}`, 409, "numbers_unavailable", ""},
		{"panic", path, `{"title":"panic"}`, 500, "internal_error", ""},
		{"too long", path, `{"title":"` + strings.Repeat("a", maxBody) + `"}`, 413, "body_too_large", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := call(a, "POST", c.path, c.body, auth...)
			p := problemIn(t, w)
			if w.Code != c.status || p.Code != c.code {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location) {
				t.Errorf("errors do not name %s: %s", c.location, w.Body)
			}
			if strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), "Go ") {
				t.Errorf("internals leak: %s", w.Body)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	w := call(setup(t), "POST", "/rifaapp/v2/samples/7", `{"title":"a","quantity":0,"x":1}`, "Authorization", "Bearer good")
	if p := problemIn(t, w); len(p.Errors) != 4 {
		t.Errorf("want four entries, got %s", w.Body)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for _, header := range []string{"", "good", "Basic good", "Bearer", "Bearer bad", "Bearer  "} {
		var headers []string
		if header != "" {
			headers = []string{"Authorization", header}
		}
		w := call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"abc"}`, headers...)
		if p := problemIn(t, w); p.Code != "unauthenticated" || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("Authorization %q: got %d %s", header, w.Code, w.Body)
		}
	}
}

func TestMembersAndMediaType(t *testing.T) {
	t.Parallel()
	a := setup(t)
	path := "/rifaapp/v2/samples/" + sampleID
	w := call(a, "POST", path, `{"title":"taken"}`, "Authorization", "Bearer good", "Accept", "application/problem+json, */*")
	if w.Header().Get("Content-Type") != mediaProblem || !strings.Contains(w.Body.String(), `"numbers":[7]`) {
		t.Errorf("got %s %s", w.Header(), w.Body)
	}
	w = call(a, "POST", path, `{"title":"taken"}`, "Authorization", "Bearer good", "Accept", "*/*")
	if w.Header().Get("Content-Type") != mediaJSON {
		t.Errorf("got %s", w.Header())
	}
}
