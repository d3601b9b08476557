package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEntityTags(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("rifa ", 500)
	a := echo(t, Options{}, fixed(long))
	plain := call(a, "GET", "/rifaapp/echo", "")
	packed := call(a, "GET", "/rifaapp/echo", "", "Accept-Encoding", "br, gzip")
	tag, packedTag := plain.Header().Get("Etag"), packed.Header().Get("Etag")
	if tag == "" || packedTag == tag || strings.HasPrefix(tag, "W/") {
		t.Fatalf("tags %q and %q", tag, packedTag)
	}
	for _, c := range []struct {
		encoding, match string
		status          int
		tag             string
	}{
		{"", tag, 304, tag}, {"gzip", packedTag, 304, packedTag}, {"gzip", tag, 304, tag}, {"", packedTag, 304, tag},
		{"", `"other", W/` + tag, 304, tag}, {"", "*", 304, tag}, {"", `"other"`, 200, tag}, {"gzip", `"other"`, 200, packedTag},
	} {
		w := call(a, "GET", "/rifaapp/echo", "", "Accept-Encoding", c.encoding, "If-None-Match", c.match)
		if w.Code != c.status || w.Header().Get("Etag") != c.tag {
			t.Errorf("%+v: got %d, %q", c, w.Code, w.Header().Get("Etag"))
		}
		if w.Code == 304 && (w.Body.Len() > 0 || w.Header().Get("Content-Type") != "" || w.Header().Get("Cache-Control") == "") {
			t.Errorf("%+v: a 304 with %d bytes, %v", c, w.Body.Len(), w.Header())
		}
	}
	if other := call(echo(t, Options{}, fixed("x")), "GET", "/rifaapp/echo", ""); other.Header().Get("Etag") == tag {
		t.Error("another answer has the same tag")
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("rifa ", 500)
	a := echo(t, Options{}, fixed(long))
	for encoding, packed := range map[string]bool{
		"gzip": true, "GZIP": true, "br;q=1, gzip;q=0.5": true, "*": true, "": false, "identity": false, "gzip;q=0": false, "gzip;q=0, *": false, "br": false,
	} {
		w := call(a, "GET", "/rifaapp/echo", "", "Accept-Encoding", encoding)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != packed || !strings.Contains(strings.Join(w.Header()["Vary"], ","), "Accept-Encoding") {
			t.Errorf("%q: packed %v, %v", encoding, got, w.Header())
		}
		body := io.Reader(w.Body)
		if packed {
			var err error
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != `["`+long+"\"]\n" {
			t.Errorf("%q: %v, %d bytes", encoding, err, len(text))
		}
	}
	short := call(echo(t, Options{}, fixed("x")), "GET", "/rifaapp/echo", "", "Accept-Encoding", "gzip")
	if short.Header().Get("Content-Encoding") != "" {
		t.Error("a short answer is packed")
	}
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	if w := call(echo(t, Options{}, fixed()), "GET", "/rifaapp/echo", ""); w.Body.String() != "[]\n" {
		t.Errorf("got %s", w.Body)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	a := echo(t, Options{}, fixed("x"))
	get, head := call(a, "GET", "/rifaapp/echo", ""), call(a, "HEAD", "/rifaapp/echo", "")
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Etag") != get.Header().Get("Etag") || head.Header().Get("Content-Length") != "6" {
		t.Errorf("got %d %v %q", head.Code, head.Header(), head.Body)
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	a := echo(t, Options{Authenticate: setup(t).options.Authenticate}, fixed("x"))
	for _, c := range []struct{ method, path, authorization, want string }{
		{"GET", "/rifaapp/echo", "", "public, max-age=2"},
		{"GET", "/rifaapp/echo", "Bearer good", "private, no-cache"},
		{"GET", "/rifaapp/echo", "Bearer bad", "no-store"},
		{"GET", "/rifaapp/health", "", "no-cache"},
		{"GET", "/rifaapp/nothing", "", "no-store"},
	} {
		w := call(a, c.method, c.path, "", "Authorization", c.authorization)
		if got := w.Header().Get("Cache-Control"); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
	if vary := strings.Join(call(a, "GET", "/rifaapp/echo", "").Header()["Vary"], ","); !strings.Contains(vary, "Authorization") {
		t.Errorf("a shared cache would mix callers: Vary %q", vary)
	}
}

func TestBodiesMadeAsBytes(t *testing.T) {
	t.Parallel()
	body := []byte(`{"made":"as bytes"}`)
	a := New(Options{})
	register(a, operation{method: "GET", path: "/raw", id: "raw", tag: "Meta", summary: "Answer"},
		func(context.Context, *struct{}) (*document, error) {
			return &document{ContentType: mediaJSON, Body: body}, nil
		})
	for range 2 {
		if w := call(a, "GET", "/rifaapp/raw", ""); w.Code != 200 || w.Body.String() != `{"made":"as bytes"}` || w.Header().Get("Content-Length") != "19" {
			t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	x := a.begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	x.whole = body
	x.refuse(newProblem(codeInternal, ""))
	if !bytes.Contains(x.content(), []byte("internal_error")) || string(body) != `{"made":"as bytes"}` {
		t.Errorf("got %s; the handler's bytes are %s", x.content(), body)
	}
}

// A list may come on several lines, as some clients and proxies send it; it means what it means on one.
func TestListsOnSeveralLines(t *testing.T) {
	t.Parallel()
	a := echo(t, Options{}, fixed(strings.Repeat("x", 2000)))
	ask := func(path, name string, lines ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		for _, line := range lines {
			r.Header.Add(name, line)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w
	}
	tag := ask("/rifaapp/echo", "Accept").Header().Get("Etag")
	if w := ask("/rifaapp/echo", "If-None-Match", `"other"`, tag); w.Code != 304 {
		t.Errorf("the second line of If-None-Match names the answer: got %d", w.Code)
	}
	if w := ask("/rifaapp/echo", "Accept-Encoding", "br", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("the second line of Accept-Encoding allows gzip: got %v", w.Header())
	}
	if w := ask("/rifaapp/nowhere", "Accept", "text/html", mediaProblem); w.Header().Get("Content-Type") != mediaProblem {
		t.Errorf("the second line of Accept names problems: got %v", w.Header())
	}
}

// unwritable is an answer that fails when its headers are there already.
type unwritable struct{}

func (unwritable) MarshalJSON() ([]byte, error) { panic("canary") }

// A problem says nothing of the answer whose place it took: no address of what was not made, no tag.
func TestProblemsHaveNoHeadersOfTheAnswer(t *testing.T) {
	t.Parallel()
	type output struct {
		Location string `header:"Location"`
		Link     string `header:"Link"`
		ETag     string `header:"ETag"`
		Policy   string `header:"Content-Security-Policy"`
		Body     unwritable
	}
	a := New(Options{CORSAllowOrigins: []string{"*"}})
	register(a, operation{method: "POST", path: "/made", id: "made", tag: "Meta", summary: "Make"}, func(context.Context, *struct{}) (*output, error) {
		return &output{Location: "/made/1", Link: `</made/1>; rel="next"`, ETag: `"made"`, Policy: "default-src 'none'"}, nil
	})
	w := call(a, "POST", "/rifaapp/made", "")
	problemIn(t, w)
	for _, name := range []string{"Location", "Link", "Etag", "Content-Security-Policy"} {
		if value := w.Header().Get(name); value != "" {
			t.Errorf("a %d has %s: %s", w.Code, name, value)
		}
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the page may not read it: %v", w.Header())
	}
}
