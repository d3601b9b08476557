package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/draw"
)

// waitForVerdict resolves with the page's verdict and its steps once it has one.
const waitForVerdict = `new Promise((done) => {
  const verdict = document.getElementById("verdict");
  const look = () => verdict.dataset.verdict && (watcher.disconnect(), done({
    verdict: verdict.dataset.verdict, text: document.body.innerText,
    steps: Object.fromEntries([...document.querySelectorAll("#steps li")].map((li) => [li.dataset.step, li.dataset.status])),
  }));
  const watcher = new MutationObserver(look);
  watcher.observe(verdict, { attributes: true });
  look();
})`

type outcome struct {
	Verdict string
	Text    string
	Steps   map[string]string
}

func (p *tab) verdict() outcome {
	p.t.Helper()
	var o outcome
	p.run(waitForVerdict, &o)
	return o
}

// again presses the button; the page clears its verdict before it returns.
func (p *tab) again() outcome {
	p.t.Helper()
	p.run(`document.getElementById("again").click()`, nil)
	return p.verdict()
}

func (p *tab) fill(id, value string) {
	p.t.Helper()
	p.run(`document.getElementById("`+id+`").value = "`+value+`"`, nil)
}

// choose gives the file input a file, as a person would.
func (p *tab) choose(t *testing.T, content []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "receipt.json")
	check(t, os.WriteFile(name, content, 0o600))
	var document struct{ Root struct{ NodeID int } }
	p.ask("DOM.getDocument", nil, &document)
	var node struct{ NodeID int }
	p.ask("DOM.querySelector", map[string]any{"nodeId": document.Root.NodeID, "selector": "#receipt"}, &node)
	p.ask("DOM.setFileInputFiles", map[string]any{"nodeId": node.NodeID, "files": []string{name}}, nil)
}

// screenshot writes a picture of the page where RIFAAPP_SCREENSHOTS says, to be looked at.
func (p *tab) screenshot(name string, width int) {
	p.t.Helper()
	dir := os.Getenv("RIFAAPP_SCREENSHOTS")
	p.ask("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	var overflow bool
	p.run(`document.documentElement.scrollWidth > innerWidth`, &overflow)
	if overflow {
		p.t.Errorf("%s: at a width of %d the page scrolls sideways", name, width)
	}
	if dir == "" {
		return
	}
	var picture struct{ Data string }
	p.ask("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &picture)
	data, err := base64.StdEncoding.DecodeString(picture.Data)
	check(p.t, err)
	check(p.t, os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600))
}

// tampered are cheats of all kinds, each with the step that must catch it.
func tampered(t *testing.T) (cases map[string]files, caught map[string]string) {
	t.Helper()
	cases, caught = map[string]files{}, map[string]string{}
	edit := func(name, step string, p played, change func(f *files, proof *draw.Proof)) {
		f, proof := p.finish(t, 0)
		f.proof = nil
		change(&f, &proof)
		if f.proof == nil {
			f.proof = text(t, proof)
		}
		cases[name], caught[name] = f, step
	}
	edit("rules", "rules", beacon(), func(f *files, p *draw.Proof) {
		f.rules = bytes.Replace(f.rules, []byte(`"alternates":2`), []byte(`"alternates":1`), 1)
		p.Rules = string(f.rules)
	})
	edit("rules and their hash", "commitment", beacon(), func(f *files, p *draw.Proof) {
		f.rules = bytes.Replace(f.rules, []byte(`"alternates":2`), []byte(`"alternates":1`), 1)
		p.Rules, p.RulesHash = string(f.rules), draw.RulesHash(f.rules)
	})
	edit("commitment", "commitment", beacon(), func(_ *files, p *draw.Proof) { p.Commitment[0] ^= 1 })
	edit("secret", "commitment", reveal(), func(_ *files, p *draw.Proof) { p.Secret = append(slices.Clone(p.Secret[:31]), 1) })
	edit("no secret", "commitment", reveal(), func(_ *files, p *draw.Proof) { p.Secret = nil })
	edit("a number less", "entries", beacon(), func(f *files, _ *draw.Proof) { f.entries = draw.AppendEntries(nil, sold(299)) })
	edit("an owner", "entries", beacon(), func(f *files, _ *draw.Proof) { f.entries = bytes.Replace(f.entries, []byte(",0"), []byte(",1"), 1) })
	edit("order of the list", "entries", beacon(), func(f *files, _ *draw.Proof) {
		lines := strings.SplitAfter(string(f.entries), "\n")
		lines[1], lines[2] = lines[2], lines[1]
		f.entries = []byte(strings.Join(lines, ""))
	})
	edit("root", "entries", beacon(), func(_ *files, p *draw.Proof) { p.Root[9] ^= 1 })
	edit("count", "entries", beacon(), func(_ *files, p *draw.Proof) { p.N-- })
	edit("an earlier seal", "ref", beacon(), func(_ *files, p *draw.Proof) { p.SealedAt = p.SealedAt.Add(-3e9) })
	edit("a later round", "ref", beacon(), func(_ *files, p *draw.Proof) { p.Round++ })
	edit("ref", "ref", beacon(), func(_ *files, p *draw.Proof) { p.Ref[0] ^= 1 })
	edit("seal", "seal", beacon(), func(_ *files, p *draw.Proof) { p.Seal[31] ^= 1 })
	edit("raffle", "failed", beacon(), func(_ *files, p *draw.Proof) { p.RaffleID[0] ^= 1 })
	edit("signature", "signature", beacon(), func(_ *files, p *draw.Proof) { p.Signature[20] ^= 1 })
	edit("infinity for a signature", "signature", beacon(), func(_ *files, p *draw.Proof) {
		p.Signature = append(draw.Hex{0xc0}, make([]byte, 47)...)
	})
	edit("no signature", "signature", beacon(), func(_ *files, p *draw.Proof) { p.Signature = nil })
	edit("draw key", "draw_key", beacon(), func(_ *files, p *draw.Proof) { p.DrawKey[0] ^= 1 })
	edit("winner", "winners", beacon(), func(_ *files, p *draw.Proof) { p.Winners[0] = p.Winners[1] })
	edit("order of the winners", "winners", reveal(), func(_ *files, p *draw.Proof) { slices.Reverse(p.Winners) })
	edit("an alternate less", "winners", reveal(), func(_ *files, p *draw.Proof) { p.Winners = p.Winners[:5] })
	edit("lottery digits", "winners", lottery(draw.UnsoldNearest, "4821"), func(_ *files, p *draw.Proof) { p.Results[0].Digits = "4005" })
	edit("lottery outcome", "lottery", lottery(draw.UnsoldVoid, "4820"), func(_ *files, p *draw.Proof) { p.Outcome = draw.OutcomeWinner })
	edit("too few digits", "draw", lottery(draw.UnsoldNearest, "4821"), func(_ *files, p *draw.Proof) { p.Results[0].Digits = "21" })
	for _, date := range []string{"2023-08-22", "2023-08-30", "2023-08-32", ""} {
		edit("lottery day "+date, "lottery", lottery(draw.UnsoldNearest, "4821"), func(_ *files, p *draw.Proof) { p.Results[0].Date = date })
	}
	edit("lottery day of the reason", "lottery", corrected(), func(_ *files, p *draw.Proof) { p.Results[3].Date = "2023-08-22" })
	edit("lottery without the correction", "lottery", corrected(), func(_ *files, p *draw.Proof) { p.Results = p.Results[:3] })
	edit("winning number", "winning_number", beacon(), func(_ *files, p *draw.Proof) { p.WinningNumber = new(99) })
	raw := func(name, step string, p played, old, changed string) {
		edit(name, step, p, func(f *files, proof *draw.Proof) {
			whole := text(t, proof)
			if f.proof = bytes.Replace(whole, []byte(old), []byte(changed), 1); bytes.Equal(f.proof, whole) {
				t.Errorf("%s: no %s in %s", name, old, whole)
			}
		})
	}
	raw("no winning number", "winning_number", reveal(), `"winning_number":`, `"winning_number":null,"was":`)
	raw("a winning number of nobody", "winning_number", lottery(draw.UnsoldVoid, "4820"), `"available_at"`, `"winning_number":7,"available_at"`)
	raw("no draw key", "draw_key", beacon(), `"draw_key":`, `"draw_key":null,"was":`)
	raw("no outcome", "lottery", lottery(draw.UnsoldNearest, "4821"), `"lottery_outcome":"winner"`, `"lottery_outcome":""`)
	raw("not available", "times", reveal(), `"available_at":`, `"available_at":null,"was":`)
	raw("not drawn", "times", beacon(), `"drawn_at":`, `"drawn_at":null,"was":`)
	edit("beacon path", "ref", beacon(), func(_ *files, p *draw.Proof) { p.BeaconPath = draw.BeaconPath(1001) })
	edit("a round beside the secret", "ref", reveal(), func(_ *files, p *draw.Proof) { p.Round, p.BeaconPath = 1000, draw.BeaconPath(1000) })
	edit("a signature beside the secret", "signature", reveal(), func(_ *files, p *draw.Proof) { p.Signature = make(draw.Hex, 48) })
	edit("a signature beside the lottery", "signature", lottery(draw.UnsoldNearest, "4821"), func(_ *files, p *draw.Proof) { p.Signature = make(draw.Hex, 48) })
	edit("a lottery beside the beacon", "lottery", beacon(), func(_ *files, p *draw.Proof) { p.Results = lottery(draw.UnsoldVoid, "4820").results })
	edit("an outcome beside the secret", "lottery", reveal(), func(_ *files, p *draw.Proof) { p.Outcome = draw.OutcomeVoid })
	edit("available before the round", "times", beacon(), func(_ *files, p *draw.Proof) { p.AvailableAt = new(p.AvailableAt.Add(-time.Second)) })
	edit("available after the round", "times", beacon(), func(_ *files, p *draw.Proof) { p.AvailableAt = new(p.AvailableAt.Add(time.Second)) })
	edit("available before the seal", "times", reveal(), func(_ *files, p *draw.Proof) { p.AvailableAt = new(p.SealedAt.Add(-time.Second)) })
	edit("no objection window", "times", lottery(draw.UnsoldNearest, "4821"), func(_ *files, p *draw.Proof) { p.AvailableAt = new(p.AvailableAt.Add(-time.Hour)) })
	edit("drawn too early", "times", reveal(), func(_ *files, p *draw.Proof) { p.DrawnAt = new(p.AvailableAt.Add(-time.Second)) })
	edit("drawn too early for the lottery", "times", lottery(draw.UnsoldVoid, "4820"), func(_ *files, p *draw.Proof) { p.DrawnAt = new(p.AvailableAt.Add(-time.Hour)) })
	edit("two rules", "rules", beacon(), func(_ *files, p *draw.Proof) { p.Rules += " " })
	edit("no rules and the first winner cut out", "winners", beacon(), func(f *files, p *draw.Proof) { f.rules, p.Rules, p.Winners = nil, "", p.Winners[1:] })
	edit("not JSON", "failed", beacon(), func(f *files, _ *draw.Proof) { f.proof = []byte("{") })
	edit("another protocol", "failed", beacon(), func(_ *files, p *draw.Proof) { p.Protocol = "rifa/v2" })
	return cases, caught
}

func TestTamperedProofs(t *testing.T) {
	cases, caught := tampered(t)
	server := site(t, cases)
	page := open(t)
	for name, step := range caught {
		page.visit(address(server, name))
		got := page.verdict()
		if step != "failed" {
			agree(t, name, got, cases[name])
		} else if verdict, output := offline(t, cases[name]); verdict == "ok" {
			t.Errorf("%s: verify-draw says\n%s", name, output)
		}
		if step == "failed" {
			if got.Verdict != "failed" {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if got.Verdict != "wrong" || got.Steps[step] != "wrong" {
			t.Errorf("%s: verdict %q, steps %v; step %s must not match", name, got.Verdict, got.Steps, step)
		}
	}
	page.clean(server.URL)
}

func TestGoodProofs(t *testing.T) {
	cases := map[string]files{}
	for name, p := range map[string]played{
		"beacon": beacon(), "reveal": reveal(), "lottery": lottery(draw.UnsoldNearest, "4821"), "unsold": lottery(draw.UnsoldNearest, "4820"),
		"fallback": lottery(draw.UnsoldBeacon, "4820"), "void": lottery(draw.UnsoldVoid, "4820"),
	} {
		cases[name], _ = p.finish(t, 0)
	}
	ticket := beacon()
	ticket.rules.Exclude, ticket.rules.DrawAt = draw.ExcludeTicket, draw.RoundTime(1000)
	cases["ticket"], _ = ticket.finish(t, 0)
	cases["corrected"], _ = corrected().finish(t, 0)
	bare := cases["beacon"]
	bare.rules, bare.keys = nil, nil
	cases["bare"] = bare
	repeated := lottery(draw.UnsoldRepeat, "4820")
	repeated.rules.Lottery.OnSuspended = draw.SuspendedNextDraw
	again, decides := repeated.results[0], repeated.results[0]
	repeated.results[0].Digits, repeated.results[0].Suspended = "", true
	again.DrawNumber, again.Date = "4563", "2023-08-30"
	decides.DrawNumber, decides.Date, decides.Digits = "4564", "2023-09-06", "4005"
	repeated.results = append(repeated.results, again, decides)
	cases["repeated"], _ = repeated.finish(t, 0)
	read := map[string]string{
		"lottery": "4821", "unsold": "4820", "fallback": "4820", "void": "4820", "corrected": " 4820,4005 ", "repeated": "suspended, 4820, 4005",
	}
	server := site(t, cases)
	page := open(t)
	for name := range cases {
		page.visit(address(server, name))
		got := page.verdict()
		var options []string
		if digits, asked := read[name]; asked { // by the proof alone nobody knows what the lottery drew
			page.expect(name+", which nobody looked up", got, "unknown", "lottery_result", "unknown")
			agree(t, name, got, cases[name])
			page.fill("lottery", digits)
			got, options = page.again(), []string{"--lottery-result", digits}
		}
		agree(t, name, got, cases[name], options...)
		if got.Verdict != "ok" || got.Steps["winners"] != "ok" || got.Steps["witness"] != "skipped" {
			t.Errorf("%s: %+v", name, got)
		}
		page.screenshot("good-"+name, 390)
	}
	page.clean(server.URL)
}

// With the rules gone nothing contradicts winners that were cut out, so the page cannot tell.
func TestWithoutTheRules(t *testing.T) {
	cases := map[string]files{}
	for name, p := range map[string]played{"beacon": beacon(), "reveal": reveal()} {
		for cut, left := range map[string]int{"whole": 6, "cut": 1} {
			f, proof := p.finish(t, 0)
			proof.Rules, proof.Winners = "", proof.Winners[:left]
			f.proof, f.rules = text(t, proof), nil
			cases[name+" "+cut] = f
		}
	}
	server := site(t, cases)
	page := open(t)
	for name := range cases {
		page.visit(address(server, name))
		got := page.verdict()
		page.expect(name, got, "unknown", "rules", "unknown")
		page.expect(name, got, "unknown", "winners", "unknown")
		agree(t, name, got, cases[name])
	}
	page.clean(server.URL)
}

func TestOwnEvidence(t *testing.T) {
	good, proof := beacon().finish(t, 0)
	cheated, _ := beacon().finish(t, 1) // the first number sold is not in the list
	lotto, _ := lottery(draw.UnsoldNearest, "4821").finish(t, 0)
	foreign := good
	foreign.keys = []byte(`{"keys":[]}`)
	server := site(t, map[string]files{"good": good, "cheated": cheated, "lotto": lotto, "foreign": foreign})
	page := open(t)

	page.visit(address(server, "good"))
	page.verdict()
	page.fill("witness", "  "+strings.ToUpper(proof.Seal.String())+" ")
	page.expect("its seal", page.again(), "ok", "witness", "ok")
	page.fill("witness", strings.Repeat("0", 64))
	page.expect("another seal", page.again(), "wrong", "witness", "wrong")
	page.fill("witness", "0123")
	page.expect("half a seal", page.again(), "unknown", "witness", "unknown")
	page.fill("witness", proof.Seal.String())
	page.choose(t, good.receipt)
	page.expect("its receipt", page.again(), "ok", "receipt", "ok")
	page.screenshot("evidence", 390)
	page.screenshot("evidence-wide", 1200)
	for name, row := range map[string]struct {
		file            []byte
		verdict, status string
	}{
		"the answer of confirm":       {text(t, map[string]any{"purchase_id": "…", "receipt": json.RawMessage(good.receipt)}), "ok", "ok"},
		"an answer without a receipt": {[]byte(`{"purchase_id":"…","receipt":null}`), "unknown", "unknown"},
		"a text":                      {[]byte("my receipt"), "unknown", "unknown"},
		"a number":                    {[]byte("7"), "unknown", "unknown"},
		"null":                        {[]byte("null"), "unknown", "unknown"},
		"the proof":                   {good.proof, "unknown", "unknown"},
	} {
		page.choose(t, row.file)
		got := page.again()
		page.expect(name, got, row.verdict, "receipt", row.status)
		f := good
		f.receipt = row.file
		agree(t, name, got, f, "--receipt", "receipt.json", "--keys", "keys.json")
	}
	page.choose(t, bytes.Replace(good.receipt, []byte(`"numbers":[1,`), []byte(`"numbers":[0,`), 1))
	page.expect("a changed receipt", page.again(), "wrong", "receipt", "wrong")

	page.visit(address(server, "foreign"))
	page.verdict()
	page.choose(t, good.receipt)
	page.expect("a key nobody published", page.again(), "wrong", "receipt", "wrong")

	page.visit(address(server, "cheated"))
	page.expect("a list that lacks a number, without a receipt", page.verdict(), "ok", "entries", "ok")
	page.choose(t, cheated.receipt)
	page.expect("with the receipt", page.again(), "wrong", "receipt", "wrong")
	page.screenshot("left-out", 390)

	page.visit(address(server, "lotto"))
	page.verdict()
	page.fill("lottery", "4821")
	page.expect("the lottery's result", page.again(), "ok", "lottery_result", "ok")
	for _, digits := range []string{"4822", "4821,4822", "4821,4821", "4821,", "x", "suspended"} {
		page.fill("lottery", digits)
		agree(t, "read "+digits, page.again(), lotto, "--lottery-result", digits)
	}
	page.fill("lottery", "4822")
	page.expect("another result", page.again(), "wrong", "lottery_result", "wrong")
	page.clean(server.URL)
}

func (p *tab) expect(name string, got outcome, verdict, step, status string) {
	p.t.Helper()
	if got.Verdict != verdict || got.Steps[step] != status {
		p.t.Errorf("%s: verdict %q with %v, want %q with %s %s\n%s", name, got.Verdict, got.Steps, verdict, step, status, got.Text)
	}
}

// visitGood opens the page of a draw with nothing wrong, for tests that run its code on something else.
func visitGood(t *testing.T) *tab {
	t.Helper()
	good, _ := reveal().finish(t, 0)
	server := site(t, map[string]files{"good": good})
	page := open(t)
	page.visit(address(server, "good"))
	return page
}

// The browser's own pairing agrees with the published rounds, and with nothing else.
func TestSignaturesOfPublishedRounds(t *testing.T) {
	page := visitGood(t)
	var wrong []string
	page.run(`(async () => {
	  const { verifyRound, publicKeyBytes } = await import("../../../../verify/bls.js");
	  const { fromHex, toHex, CHAIN_HASH } = await import("../../../../verify/protocol.js");
	  const { sha256, concat } = await import("../../../../verify/sha256.js");
	  const wrong = [], rounds = `+string(rounds(t))+`;
	  for (const { round, signature } of rounds) {
	    const bytes = fromHex(signature);
	    if (!verifyRound(round, bytes)) wrong.push(round + " is refused");
	    if (verifyRound(round + 1, bytes)) wrong.push(round + " passes for the next round");
	    bytes[round % 48] ^= 1 << (round % 5);
	    if (verifyRound(round, bytes)) wrong.push(round + " passes when changed");
	  }
	  for (const forged of ["c0" + "00".repeat(47), "80" + "00".repeat(47), "9f" + "ff".repeat(47), "9" + rounds[5].signature.slice(1), rounds[5].signature + "00"]) {
	    if (verifyRound(1000, fromHex(forged))) wrong.push(forged + " passes");
	  }
	  const info = concat(fromHex("00000003"), fromHex("0000000064e62127"), publicKeyBytes(), fromHex("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"), new TextEncoder().encode("quicknet"));
	  if (toHex(sha256(info)) !== CHAIN_HASH) wrong.push("the public key is not the chain's");
	  return wrong;
	})()`, &wrong)
	for _, w := range wrong {
		t.Error(w)
	}
}

// A raffle of 100 000 numbers, all sold, with as many prizes and alternates as there may be is checked in
// reasonable time, which is 4 s of the processor.
func TestTheLargestRaffle(t *testing.T) {
	p := beacon()
	p.entries = sold(100_000)
	for i := range p.entries {
		p.entries[i].Number = i + 1
	}
	p.rules.Total, p.rules.Prizes, p.rules.Alternates = 100_000, make([]string, draw.MaxPrizes), draw.MaxAlternates
	f, _ := p.finish(t, 0)
	server := site(t, map[string]files{"large": f})
	page := open(t)
	page.ask("Performance.enable", map[string]any{"timeDomain": "threadTicks"}, nil) // however busy the machine is
	page.visit(address(server, "large"))
	page.expect("100 000 numbers", page.verdict(), "ok", "winners", "ok")
	var measured struct {
		Metrics []struct {
			Name  string
			Value float64 // seconds
		}
	}
	page.ask("Performance.getMetrics", nil, &measured)
	took := 0.0
	for _, m := range measured.Metrics {
		if m.Name == "TaskDuration" {
			took = m.Value
		}
	}
	t.Logf("verified in %.1f s of the processor", took)
	if took < 0.1 || took > 30 {
		t.Errorf("took %.1f s of the processor", took)
	}
}

// A prize's name may have any characters, and none of them turns round the number that won it.
func TestNamesTurnNoNumberRound(t *testing.T) {
	p := beacon()
	p.rules.Prizes = []string{"Moto\u202e\u2066"}
	f, _ := p.finish(t, 0)
	server := site(t, map[string]files{"turned": f})
	page := open(t)
	page.visit(address(server, "turned"))
	if got := page.verdict(); got.Verdict != "ok" || !strings.Contains(got.Text, "(Moto") || strings.ContainsAny(got.Text, "\u202e\u2066") {
		t.Errorf("verdict %s, %q", got.Verdict, got.Text)
	}
}

func TestLanguagesAndThePageOnHow(t *testing.T) {
	good, _ := beacon().finish(t, 0)
	server := site(t, map[string]files{"good": good})
	page := open(t)
	page.visit(address(server, "good"))
	if got := page.verdict(); !strings.Contains(got.Text, "Check this draw") {
		t.Errorf("no English:\n%s", got.Text)
	}
	page.run(`new Promise((done) => { addEventListener("hashchange", () => done()); document.getElementById("other").click(); })`, nil)
	if got := page.verdict(); !strings.Contains(got.Text, "Comprueba este sorteo") || !strings.Contains(got.Text, "Premio 1 (Moto <125 cc> & casco): número") {
		t.Errorf("no Spanish:\n%s", got.Text)
	}
	page.screenshot("spanish", 390)
	base := strings.SplitAfter(address(server, "good"), "/rifaapp/")[0]
	for _, name := range []string{"draw.en.html", "draw.es.html"} {
		page.visit(base + "verify/" + name)
		var styled string
		page.run(`getComputedStyle(document.querySelector("main")).maxWidth`, &styled)
		if styled == "none" {
			t.Errorf("%s has no style", name)
		}
		page.screenshot(name+"-phone", 360)
		page.screenshot(name+"-wide", 1200)
	}
	page.clean(server.URL)
}
