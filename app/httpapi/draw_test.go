package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// round1000 is quicknet's signature of round 1000 (DRAW.md), and sealedFor1000 the moment whose seal
// fixes that round.
const (
	round1000     = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
	sealedFor1000 = 1692806304
)

// stage is the API on a database of its own, with one organiser whose token is "ana".
type stage struct {
	t       *testing.T
	db      *pgxpool.Pool
	raffles *command.Raffles
	api     *API
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, db: testdb.New(t).Pool}
	ana := uuid.New()
	if _, err := s.db.Exec(t.Context(), `INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'a@a.example', 'a@a.example', '')`, ana); err != nil {
		t.Fatal(err)
	}
	s.raffles = &command.Raffles{DB: s.db}
	s.api = New(Options{
		Authenticate: func(ctx context.Context, token string) (context.Context, uuid.UUID, error) {
			if token != "ana" {
				return nil, uuid.Nil, raffle.Refuse(raffle.CodeUnauthenticated, "")
			}
			return WithCaller(ctx, ana), ana, nil
		},
		App: App{
			Raffles: s.raffles, Idempotency: &command.Idempotency{DB: s.db}, Receipts: &command.Receipts{DB: s.db}, Queries: &query.Queries{DB: s.db},
		},
	})
	return s
}

// post sends JSON as the organiser, who buys too, and stops the test at another status.
func (s *stage) post(path string, body any, status int) map[string]any {
	s.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	w := call(s.api, "POST", "/rifaapp/v2/raffles"+path, string(text), "Authorization", "Bearer ana")
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != status {
		s.t.Fatalf("POST %s %s: %d %s, want %d", path, text, w.Code, w.Body, status)
	}
	return answer
}

func (s *stage) get(path string) []byte {
	s.t.Helper()
	w := call(s.api, "GET", "/rifaapp/v2/raffles"+path, "")
	if w.Code != 200 {
		s.t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// sealed makes a raffle of a hundred numbers from 0 on, sells some, seals it, and moves the seal, and
// with it the official draw of a lottery, back to where round 1000 decides.
func (s *stage) sealed(block map[string]any, numbers ...int) (id string, receipt draw.Receipt) {
	s.t.Helper()
	if lottery, ok := block["lottery"].(map[string]any); ok {
		lottery["draws_at"] = time.Now().Add(time.Hour).Format(time.RFC3339)
	}
	id = text(s.t, s.post("", map[string]any{"title": "Moto", "ticket_price": 1, "total_tickets": 100, "number_start": 0, "draw": block}, 201), "id")
	held := s.post("/"+id+"/reservations", map[string]any{"participant": map[string]any{"name": "Luz"}, "numbers": numbers}, 201)
	bought := s.post("/"+id+"/confirm", map[string]any{"reservation_id": held["reservation_id"]}, 200)
	s.post("/"+id+"/seal", nil, 200)
	s.rewind(uuid.MustParse(id))
	signed := call(s.api, "GET", "/rifaapp/v2/raffles/"+id+"/purchases/"+text(s.t, bought, "purchase_id")+"/receipt", "", "Authorization", "Bearer ana")
	if err := json.Unmarshal(signed.Body.Bytes(), &receipt); err != nil {
		s.t.Fatal(err)
	}
	return id, receipt
}

// rewind rewrites rules and seal as if they had been made in August of 2023, and the read model with
// them.
func (s *stage) rewind(id uuid.UUID) {
	s.t.Helper()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	var document, secret, root []byte
	var n int
	must(s.db.QueryRow(s.t.Context(), `SELECT document, secret, n, root FROM draw_rules JOIN draw_seals USING (raffle_id) WHERE raffle_id = $1`, id).
		Scan(&document, &secret, &n, &root))
	rules, err := draw.ParseRules(document)
	must(err)
	if rules.Lottery != nil {
		rules.Lottery.DrawsAt = draw.RoundTime(1000).Format(time.RFC3339)
	}
	document, err = draw.BuildRules(rules.RulesInput)
	must(err)
	seal, err := draw.NewSeal(draw.SealInput{
		RaffleID: id, Rules: document, Secret: secret, List: draw.List{N: n, Root: draw.Hash(root)}, SealedAt: time.Unix(sealedFor1000, 0),
	})
	must(err)
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE draw_rules SET document = $2, rules_hash = $3, commitment = $4 WHERE raffle_id = $1`, id, document, seal.RulesHash[:], seal.Commitment[:])
	batch.Queue(`UPDATE draw_seals SET sealed_at = $2, ref = $3, round = $4, seal = $5 WHERE raffle_id = $1`,
		id, seal.SealedAt, []byte(seal.Ref), int64(seal.Round), seal.E[:])
	must(s.db.SendBatch(s.t.Context(), batch).Close())
	s.project(id)
}

// project brings the public record up to date after a test changed the write model.
func (s *stage) project(id uuid.UUID) {
	s.t.Helper()
	for _, statement := range []string{`DELETE FROM draws_read WHERE raffle_id = $1`, `INSERT INTO draws_read SELECT * FROM draws_definition WHERE raffle_id = $1`} {
		if _, err := s.db.Exec(s.t.Context(), statement, id); err != nil {
			s.t.Fatal(err)
		}
	}
}

// letWindowPass moves the confirmation of the lottery's results more than a day back.
func (s *stage) letWindowPass(id string) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), `UPDATE lottery_results SET confirmed_at = confirmed_at - interval '25 hours' WHERE raffle_id = $1`, id); err != nil {
		s.t.Fatal(err)
	}
	s.project(uuid.MustParse(id))
}

// refusedUnchanged posts to the draw what must be refused and leaves everything as it was.
func (s *stage) refusedUnchanged(id string, body any, status int, code, location string) {
	s.t.Helper()
	before := append(s.get("/"+id+"/draw"), s.get("/"+id)...)
	refusal := s.post("/"+id+"/draw", body, status)
	after := append(s.get("/"+id+"/draw"), s.get("/"+id)...)
	if refusal["code"] != code || location != "" && !strings.Contains(fmt.Sprint(refusal["errors"]), location) {
		s.t.Errorf("%v is refused with %v, want %s at %s", body, refusal, code, location)
	}
	if !bytes.Equal(before, after) {
		s.t.Errorf("%v was refused and changed\n%s to\n%s", body, before, after)
	}
}

// verifies checks the public record with everything a buyer can have; read is what the lottery drew.
func (s *stage) verifies(id string, receipt draw.Receipt, read ...string) draw.Proof {
	s.t.Helper()
	proof, err := draw.ParseProof(s.get("/" + id + "/draw"))
	if err != nil {
		s.t.Fatal(err)
	}
	entries, err := draw.ParseEntries(s.get("/" + id + "/draw/entries.csv"))
	if err != nil {
		s.t.Fatal(err)
	}
	var keys draw.Keys
	if err := json.Unmarshal(call(s.api, "GET", "/rifaapp/.well-known/rifa-keys.json", "").Body.Bytes(), &keys); err != nil {
		s.t.Fatal(err)
	}
	report := draw.Verify(draw.Evidence{
		Proof: proof, Entries: entries, Rules: s.get("/" + id + "/draw/rules"), Witness: &proof.Seal, Receipt: &receipt, Keys: &keys, Readings: read,
	})
	if report.Verdict != draw.Verified {
		s.t.Errorf("the draw does not verify: %+v", report.Steps)
	}
	return proof
}

// Anybody brings the round that the seal fixed, and only that one finishes the draw.
func TestBeaconFinishesTheDraw(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id, receipt := s.sealed(map[string]any{"method": "beacon", "prizes": []string{"Moto <125 cc> & casco", "TV"}, "alternates": 1}, 3, 7, 12, 21, 34)
	s.refusedUnchanged(id, nil, 422, "validation_failed", "body.round")
	s.refusedUnchanged(id, json.RawMessage(" null\n"), 422, "validation_failed", "body.round")
	s.refusedUnchanged(id, map[string]any{"round": 1001, "signature": round1000}, 422, "validation_failed", "body.round")
	s.refusedUnchanged(id, map[string]any{"round": 1000, "signature": strings.Replace(round1000, "b446", "b447", 1)}, 422, "validation_failed", "body.signature")
	s.refusedUnchanged(id, map[string]any{"round": 1000, "signature": strings.Repeat("0", 96)}, 422, "validation_failed", "body.signature")
	first := s.post("/"+id+"/draw", map[string]any{"round": 1000, "signature": round1000}, 200)
	again := s.post("/"+id+"/draw", map[string]any{"round": 77, "signature": round1000}, 200) // whatever it brings
	if fmt.Sprint(first) != fmt.Sprint(again) {
		t.Errorf("drawn twice: %v and %v", first, again)
	}
	if proof := s.verifies(id, receipt); len(proof.Winners) != 4 || proof.Signature.String() != round1000 {
		t.Errorf("the proof is %+v", proof)
	}
}

func lotteryBlock(onUnsold, onSuspended string) map[string]any {
	return map[string]any{"method": "lottery", "prizes": []string{"Moto"}, "lottery": map[string]any{
		"name": "Lotería de Boyacá", "time_zone": "America/Bogota", "prize": "mayor", "take": "last", "digits": 2, "on_unsold": onUnsold, "on_suspended": onSuspended,
	}}
}

func lotteryResult(digits, drawNumber string) map[string]any {
	return map[string]any{
		"digits": digits, "suspended": digits == "", "draw_number": drawNumber, "date": "2023-08-23", "source_url": "https://lottery.example/" + drawNumber,
		"evidence_sha256": strings.Repeat("9f", 32),
	}
}

// enter enters and confirms a result, and lets the objection window pass.
func (s *stage) enter(id, digits, drawNumber string) (outcome string) {
	s.t.Helper()
	result := lotteryResult(digits, drawNumber)
	s.post("/"+id+"/lottery-result", result, 200)
	result["confirm"] = true
	answer := s.post("/"+id+"/lottery-result", result, 200)
	s.refusedUnchanged(id, nil, 409, "draw_not_due", "")
	early := s.post("/"+id+"/draw", nil, 409)
	var record struct {
		AvailableAt string `json:"available_at"`
	}
	if err := json.Unmarshal(s.get("/"+id+"/draw"), &record); err != nil || record.AvailableAt != early["available_at"] {
		s.t.Errorf("available_at is %s in the record and %s in the refusal, %v", record.AvailableAt, early["available_at"], err)
	}
	s.letWindowPass(id)
	return text(s.t, answer, "outcome")
}

// Every rule about a number that was not sold, and about a lottery that did not draw.
func TestLotteryDecides(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, c := range map[string]struct {
		onUnsold, onSuspended, digits, outcome string
		winner                                 int // −1: nobody
	}{
		"sold":             {"void", "void", "4821", "winner", 21},
		"nearest":          {"nearest_up_wrap", "void", "4813", "winner", 21},
		"nearest wraps":    {"nearest_up_wrap", "void", "4899", "winner", 7},
		"unsold is void":   {"void", "next_draw", "4820", "void", -1},
		"suspended":        {"nearest_up_wrap", "void", "", "void", -1},
		"unsold repeats":   {"repeat_next_draw", "void", "4820", "next_draw", 45},
		"suspended, again": {"void", "next_draw", "", "next_draw", 45},
		"unsold beacon":    {"beacon_among_sold", "void", "4820", "beacon", 0},
		"suspended beacon": {"void", "beacon_among_sold", "", "beacon", 0},
	} {
		id, receipt := s.sealed(lotteryBlock(c.onUnsold, c.onSuspended), 7, 21, 45)
		s.refusedUnchanged(id, nil, 409, "lottery_result_missing", "")
		if got := s.enter(id, c.digits, "4562"); got != c.outcome {
			t.Fatalf("%s: the outcome is %s, want %s", name, got, c.outcome)
		}
		read := []string{cmp.Or(c.digits, draw.ReadSuspended)}
		switch c.outcome {
		case "next_draw":
			s.refusedUnchanged(id, nil, 409, "lottery_result_missing", "")
			read = append(read, "0045")
			if got := s.enter(id, "0045", "4563"); got != "winner" {
				t.Fatalf("%s: the next draw's outcome is %s", name, got)
			}
			s.post("/"+id+"/draw", nil, 200)
		case "beacon":
			s.refusedUnchanged(id, nil, 422, "validation_failed", "body.round")
			s.refusedUnchanged(id, map[string]any{"round": 999, "signature": round1000}, 422, "validation_failed", "body.round")
			s.post("/"+id+"/draw", map[string]any{"round": 1000, "signature": round1000}, 200)
		default: // the schedule draws
			if drawn, err := s.raffles.DrawDue(t.Context()); err != nil || drawn != 1 {
				t.Fatalf("%s: the schedule drew %d, %v", name, drawn, err)
			}
		}
		proof := s.verifies(id, receipt, read...)
		var answer struct {
			Status string `json:"status"`
			Winner *int   `json:"winning_number"`
		}
		if err := json.Unmarshal(s.get("/"+id), &answer); err != nil || answer.Status != "drawn" {
			t.Errorf("%s: the raffle is %+v, %v", name, answer, err)
		}
		switch {
		case c.winner < 0 && (answer.Winner != nil || len(proof.Winners) != 0),
			c.winner > 0 && (answer.Winner == nil || *answer.Winner != c.winner),
			c.winner == 0 && (answer.Winner == nil || proof.Signature.String() != round1000):
			t.Errorf("%s: winner %v, proof %+v", name, answer.Winner, proof)
		}
	}
}

// Every member of the public record is one that verify-draw reads, and is tested against changes of, or one
// that it lists as not covered.
func TestTheRecordIsWhatIsVerified(t *testing.T) {
	t.Parallel()
	names := func(of ...reflect.Type) []string {
		var all []string
		for _, answer := range of {
			for field := range answer.Fields() {
				if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
					all = append(all, name)
				}
			}
		}
		slices.Sort(all)
		return all
	}
	proof := slices.DeleteFunc(names(reflect.TypeFor[draw.Proof]()), func(name string) bool {
		return name == "void_seals" // read to explain a seal that somebody saw, and not covered
	})
	known := slices.Sorted(slices.Values(append(proof, draw.NotCovered...)))
	if got := names(reflect.TypeFor[drawRecordAnswer]()); !slices.Equal(got, known) {
		t.Errorf("the record has %v\nwhat is verified or listed is %v", got, known)
	}
	read := names(reflect.TypeFor[draw.LotteryResult]())
	for _, name := range names(reflect.TypeFor[lotteryResultAnswer]()) {
		covered := name == "digits" || name == "suspended" || name == "date"
		if covered == slices.Contains(draw.NotCoveredOfResults, name) || covered && !slices.Contains(read, name) {
			t.Errorf("%s of a lottery result must be either verified or listed as not covered", name)
		}
	}
	if got, want := names(reflect.TypeFor[winnerAnswer]()), names(reflect.TypeFor[draw.Winner]()); !slices.Equal(got, want) {
		t.Errorf("a winner has %v, of which %v are verified", got, want)
	}
}
