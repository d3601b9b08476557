package browser

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// live is a real server with a raffle that was drawn over HTTP.
type live struct {
	url     string // up to /rifaapp
	raffle  string
	undrawn string // another raffle
	receipt []byte
	seal    string
}

func drawLive(t *testing.T) live {
	t.Helper()
	l := live{url: strings.TrimRight(os.Getenv("RIFAAPP_URL"), "/")}
	canaries, client := canary.Plant(), &http.Client{}
	if l.url == "" {
		server, err := testserver.Start()
		check(t, err)
		canaries, client.Transport, l.url = server.Canaries, server.Canaries.Watch(http.DefaultTransport), server.URL
		t.Cleanup(func() {
			server.Stop()
			for _, leak := range server.Leaks() {
				t.Error(leak)
			}
		})
	}
	token := ""
	post := func(path string, body map[string]any) map[string]json.RawMessage {
		t.Helper()
		var content []byte
		if body != nil {
			content = text(t, body)
		}
		request, err := http.NewRequestWithContext(t.Context(), "POST", l.url+path, bytes.NewReader(content))
		check(t, err)
		request.Header.Set("Content-Type", "application/json")
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(request)
		check(t, err)
		defer func() { _ = answer.Body.Close() }()
		var members map[string]json.RawMessage
		content, err = io.ReadAll(answer.Body)
		check(t, err)
		if answer.StatusCode/100 != 2 || json.Unmarshal(content, &members) != nil {
			t.Fatalf("POST %s: %d %s", path, answer.StatusCode, content)
		}
		return members
	}
	word := func(raw json.RawMessage) string {
		var s string
		check(t, json.Unmarshal(raw, &s))
		return s
	}
	token = word(post("/auth/register", map[string]any{
		"name": canaries.Get("organiser name"), "email": canaries.Get("organiser e-mail"), "password": canaries.Get("organiser password"),
	})["access_token"])
	l.raffle = word(post("/v2/raffles", map[string]any{
		"title": "Moto", "ticket_price": 1, "total_tickets": 50, "draw": map[string]any{"method": "commit_reveal", "prizes": []string{"Moto <125 cc> & casco", "TV"}, "alternates": 1},
	})["id"])
	l.undrawn = word(post("/v2/raffles", map[string]any{"title": "Bici", "ticket_price": 1, "total_tickets": 50})["id"])
	for _, numbers := range [][]int{{3, 7, 12}, {21}, {34, 45}} {
		held := post("/v2/raffles/"+l.raffle+"/reservations", map[string]any{"participant": map[string]any{"name": canaries.Get("buyer name 1")}, "numbers": numbers})
		bought := post("/v2/raffles/"+l.raffle+"/confirm", map[string]any{"reservation_id": word(held["reservation_id"])})
		l.receipt = bought["receipt"]
	}
	l.seal = word(post("/v2/raffles/"+l.raffle+"/seal", nil)["seal"])
	post("/v2/raffles/"+l.raffle+"/draw", nil)
	return l
}

// through serves the real server with one of its answers changed on the way.
func (l live) through(t *testing.T, path, old, changed string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(strings.TrimSuffix(l.url, "/rifaapp"))
	check(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(r *http.Response) error {
			if path == "" || !strings.HasSuffix(r.Request.URL.Path, path) {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			cheated := bytes.Replace(body, []byte(old), []byte(changed), 1)
			if bytes.Equal(cheated, body) {
				t.Errorf("%s has no %s: %s", path, old, body)
			}
			r.Body = io.NopCloser(bytes.NewReader(cheated))
			r.Header.Set("Content-Length", strconv.Itoa(len(cheated)))
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server
}

// The page of a real server checks a real draw, and catches each answer that was changed on the way.
func TestThePageOfTheServer(t *testing.T) {
	l := drawLive(t)
	page := open(t)
	address := func(server *httptest.Server) string {
		return server.URL + "/rifaapp/v2/raffles/" + l.raffle + "/draw/verify"
	}
	honest := l.through(t, "", "", "")
	page.visit(address(honest))
	page.verdict()
	page.fill("witness", l.seal)
	page.choose(t, l.receipt)
	got := page.again()
	page.expect("an honest server", got, "ok", "receipt", "ok")
	page.expect("an honest server", got, "ok", "witness", "ok")
	page.screenshot("live", 390)
	page.clean(honest.URL)
	record := "/" + l.raffle + "/draw"
	for name, c := range map[string]struct{ path, old, changed, step string }{
		"a number taken out of the list": {record + "/entries.csv", "\n7,", "\n8,", "entries"},
		"another prize in the rules":     {record + "/rules", `"prizes":2`, `"prizes":1`, "rules"},
		"another count":                  {record, `"n":6`, `"n":5`, "entries"},
		"another commitment":             {record, `"commitment":"`, `"commitment":"` + strings.Repeat("0", 64) + `","was":"`, "commitment"},
		"another winner":                 {record, `"winners":[{"prize":0,"alternate":0,"number":`, `"winners":[{"prize":0,"alternate":0,"number":9`, "winners"},
		"another time":                   {record, `"sealed_at":"20`, `"sealed_at":"19`, "seal"},
	} {
		cheating := l.through(t, c.path, c.old, c.changed)
		page.visit(address(cheating))
		page.expect(name, page.verdict(), "wrong", c.step, "wrong")
		page.clean(cheating.URL)
	}
	page.visit(honest.URL + "/rifaapp/v2/raffles/" + l.undrawn + "/draw/verify")
	page.expect("not drawn yet, which is no fault", page.verdict(), "none", "", "")
	page.screenshot("undrawn", 390)
}
