package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

func TestMeta(t *testing.T) {
	t.Parallel()
	c := anonymous(t)
	for _, address := range []string{"", "/", "/health"} {
		r := c.get(address).want(200)
		if at, err := time.Parse(time.RFC3339Nano, r.text("time")); r.text("status") != "ok" || err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("%s answers %s", address, r.body)
		}
	}
	c.get("/ready").want(200)
	for _, member := range []string{"version", "commit", "build_time"} {
		if _, there := c.get("/version").want(200).object()[member]; !there {
			t.Errorf("/version has no %s", member)
		}
	}
	for address, media := range map[string]string{
		"/docs": "text/html", "/redoc": "text/html", "/openapi.json": "json", "/openapi.yaml": "yaml",
	} {
		r := c.get(address)
		if r.status == 301 || r.status == 302 || r.status == 307 || r.status == 308 {
			_, below, _ := strings.Cut(r.header.Get("Location"), "/rifaapp")
			r = c.get(below)
		}
		if r.want(200); !strings.Contains(r.header.Get("Content-Type"), media) {
			t.Errorf("%s is %s", address, r.header.Get("Content-Type"))
		}
		if media == "text/html" && !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src") {
			t.Errorf("%s has no content security policy", address)
		}
	}
	if v := c.get("/openapi.json").text("openapi"); !strings.HasPrefix(v, "3.1") {
		t.Errorf("the description is OpenAPI %s", v)
	}
}

func TestRunMigrations(t *testing.T) {
	t.Parallel()
	if migrationsToken == "" {
		t.Skip("the server is not ours: set RIFAAPP_MIGRATIONS_TOKEN to its MIGRATIONS_TOKEN to test POST /migrations/run")
	}
	anonymous(t).post("/migrations/run", nil).refused(401, "unauthenticated")
	client{t, "wrong"}.post("/migrations/run", nil).refused(401, "unauthenticated")
	r := client{t, migrationsToken}.post("/migrations/run", nil).want(200)
	if at, err := time.Parse(time.RFC3339Nano, r.text("applied_at")); r.text("status") != "ok" || err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("got %s", r.body)
	}
	if applied, ok := r.object()["applied"].([]any); !ok || len(applied) != 0 {
		t.Errorf("everything was deployed already: %s", r.body)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	c := anonymous(t)
	c.get("/nowhere").refused(404, "not_found")
	c.get("/v2/raffles/x/y/z").refused(404, "not_found")
	r := c.call("PUT", "/v2/raffles", object{}).refused(405, "method_not_allowed")
	if allow := strings.Join(r.header.Values("Allow"), ","); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("Allow is %q", allow)
	}
}

func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	valid := `{"title":"Moto","ticket_price":1,"total_tickets":1}`
	for name, c := range map[string]struct {
		body, media string
		status      int
		code        string
	}{
		"empty":           {"", "application/json", 400, "unreadable_body"},
		"broken":          {`{"title":`, "application/json", 400, "unreadable_body"},
		"two values":      {valid + valid, "application/json", 400, "unreadable_body"},
		"bad UTF-8":       {"{\"title\":\"Mo\xffto\",\"ticket_price\":1,\"total_tickets\":1}", "application/json", 400, "unreadable_body"},
		"NUL":             {`{"title":"Mo\u0000to","ticket_price":1,"total_tickets":1}`, "application/json", 400, "unreadable_body"},
		"a key twice":     {`{"title":"Moto","title":"Roja","ticket_price":1,"total_tickets":1}`, "application/json", 400, "unreadable_body"},
		"deep":            {strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), "application/json", 400, "unreadable_body"},
		"an array":        {"[]", "application/json", 422, "validation_failed"},
		"a form":          {"title=Moto", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"no media type":   {valid, "", 201, ""},
		"JSON in UTF-8":   {valid, "application/json; charset=utf-8", 201, ""},
		"2 MiB":           {`{"title":"` + strings.Repeat("a", 2<<20) + `"}`, "application/json", 413, "body_too_large"},
		"1 MiB of spaces": {valid + strings.Repeat(" ", 1<<20-len(valid)), "application/json", 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header []string
			if c.media != "" {
				header = []string{"Content-Type", c.media}
			}
			r := client{t, u.token}.raw("POST", "/v2/raffles", []byte(c.body), header...)
			if c.code == "" {
				r.want(c.status)
			} else {
				r.refused(c.status, c.code)
			}
		})
	}
}

// Every operation that takes a body refuses the same kinds of bad ones.
func TestEveryBodyIsChecked(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	seal := path("/v2/raffles/%s/seal", id)
	for _, o := range []struct{ method, address string }{
		{"POST", "/auth/register"}, {"POST", "/auth/login"}, {"POST", "/auth/refresh"}, {"POST", "/auth/logout"},
		{"POST", "/v2/raffles"}, {"PATCH", "/v2/raffles/" + id},
		{"POST", path("/v2/raffles/%s/reservations", id)}, {"POST", path("/v2/raffles/%s/confirm", id)}, {"POST", path("/v2/raffles/%s/release", id)},
		{"POST", path("/v2/raffles/%s/draw", id)}, {"POST", path("/v2/raffles/%s/lottery-result", id)},
		{"POST", seal},
	} {
		u.raw(o.method, o.address, []byte("{"), "Content-Type", "application/json").refused(400, "unreadable_body")
		u.raw(o.method, o.address, []byte("{}"), "Content-Type", "text/plain").refused(415, "unsupported_media_type")
		u.raw(o.method, o.address, bytes.Repeat([]byte(" "), 1<<20+1), "Content-Type", "application/json").refused(413, "body_too_large")
		if o.address != seal { // which asks for no body, and reads one for the sake of its key only
			u.raw(o.method, o.address, []byte(`{"nobody_knows_this":1}`), "Content-Type", "application/json").invalid("body.nobody_knows_this")
		}
	}
}

func TestProblemMediaType(t *testing.T) {
	t.Parallel()
	c := anonymous(t)
	for accept, media := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/json": "application/json",
		"application/problem+json": "application/problem+json", "text/html, application/problem+json;q=0.5": "application/problem+json",
	} {
		if got := c.get("/nowhere", "Accept", accept).want(404).header.Get("Content-Type"); got != media {
			t.Errorf("Accept %q is answered as %s", accept, got)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	if got := anonymous(t).get("/health", "X-Request-Id", "caller-7").want(200).header.Get("X-Request-Id"); got != "caller-7" {
		t.Errorf("the caller's id came back as %q", got)
	}
	if got := anonymous(t).get("/health", "X-Request-Id", strings.Repeat("x", 5000)).want(200).header.Get("X-Request-Id"); len(got) > 200 {
		t.Errorf("an id of %d characters came back", len(got))
	}
}

func TestEntityTags(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	bought := buy(t, id, 1)
	for _, address := range []string{"/v2/raffles/" + id, "/v2/raffles?owner_id=" + u.id, path("/v2/raffles/%s/numbers", id), path("/v2/participants/%s/purchases", bought["participant_id"])} {
		c := anonymous(t)
		first := c.get(address).want(200)
		tag := first.header.Get("ETag")
		if len(tag) < 3 || tag[0] != '"' {
			t.Fatalf("%s: ETag is %q, which is not strong", address, tag)
		}
		again := c.get(address, "If-None-Match", tag).want(304)
		if len(again.body) != 0 || again.header.Get("ETag") != tag {
			t.Errorf("%s: 304 with %d bytes and ETag %q", address, len(again.body), again.header.Get("ETag"))
		}
		c.get(address, "If-None-Match", `"other"`).want(200)
		reserve(t, id, nextFree())
		if !strings.Contains(address, "participants") {
			c.get(address, "If-None-Match", tag).want(200)
		}
	}
	for _, address := range []string{"/v2/raffles/" + id, path("/v2/raffles/%s/numbers", id)} {
		if cache := anonymous(t).get(address).want(200).header.Get("Cache-Control"); !strings.Contains(cache, "max-age") {
			t.Errorf("%s: Cache-Control is %q, which no CDN can use", address, cache)
		}
	}
}

// nextFree counts through the numbers of the raffle of TestEntityTags.
var nextFree = func() func() int {
	n := 1
	return func() int { n++; return n }
}()

func TestGzip(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle(object{"total_tickets": 100_000})
	address := path("/v2/raffles/%s/numbers", id)
	packed := anonymous(t).get(address, "Accept-Encoding", "gzip").want(200)
	if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) > 4<<20 {
		t.Fatalf("100 000 numbers came as %d bytes in %q", len(packed.body), packed.header.Get("Content-Encoding"))
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	var board struct{ Numbers []any }
	if err := json.Unmarshal(plain, &board); err != nil || len(board.Numbers) != 100_000 {
		t.Fatalf("%d numbers, %v", len(board.Numbers), err)
	}
	if !strings.Contains(strings.Join(packed.header.Values("Vary"), ","), "Accept-Encoding") {
		t.Error("no Vary: Accept-Encoding")
	}
	small, _ := u.newRaffle()
	if got := anonymous(t).get("/v2/raffles/"+small, "Accept-Encoding", "gzip").want(200).header.Get("Content-Encoding"); got != "" {
		t.Errorf("an answer below 1 KiB came in %q", got)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const origin = "https://rifa.example"
	c := anonymous(t)
	r := c.raw("OPTIONS", "/v2/raffles", nil, "Origin", origin, "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "authorization, content-type, idempotency-key, if-none-match, x-user-id")
	if r.header.Get("Access-Control-Allow-Origin") == "" {
		t.Skip("the server under test allows no origin " + origin + " (CORS_ALLOW_ORIGINS)")
	}
	if r.status != 200 && r.status != 204 {
		t.Errorf("the preflight answers %d", r.status)
	}
	allowed := strings.ToLower(strings.Join(r.header.Values("Access-Control-Allow-Headers"), ","))
	for _, name := range []string{"authorization", "content-type", "idempotency-key", "if-none-match", "x-user-id"} {
		if !strings.Contains(allowed, name) {
			t.Errorf("the preflight does not allow %s: %q", name, allowed)
		}
	}
	failed := c.get("/nowhere", "Origin", origin).want(404)
	if got := failed.header.Get("Access-Control-Allow-Origin"); got != origin && got != "*" {
		t.Errorf("an error allows origin %q", got)
	}
	exposed := strings.ToLower(strings.Join(failed.header.Values("Access-Control-Expose-Headers"), ","))
	for _, name := range []string{"etag", "link", "location", "retry-after", "x-request-id"} {
		if !strings.Contains(exposed, name) {
			t.Errorf("%s is not exposed: %q", name, exposed)
		}
	}
	if got := c.get("/health", "Origin", "https://elsewhere.example").header.Get("Access-Control-Allow-Origin"); got != "" && got != "*" {
		t.Errorf("another origin is allowed: %q", got)
	}
}
