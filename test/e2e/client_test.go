package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// object is a JSON object as a client sees it.
type object = map[string]any

// client calls the API over HTTP as one person would: with a token or without.
type client struct {
	t     *testing.T
	token string
}

// reply is an answer, read whole.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
	what   string // "POST /v2/raffles", for messages
}

func anonymous(t *testing.T) client { t.Helper(); return client{t: t} }

// httpClient follows no redirects and asks for no compression unless a test does.
var httpClient = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

// call sends body as JSON (nil: no body) with further headers as name, value pairs.
func (c client) call(method, path string, body any, header ...string) reply {
	c.t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			c.t.Fatal(err)
		}
		header = append([]string{"Content-Type", "application/json"}, header...)
	}
	return c.raw(method, path, data, header...)
}

// raw sends bytes as they are.
func (c client) raw(method, path string, body []byte, header ...string) reply {
	c.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, baseURL+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := httpClient.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	seen.record(method, path, response.StatusCode)
	r := reply{t: c.t, status: response.StatusCode, header: response.Header, body: answer, what: method + " " + path}
	r.checkShape()
	return r
}

func (c client) get(path string, header ...string) reply {
	c.t.Helper()
	return c.call("GET", path, nil, header...)
}

func (c client) post(path string, body any, header ...string) reply {
	c.t.Helper()
	return c.call("POST", path, body, header...)
}

// checkShape holds for every answer: an id, and a complete problem for every error.
func (r reply) checkShape() {
	r.t.Helper()
	if r.header.Get("X-Request-Id") == "" {
		r.t.Errorf("%s: %d without X-Request-Id", r.what, r.status)
	}
	if r.status < 400 || len(r.body) == 0 {
		return
	}
	p := r.object()
	for _, member := range []string{"type", "title", "status", "detail", "code", "request_id"} {
		if p[member] == nil || p[member] == "" {
			r.t.Errorf("%s: the problem has no %s: %s", r.what, member, r.body)
		}
	}
	if p["status"] != float64(r.status) || p["request_id"] != r.header.Get("X-Request-Id") && r.header.Get("Idempotency-Replayed") == "" {
		r.t.Errorf("%s: the problem does not fit its answer: %s", r.what, r.body)
	}
	if r.status == 401 && r.header.Get("WWW-Authenticate") == "" {
		r.t.Errorf("%s: 401 without WWW-Authenticate", r.what)
	}
	if (r.status == 429 || r.status == 503) && r.header.Get("Retry-After") == "" {
		r.t.Errorf("%s: %d without Retry-After", r.what, r.status)
	}
}

// want stops the test unless the status is the expected one.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: got %d, want %d: %s", r.what, r.status, status, r.body)
	}
	return r
}

// refused stops the test unless the answer is a problem with this status and code.
func (r reply) refused(status int, code string) reply {
	r.t.Helper()
	r.want(status)
	if got := r.text("code"); got != code {
		r.t.Fatalf("%s: got code %q, want %q: %s", r.what, got, code, r.body)
	}
	return r
}

// invalid stops the test unless the answer is a 422 that names the field.
func (r reply) invalid(location string) reply {
	r.t.Helper()
	r.refused(422, "validation_failed")
	faults, _ := r.object()["errors"].([]any)
	for _, fault := range faults {
		if entry, _ := fault.(object); entry["location"] == location && entry["message"] != "" {
			return r
		}
	}
	r.t.Fatalf("%s: no entry for %s in %s", r.what, location, r.body)
	return r
}

func (r reply) object() object {
	r.t.Helper()
	var o object
	if err := json.Unmarshal(r.body, &o); err != nil {
		r.t.Fatalf("%s: %d, body is no object: %q", r.what, r.status, r.body)
	}
	return o
}

func (r reply) list() []object {
	r.t.Helper()
	var l []object
	if err := json.Unmarshal(r.body, &l); err != nil || l == nil {
		r.t.Fatalf("%s: %d, body is no array of objects: %q", r.what, r.status, r.body)
	}
	return l
}

// text is a member of the answer as text.
func (r reply) text(member string) string {
	r.t.Helper()
	s, _ := r.object()[member].(string)
	return s
}

// number is a member of the answer as a whole number.
func (r reply) number(member string) int {
	r.t.Helper()
	n, ok := r.object()[member].(float64)
	if !ok {
		r.t.Fatalf("%s: %s is no number: %s", r.what, member, r.body)
	}
	return int(n)
}

// ints turns a JSON array into numbers.
func ints(t *testing.T, v any) []int {
	t.Helper()
	list, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no array", v)
	}
	numbers := make([]int, len(list))
	for i, entry := range list {
		n, _ := entry.(float64)
		numbers[i] = int(n)
	}
	return numbers
}

// expect compares members of an object with what they should be, by their JSON.
func expect(t *testing.T, got object, want object) {
	t.Helper()
	for member, value := range want {
		g, _ := json.Marshal(got[member])
		w, _ := json.Marshal(value)
		if !bytes.Equal(g, w) {
			t.Errorf("%s is %s, want %s", member, g, w)
		}
	}
}

// merge is base with the members of changes; a nil member of changes is sent as null, the value
// absent leaves it out.
func merge(base object, changes ...object) object {
	merged := object{}
	for _, o := range append([]object{base}, changes...) {
		for k, v := range o {
			merged[k] = v
			if v == absent {
				delete(merged, k)
			}
		}
	}
	return merged
}

type leftOut struct{}

var absent any = leftOut{}

func letters(n int) string { return strings.Repeat("ñ", n) }

func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }
