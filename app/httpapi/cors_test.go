package httpapi

import (
	"strings"
	"testing"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	a := setup(t, func(o *Options) { o.CORSAllowOrigins = []string{"https://rifa.example"} })
	for _, path := range []string{"/rifaapp/health", "/rifaapp/v2/samples/" + sampleID, "/rifaapp/nothing"} {
		w := call(a, "OPTIONS", path, "", "Origin", "https://rifa.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
		header := w.Header()
		if w.Code != 204 || header.Get("Access-Control-Allow-Origin") != "https://rifa.example" || !strings.Contains(header.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("%s: got %d %v", path, w.Code, header)
		}
		for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-User-Id"} {
			if !strings.Contains(header.Get("Access-Control-Allow-Headers"), name) {
				t.Errorf("%s is not accepted", name)
			}
		}
	}
	foreign := call(a, "OPTIONS", "/rifaapp/health", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	if foreign.Code != 204 || foreign.Header().Get("Access-Control-Allow-Origin") != "" || foreign.Header().Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("a foreign origin: got %d %v", foreign.Code, foreign.Header())
	}
}

func TestCORSOnAnswersAndErrors(t *testing.T) {
	t.Parallel()
	listed := []string{"https://rifa.example", "https://b.example"}
	for _, c := range []struct {
		name    string
		origins []string
		origin  string
		want    string
		vary    bool
	}{
		{"star", []string{"*"}, "https://any.example", "*", false},
		{"star without origin", []string{"*"}, "", "*", false},
		{"listed", listed, "https://b.example", "https://b.example", true},
		{"foreign", listed, "https://evil.example", "", true},
		{"none configured", nil, "https://rifa.example", "", false},
	} {
		a := setup(t, func(o *Options) { o.CORSAllowOrigins = c.origins })
		for _, path := range []string{"/rifaapp/health", "/rifaapp/nothing"} {
			header := call(a, "GET", path, "", "Origin", c.origin).Header()
			if got := header.Get("Access-Control-Allow-Origin"); got != c.want {
				t.Errorf("%s, %s: allowed %q", c.name, path, got)
			}
			if vary := strings.Contains(strings.Join(header["Vary"], ","), "Origin"); vary != c.vary {
				t.Errorf("%s, %s: Vary %v", c.name, path, header["Vary"])
			}
			exposed := header.Get("Access-Control-Expose-Headers")
			for _, name := range []string{"ETag", "Link", "Location", "Retry-After", "X-Request-Id"} {
				if strings.Contains(exposed, name) != (c.want != "") {
					t.Errorf("%s, %s: exposed %q", c.name, path, exposed)
				}
			}
		}
	}
}

func TestCORSConfiguredMethodsAndHeaders(t *testing.T) {
	t.Parallel()
	ask := []string{"Origin", "https://x.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-odd"}
	a := setup(t, func(o *Options) {
		o.CORSAllowOrigins, o.CORSAllowMethods, o.CORSAllowHeaders = []string{"*"}, []string{"GET"}, []string{"X-Trace", "authorization"}
	})
	header := call(a, "OPTIONS", "/rifaapp/health", "", ask...).Header()
	if header.Get("Access-Control-Allow-Methods") != "GET" || !strings.HasSuffix(header.Get("Access-Control-Allow-Headers"), "X-User-Id, X-Trace") {
		t.Errorf("got %v", header)
	}
	a = setup(t, func(o *Options) { o.CORSAllowOrigins, o.CORSAllowHeaders = []string{"*"}, []string{"*"} })
	if got := call(a, "OPTIONS", "/rifaapp/health", "", ask...).Header().Get("Access-Control-Allow-Headers"); got != "x-odd" {
		t.Errorf("a star for headers: got %q", got)
	}
}
