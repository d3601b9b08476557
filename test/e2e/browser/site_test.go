package browser

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/httpapi/verify"
)

var raffle = uuid.MustParse("0190c0de-0000-7000-8000-00000000cafe")

// files are what one raffle serves; a nil file answers 404.
type files struct {
	proof, rules, entries, keys []byte
	receipt                     []byte // not served: the buyer has it
}

// site serves the page and its files under the policy, and several cases of a raffle's data, each under
// a base path of its own as behind an API gateway's stage.
func site(t *testing.T, cases map[string]files) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	send := func(w http.ResponseWriter, contentType string, data []byte) {
		if data == nil {
			http.NotFound(w, nil)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", verify.Policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(data)
	}
	mux.HandleFunc("GET /{case}/rifaapp/verify/{name}", func(w http.ResponseWriter, r *http.Request) {
		data, err := verify.Assets.ReadFile(r.PathValue("name"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		kind := map[string]string{".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8"}[path.Ext(r.PathValue("name"))]
		send(w, kind, data)
	})
	mux.HandleFunc("GET /{case}/rifaapp/v2/raffles/{id}/draw/verify", func(w http.ResponseWriter, _ *http.Request) {
		data, err := verify.Assets.ReadFile(verify.Page)
		if err != nil {
			t.Error(err)
		}
		send(w, "text/html; charset=utf-8", data)
	})
	for pattern, of := range map[string]func(files) []byte{
		"GET /{case}/rifaapp/v2/raffles/{id}/draw":             func(f files) []byte { return f.proof },
		"GET /{case}/rifaapp/v2/raffles/{id}/draw/rules":       func(f files) []byte { return f.rules },
		"GET /{case}/rifaapp/v2/raffles/{id}/draw/entries.csv": func(f files) []byte { return f.entries },
		"GET /{case}/rifaapp/.well-known/rifa-keys.json":       func(f files) []byte { return f.keys },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			send(w, "application/octet-stream", of(cases[strings.ReplaceAll(r.PathValue("case"), "_", " ")]))
		})
	}
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func address(server *httptest.Server, name string) string {
	return server.URL + "/" + strings.ReplaceAll(name, " ", "_") + "/rifaapp/v2/raffles/" + raffle.String() + "/draw/verify"
}

// round1000 is quicknet's signature of round 1000 (DRAW.md).
const round1000 = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"

// played is a raffle before its files are written out, so that a test can cheat at any point.
type played struct {
	rules   draw.RulesInput
	entries []draw.Entry
	secret  []byte
	results []draw.LotteryResult
}

func sold(n int) []draw.Entry {
	entries := make([]draw.Entry, n)
	for i := range entries {
		participant := uuid.UUID{15: byte(i % 50), 14: byte(i / 200)}
		entries[i] = draw.Entry{Number: 2*i + 1, Owner: draw.Owner(raffle, participant, make([]byte, draw.SaltSize))}
	}
	return entries
}

// finish seals the list so that round 1000 decides, draws, and issues a receipt for the numbers of the
// first buyer as they were before withhold left some of them out.
func (p played) finish(t *testing.T, withhold int) (files, draw.Proof) {
	t.Helper()
	rules, err := draw.BuildRules(p.rules)
	check(t, err)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	receipt := draw.Receipt{RaffleID: raffle, PurchaseID: uuid.UUID{7}, Owner: p.entries[0].Owner, IssuedAt: time.Unix(1692800000, 0)}
	for _, e := range p.entries {
		if e.Owner == receipt.Owner {
			receipt.Numbers = append(receipt.Numbers, e.Number)
		}
	}
	in := draw.Input{Rules: rules, Entries: p.entries[withhold:], Secret: p.secret, Results: p.results}
	list, err := draw.NewList(in.Entries)
	check(t, err)
	in.Seal, err = draw.NewSeal(draw.SealInput{RaffleID: raffle, Rules: rules, Secret: p.secret, List: list, SealedAt: time.Unix(1692806304, 0)})
	check(t, err)
	var signature draw.Hex
	check(t, signature.UnmarshalText([]byte(round1000)))
	in.Round, in.Signature = 1000, signature
	result, err := draw.Draw(in)
	check(t, err)
	proof, err := draw.NewProof(in, &result)
	check(t, err)
	record(t, in, &proof)
	receipt.Commitment = in.Seal.Commitment
	receipt, err = draw.SignReceipt(receipt, key)
	check(t, err)
	public, _ := key.Public().(ed25519.PublicKey)
	return files{
		proof: text(t, proof), rules: rules, entries: draw.AppendEntries(nil, in.Entries),
		keys: text(t, draw.NewKeys(public)), receipt: text(t, receipt),
	}, proof
}

// record adds what the API's record says besides. A lottery is drawn when its objection window ends, the
// others two seconds after they could be.
func record(t *testing.T, in draw.Input, proof *draw.Proof) {
	t.Helper()
	rules, err := draw.ParseRules(in.Rules)
	check(t, err)
	available := draw.AvailableAt(rules, in.Seal)
	if rules.Method == draw.MethodLottery {
		available = available.Add(draw.ObjectionWindow)
	}
	proof.BeaconPath, proof.AvailableAt = draw.BeaconPath(proof.Round), &available
	proof.DrawnAt = new(available.Add(2*time.Second + 345678*time.Microsecond))
	if len(proof.Winners) > 0 {
		proof.WinningNumber = &proof.Winners[0].Number
	}
}

// offline runs verify-draw on what the page of a case is given. The page's verdict is "failed" where it
// cannot read the proof.
func offline(t *testing.T, f files, options ...string) (verdict, output string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"proof.json", "entries.csv"}
	for name, data := range map[string][]byte{"proof.json": f.proof, "entries.csv": f.entries, "rules.json": f.rules, "keys.json": f.keys, "receipt.json": f.receipt} {
		check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	if f.rules != nil {
		args = append(args, "--rules", "rules.json")
	}
	args = append(args, options...)
	for i, arg := range args {
		if strings.HasSuffix(arg, ".json") || strings.HasSuffix(arg, ".csv") {
			args[i] = filepath.Join(dir, arg)
		}
	}
	var out bytes.Buffer
	code := draw.Command(t.Context(), args, strings.NewReader(""), &out, &out)
	return []string{"ok", "wrong", "unknown"}[code], out.String()
}

// agree fails the test when page and command come to different verdicts.
func agree(t *testing.T, name string, got outcome, f files, options ...string) {
	t.Helper()
	if verdict, output := offline(t, f, options...); verdict != got.Verdict {
		t.Errorf("%s: the page says %q (%v), verify-draw %q:\n%s", name, got.Verdict, got.Steps, verdict, output)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	check(t, err)
	return data
}

func beacon() played {
	return played{entries: sold(300), rules: draw.RulesInput{
		Method: draw.MethodBeacon, NumberStart: 1, Total: 1000, Prizes: []string{"Moto <125 cc> & casco", "Televisor"}, Alternates: 2, Exclude: draw.ExcludeParticipant,
	}}
}

func reveal() played {
	p := beacon()
	p.rules.Method, p.secret = draw.MethodCommitReveal, make([]byte, draw.SecretSize)
	return p
}

func lottery(unsold draw.OnUnsold, digits string) played {
	p := beacon()
	p.rules.Method, p.rules.Prizes, p.rules.Alternates = draw.MethodLottery, []string{"Moto"}, 0
	p.rules.Lottery = &draw.Lottery{
		Name: "Lotería de Boyacá", DrawsAt: "2023-08-23T10:59:24-05:00", TimeZone: "America/Bogota", Prize: "mayor",
		Take: draw.TakeLast, Digits: 3, OnUnsold: unsold, OnSuspended: draw.SuspendedVoid,
	}
	p.results = []draw.LotteryResult{{
		Digits: digits, DrawNumber: "4562", Date: "2023-08-23", SourceURL: "https://lottery.example/4562", Evidence: draw.TH("evidence"),
	}}
	return p
}

// corrected is decided by a draw of a later day. The reason for it was first entered with another day,
// and before that so that nobody can read it.
func corrected() played {
	p := lottery(draw.UnsoldRepeat, "4820")
	reason := p.results[0]
	early, unreadable, later := reason, reason, reason
	early.Date, unreadable.Date, unreadable.Digits = "2023-08-22", "", "x"
	later.DrawNumber, later.Date, later.Digits = "4563", "2023-08-30", "4005"
	p.results = []draw.LotteryResult{unreadable, early, later, reason}
	return p
}

// rounds are the published quicknet rounds that app/draw is tested with.
func rounds(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../../../app/draw/testdata/quicknet.json")
	check(t, err)
	return data
}
