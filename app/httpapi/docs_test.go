package httpapi

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPagesLoadOnlyTheirOwnFiles(t *testing.T) {
	t.Parallel()
	a := setup(t)
	local := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	for _, page := range []string{"/rifaapp/docs", "/rifaapp/redoc"} {
		w := call(a, "GET", page, "")
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Fatalf("%s: got %d %v", page, w.Code, w.Header())
		}
		body := w.Body.String()
		if strings.Contains(body, "<style") || strings.Contains(body, "style=") || regexp.MustCompile(`<script>|onload=|onclick=`).MatchString(body) {
			t.Errorf("%s has something inline", page)
		}
		for _, match := range local.FindAllStringSubmatch(body, -1) {
			if strings.HasPrefix(match[1], "#") {
				if !strings.Contains(body, `id="`+match[1][1:]+`"`) {
					t.Errorf("%s: %s leads nowhere", page, match[1])
				}
				continue
			}
			for _, encoding := range []string{"", "gzip"} {
				if got := call(a, "GET", "/rifaapp/"+match[1], "", "Accept-Encoding", encoding); got.Code != 200 || got.Body.Len() == 0 {
					t.Errorf("%s: %s answers %d", page, match[1], got.Code)
				}
			}
		}
	}
}

// Every kind of limit that a field has is told in words.
func TestReferenceTellsLimits(t *testing.T) {
	t.Parallel()
	page := call(setup(t), "GET", "/rifaapp/redoc", "").Body.String()
	for _, limit := range []string{
		"entries at least 1; entries at most 50", "characters at least 2; characters at most 120", "at least 1; at most 60; default 10", "matches ^[0-9a-f]{64}$",
	} {
		if !strings.Contains(page, limit) {
			t.Errorf("no field has %q", limit)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for name, media := range map[string]string{
		"swagger-ui.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8", "favicon-32x32.png": "image/png",
	} {
		w := call(a, "GET", "/rifaapp/docs/"+name, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != media || w.Header().Get("Etag") == "" || !strings.HasPrefix(w.Header().Get("Cache-Control"), "public") {
			t.Errorf("%s: got %d %v", name, w.Code, w.Header())
		}
		if again := call(a, "GET", "/rifaapp/docs/"+name, "", "If-None-Match", w.Header().Get("Etag")); again.Code != 304 {
			t.Errorf("%s again: got %d", name, again.Code)
		}
	}
	packed := call(a, "GET", "/rifaapp/docs/swagger-ui.css", "", "Accept-Encoding", "gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") == "" {
		t.Errorf("got %v", packed.Header())
	}
	if vary := call(a, "GET", "/rifaapp/docs/swagger-ui.css", "").Header().Values("Vary"); !slices.Equal(vary, []string{"Accept-Encoding"}) {
		t.Errorf("unpacked: Vary %v", vary)
	}
	again := call(a, "GET", "/rifaapp/docs/swagger-ui.css", "", "Accept-Encoding", "gzip", "If-None-Match", packed.Header().Get("Etag"))
	if vary := again.Header().Values("Vary"); again.Code != 304 || again.Header().Get("Content-Encoding") != "" || !slices.Equal(vary, []string{"Accept-Encoding"}) {
		t.Errorf("again: got %d %v", again.Code, again.Header())
	}
	for _, name := range []string{"nothing.js", "docs.html", "reference.html.tmpl", "swagger-ui.css.gz", "..%2Fdocs.go", "assets"} {
		if w := call(a, "GET", "/rifaapp/docs/"+name, ""); w.Code != 404 {
			t.Errorf("%s: got %d", name, w.Code)
		}
	}
}

func TestDocsCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) { o.DocsEnabled = false })
	for _, path := range []string{"/rifaapp/docs", "/rifaapp/redoc", "/rifaapp/docs/docs.js"} {
		if w := call(a, "GET", path, ""); w.Code != 404 || problemIn(t, w).Code != "not_found" {
			t.Errorf("%s: got %d", path, w.Code)
		} else if strings.Contains(w.Body.String(), "see /rifaapp/docs") {
			t.Errorf("%s: the answer points to a page that is not there: %s", path, w.Body)
		}
	}
	if w := call(a, "GET", "/rifaapp/openapi.json", ""); w.Code != 200 {
		t.Errorf("the description itself: got %d", w.Code)
	}
}

func TestDescriptionNamesTheStageItIsReadThrough(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) { o.BasePath = "/v2" })
	for path, want := range map[string]string{"/rifaapp/openapi.json": "/", "/v2/rifaapp/openapi.json": "/v2"} {
		var description struct {
			OpenAPI string
			Servers []struct{ URL string }
		}
		w := call(a, "GET", path, "")
		if err := json.Unmarshal(w.Body.Bytes(), &description); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(description.OpenAPI, "3.1") || len(description.Servers) != 1 || description.Servers[0].URL != want {
			t.Errorf("%s: got %+v", path, description)
		}
	}
	if w := call(a, "GET", "/v2/rifaapp/openapi.yaml", ""); !strings.Contains(w.Body.String(), "url: /v2\n") {
		t.Error("the YAML names another server")
	}
}
