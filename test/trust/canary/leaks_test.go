package canary_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust"
	"github.com/rifaapp/rifaapp/test/trust/canary"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// walk is somebody who does everything that secrets are given to, rightly and wrongly.
type walk struct {
	t        *testing.T
	url      string
	canaries *canary.Set
	answers  int
}

type object = map[string]any

// call sends the request and finds secrets in the answer, headers included, but for those allowed: what
// somebody is told about himself.
func (w *walk) call(method, path, token string, body any, allowed ...string) object {
	w.t.Helper()
	var data []byte
	if raw, ok := body.(string); ok {
		data = []byte(raw)
	} else if body != nil {
		data, _ = json.Marshal(body)
	}
	request, err := http.NewRequest(method, w.url+path, bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", w.canaries.Get("idempotency key"), w.answers)) // none repeats another
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.answers++
	var all strings.Builder
	_ = response.Header.Write(&all)
	all.Write(answer)
	if leaks := w.canaries.Found(all.String(), allowed...); leaks != nil {
		w.t.Errorf("%s %s answers %d with %q", method, path, response.StatusCode, leaks)
	}
	var members object
	_ = json.Unmarshal(answer, &members)
	return members
}

// session watches the tokens of an answer from then on.
func (w *walk) session(whose string, answer object) (bearer, refresh string) {
	w.t.Helper()
	access, _ := answer["access_token"].(string)
	refresh, _ = answer["refresh_token"].(string)
	if access == "" || refresh == "" {
		w.t.Fatalf("%s has no tokens: %v", whose, answer)
	}
	w.canaries.Add(whose+" access token", access)
	w.canaries.Add(whose+" refresh token", refresh)
	return "Bearer " + access, refresh
}

// accounts registers, logs in rightly and wrongly, rotates and misuses tokens.
func (w *walk) accounts() (organiser string) {
	get := w.canaries.Get
	mine := []string{"organiser e-mail", "organiser name"}
	register := object{"name": get("organiser name"), "email": get("organiser e-mail"), "password": get("organiser password")}
	bearer, refresh := w.session("organiser", w.call("POST", "/auth/register", "", register, mine...))
	w.call("POST", "/auth/register", "", register) // taken
	w.call("POST", "/auth/register", "", object{"name": "x", "email": get("buyer password 1"), "password": "short"})
	w.call("POST", "/auth/register", "", object{"name": "Eva", "email": get("buyer e-mail 3"), "password": get("wrong password"), get("buyer name 2"): 1}, "buyer name 2") // the client's own field name is quoted
	w.call("POST", "/auth/login", "", object{"email": get("organiser e-mail"), "password": get("wrong password")})
	w.call("POST", "/auth/login", "", object{"email": get("buyer e-mail 3"), "password": get("wrong password")})
	w.call("POST", "/auth/login", "", `{"email":"`+get("organiser e-mail")+`","password":"`+get("wrong password")) // unreadable
	w.call("POST", "/auth/login", "", object{"email": 7, "password": []string{get("wrong password")}})
	w.call("GET", "/auth/me", bearer, nil, mine...)
	w.call("GET", "/auth/me", bearer+"x", nil)
	w.call("GET", "/auth/me", "Basic "+get("wrong password"), nil)
	// Issued within the same second the next access token is the same text.
	next := w.call("POST", "/auth/refresh", "", object{"refresh_token": refresh}, "organiser access token")
	w.session("organiser's next", next)
	w.call("POST", "/auth/refresh", "", object{"refresh_token": refresh}) // stolen: the family ends
	w.call("POST", "/auth/refresh", "", object{"refresh_token": get("buyer password 2")})
	return bearer
}

// sales reserve and confirm with personal data, rightly and wrongly.
func (w *walk) sales(organiser string) {
	get := w.canaries.Get
	id, _ := w.call("POST", "/v2/raffles", organiser, object{"title": "Moto", "ticket_price": 1, "total_tickets": 10})["id"].(string)
	for i, name := range []string{"buyer name 1", "buyer name 2"} {
		held := w.call("POST", "/v2/raffles/"+id+"/reservations", "", object{
			"participant": object{"name": get(name), "email": get([]string{"buyer e-mail 1", "buyer e-mail 2"}[i])}, "numbers": []int{i + 1},
		})
		bought := w.call("POST", "/v2/raffles/"+id+"/confirm", "", object{"reservation_id": held["reservation_id"], "payment_reference": fmt.Sprintf("%s-%d", get("payment reference"), i)})
		participant, _ := held["participant_id"].(string)
		if bought["purchase_id"] == nil {
			w.t.Fatalf("%s buys nothing: %v, %v", name, held, bought)
		}
		w.canaries.AddHanded("id of "+name, participant)
		w.call("GET", "/v2/participants/"+participant+"/purchases", "", nil)
	}
	w.call("POST", "/v2/raffles/"+id+"/reservations", "", object{"participant": object{"name": get("buyer name 1"), "email": "x" + get("buyer name 1")}, "numbers": []int{99}})
	w.call("POST", "/v2/raffles/"+id+"/confirm", "", object{"reservation_id": get("buyer name 1"), "payment_reference": strings.Repeat(get("payment reference"), 9)})
	for _, path := range []string{"", "/numbers", "/draw"} {
		w.call("GET", "/v2/raffles/"+id+path, "", nil)
	}
	w.call("GET", "/v2/raffles?cursor="+url.QueryEscape(get("buyer e-mail 1")), "", nil)
	w.call("GET", "/v2/raffles/"+url.PathEscape(get("buyer e-mail 1")), "", nil)
	w.call("POST", "/v2/raffles/"+id+"/draw", organiser, nil, "id of buyer name 1", "id of buyer name 2") // the organiser must reach the winner
	w.call("GET", "/v2/raffles/"+id+"/draw", "", nil)
	w.call("POST", "/migrations/run", "Bearer "+get("wrong password"), nil)
	w.call("POST", "/migrations/run", "Bearer "+get("migrations token"), nil)
	w.call("GET", "/nowhere/"+url.PathEscape(get("buyer e-mail 2"))+"?password="+get("wrong password"), "Bearer "+get("migrations token"), nil)
}

// No log and no answer to anybody else tells a secret (R10): not in ordinary use, not in refusals, not
// when the database is away, and not with the texts of inner errors switched on.
func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	canaries := canary.Plant()
	keys, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(keys), `"d":"`)
	key, _, _ = strings.Cut(key, `"`)
	canaries.Add("signing key", key)
	env := []string{"JWT_KEYS=" + string(keys), "MIGRATIONS_TOKEN=" + canaries.Get("migrations token"), "EXPOSE_ERRORS=true", "LOG_LEVEL=debug"}
	server, err := testserver.Start(env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	w := &walk{t: t, url: server.URL, canaries: canaries}
	w.sales(w.accounts())

	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	nowhere := []string{"DB_HOST=127.0.0.1", "DB_PORT=9", "DB_NAME=rifaapp", "DB_USER=rifaapp", "DB_PASSWORD=" + canaries.Get("database password"), "DB_SSLMODE=disable"}
	away, err := testserver.Begin(binary, append(nowhere, env...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(away.Kill)
	if err := away.WaitListening(); err != nil {
		t.Fatal(err)
	}
	lost := &walk{t: t, url: away.URL, canaries: canaries}
	lost.call("GET", "/ready", "", nil)
	lost.call("GET", "/v2/raffles", "", nil)
	lost.call("POST", "/auth/login", "", object{"email": canaries.Get("organiser e-mail"), "password": canaries.Get("organiser password")})

	logs := map[string]string{"the log": server.Log.String(), "the log without a database": away.Log.String()}
	target := "SQITCH_TARGET=db:pg://rifaapp:" + canaries.Get("database password") + "@127.0.0.1:9/rifaapp"
	for _, line := range []string{"serve --addr 127.0.0.1:none", "migrate", "migrate status", "migrate check", "migrate log", "projections check", "people erase --yes 0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"} {
		command := exec.Command(binary, strings.Fields(line)...)
		command.Env = slices.Concat(nowhere, env)
		if line == "migrate status" {
			command.Env = append(command.Env, target)
		}
		said, _ := command.CombinedOutput() // none can succeed
		logs["rifaapp "+line] = string(said)
	}
	for from, text := range logs {
		if !strings.Contains(text, "\n") {
			t.Errorf("%s is empty: nothing could be found in it", from)
		}
		for _, leak := range canaries.Found(text) {
			t.Errorf("%s tells a secret: %s", from, leak)
		}
	}
	if canaries.Count() < 20 {
		t.Errorf("%d canaries were planted, want at least 20", canaries.Count())
	}
	trust.Figure(t, "R10", "canaries", canaries.Count(), "answers looked through", w.answers+lost.answers,
		"logs and commands", len(logs))
}
