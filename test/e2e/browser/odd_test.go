package browser

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/draw"
)

// odd are proofs that two readers of JSON, of times or of rules could understand differently, with the verdict that
// page and command must both come to.
func odd(t *testing.T) (cases map[string]files, verdicts map[string]string) {
	t.Helper()
	cases, verdicts = map[string]files{}, map[string]string{}
	edit := func(verdict, name string, p played, old, changed string) {
		f, proof := p.finish(t, 0)
		whole := text(t, proof)
		if f.proof = bytes.Replace(whole, []byte(old), []byte(changed), 1); bytes.Equal(f.proof, whole) {
			t.Errorf("%s: no %s in %s", name, old, whole)
		}
		cases[name], verdicts[name] = f, verdict
	}
	edit("wrong", "seal twice", beacon(), `"seal":"`, `"seal":"`+strings.Repeat("0", 64)+`","seal":"`)
	edit("wrong", "seal spelled alike", beacon(), `"seal":"`, `"seal":"`+strings.Repeat("0", 64)+`","ſeal":"`)
	edit("wrong", "number of a winner twice", beacon(), `"number":`, `"number":0,"number":`)
	edit("wrong", "number of a winner in capitals", beacon(), `"number":`, `"NUMBER":0,"number":`)
	edit("wrong", "digits twice", lottery(draw.UnsoldNearest, "4821"), `"digits":"`, `"digits":"9999","digits":"`)
	edit("wrong", "suspended as a text", lottery(draw.UnsoldNearest, "4821"), `"suspended":false`, `"suspended":""`)
	edit("wrong", "draw number as a number", lottery(draw.UnsoldNearest, "4821"), `"draw_number":"4562"`, `"draw_number":4562`)
	edit("wrong", "winning number as a text", reveal(), `"available_at"`, `"winning_number":"7","available_at"`)
	edit("wrong", "count with a point", beacon(), `"n":300`, `"n":300.0`)
	edit("wrong", "count with an exponent", beacon(), `"n":300`, `"n":3e2`)
	edit("wrong", "round as a text", beacon(), `"round":1000`, `"round":"1000"`)
	edit("wrong", "a day that is none", reveal(), `"sealed_at":"2023-08-23T15:58:24Z"`, `"sealed_at":"2023-08-22T39:58:24Z"`)
	edit("wrong", "a time with a comma", beacon(), `:24Z"`, `:24,0Z"`)
	edit("wrong", "an offset of 60 minutes", beacon(), `T15:58:24Z"`, `T16:58:24+00:60"`)
	edit("ok", "a time with zeros", beacon(), `:24Z"`, `:24.000Z"`)
	edit("ok", "a time of another zone", beacon(), `T15:58:24Z"`, `T10:58:24-05:00"`)
	edit("ok", "a huge number nobody knows", beacon(), `"n":300`, `"n":300,"more":[1e400,-0.5,{"a":"\\\"{"}]`)
	edit("ok", "null for ref", reveal(), `"ref":""`, `"ref":null`)
	edit("ok", "null for the path", reveal(), `"available_at"`, `"beacon_path":null,"available_at"`)
	edit("ok", "no alternate in the first winner", beacon(), `"alternate":0,`, ``)
	edit("ok", "a mark before it", beacon(), `{"raffle_id"`, "\ufeff"+`{"raffle_id"`)
	edit("ok", "spaces and lines", beacon(), `"n":300`, "\r\n\t\"n\"  :\n 300 ")
	edit("wrong", "drawn a microsecond early", reveal(), `"drawn_at":"`, `"drawn_at":"2023-08-23T15:58:23.999999Z","was":"`)
	return cases, verdicts
}

func TestOddProofsAreJudgedAlike(t *testing.T) {
	cases, verdicts := odd(t)
	rulesOf := func(verdict, name, old, changed string) {
		p := reveal()
		rules, err := draw.BuildRules(p.rules)
		check(t, err)
		f, proof := p.finish(t, 0)
		if f.rules = bytes.Replace(rules, []byte(old), []byte(changed), 1); bytes.Equal(f.rules, rules) {
			t.Errorf("%s: no %s in %s", name, old, rules)
		}
		proof.Rules, proof.RulesHash = string(f.rules), draw.RulesHash(f.rules)
		proof.Commitment = draw.Commitment(raffle, proof.RulesHash, proof.Secret)
		f.proof = text(t, proof)
		cases[name], verdicts[name] = f, verdict
	}
	// Whoever publishes such rules can seal them; the seal of these proofs is of others, and the rules come first.
	rulesOf("unknown", "rules with prizes spelled alike", `"prizes":`, `"prizeſ":1,"prizes":`)
	rulesOf("unknown", "rules with a padding of 9", `"total":`, `"padding":9,"total":`)
	rulesOf("unknown", "rules with an hour of one digit", `"draw_at":null`, `"draw_at":"2023-08-23T1:00:00Z"`)
	rulesOf("unknown", "rules that name one prize of two", `,"Televisor"]`, `]`)
	server := site(t, cases)
	page := open(t)
	for name, want := range verdicts {
		page.visit(address(server, name))
		got := page.verdict()
		if strings.HasPrefix(name, "rules") {
			if _, output := offline(t, cases[name]); got.Steps["rules"] != want || !strings.Contains(output, "1. [cannot tell]") {
				t.Errorf("%s: the page says %v, verify-draw\n%s", name, got.Steps, output)
			}
			continue
		}
		got.Verdict = strings.Replace(got.Verdict, "failed", "wrong", 1) // the page's word for a proof that it cannot read
		verdict, output := offline(t, cases[name])
		if got.Verdict != want || verdict != want {
			t.Errorf("%s: the page says %q (%v), verify-draw %q, both must say %q:\n%s\n%s", name, got.Verdict, got.Steps, verdict, want, got.Text, output)
		}
	}
	page.clean(server.URL)
}

// A bundle of the least members says nothing of how many winners there must be, and neither does the page.
func TestTheLeastBundleIsVerifiedButForTheRules(t *testing.T) {
	f, proof := beacon().finish(t, 0)
	var members map[string]json.RawMessage
	check(t, json.Unmarshal(text(t, proof), &members))
	for _, more := range []string{"rules", "draw_key", "winning_number", "beacon_path", "available_at", "drawn_at"} {
		delete(members, more)
	}
	f.proof, f.rules = text(t, members), nil
	server := site(t, map[string]files{"least": f})
	page := open(t)
	page.visit(address(server, "least"))
	got := page.verdict()
	page.expect("least", got, "ok", "rules", "skipped")
	if !strings.Contains(got.Text, "But for the rules") {
		t.Errorf("the page says\n%s", got.Text)
	}
	agree(t, "least", got, f)
	page.clean(server.URL)
}

// The seal that somebody saw was made void and replaced: page and command say what became of it.
func TestASealThatWasMadeVoid(t *testing.T) {
	p := beacon()
	f, proof := p.finish(t, 0)
	list, err := draw.NewList(p.entries)
	check(t, err)
	void, err := draw.NewSeal(draw.SealInput{RaffleID: raffle, Rules: f.rules, List: list, SealedAt: proof.SealedAt.Add(-time.Minute)})
	check(t, err)
	limit := void.CommitBy(draw.MethodBeacon)
	cases, says := map[string]files{}, map[string]string{
		"late":  "If you saw yours before that, it should have decided",
		"early": "nothing could replace it",
		"other": "they prove this",
	}
	for name, at := range map[string]time.Time{"late": limit.Add(time.Second), "early": limit.Add(-time.Second), "other": limit.Add(time.Second)} {
		record := map[string]any{"seal": void.E, "round": void.Round, "sealed_at": void.SealedAt, "void_at": at}
		if name == "other" {
			record["round"] = void.Round + 1
		}
		proof.VoidSeals = text(t, []any{record})
		f.proof = text(t, proof)
		cases[name] = f
	}
	server := site(t, cases)
	page := open(t)
	for name, want := range says {
		page.visit(address(server, name))
		page.verdict()
		page.fill("witness", void.E.String())
		got := page.again()
		page.expect(name, got, "wrong", "witness", "wrong")
		verdict, output := offline(t, cases[name], "--seal", void.E.String())
		if verdict != "wrong" || !strings.Contains(got.Text, want) || !strings.Contains(output, want) {
			t.Errorf("%s: want %q; the page says\n%s\nverify-draw %q\n%s", name, want, got.Text, verdict, output)
		}
	}
	page.clean(server.URL)
}
