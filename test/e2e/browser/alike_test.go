package browser

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
)

// judged is how a verification came out: its verdict and the status of each step.
type judged struct {
	Verdict string
	Steps   map[string]string
}

// evidence is what the page's checks and Go's are both given.
type evidence struct {
	Proof   json.RawMessage `json:"proof"`
	Entries string          `json:"entries"`
	Receipt *string         `json:"receipt"`
	Keys    draw.Keys       `json:"keys"`
	Lottery string          `json:"lottery"`
	Witness string          `json:"witness"`
}

// judgeAll has the page's own code check all evidence.
const judgeAll = `async (all) => {
  const { verify } = await import("../../../../verify/steps.js");
  const judged = [], bytes = (text) => new TextEncoder().encode(text);
  for (const e of all) {
    const steps = {};
    const verdict = await verify({ ...e, rules: null, entries: bytes(e.entries) }, (s) => { if (steps[s.id] !== "wrong") steps[s.id] = s.status; }, async () => {});
    judged.push({ verdict, steps });
  }
  return judged;
}`

// Whatever raffle is sealed and drawn, the page and verify-draw judge every step of it alike, and so they do
// when something of it was changed.
func TestRandomRafflesAreJudgedAlike(t *testing.T) {
	page := visitGood(t)
	page.verdict()
	chance := &chance{t: t, Rand: rand.New(rand.NewPCG(0, 0))}
	check(t, json.Unmarshal(rounds(t), &chance.rounds))
	alike(t, page, chance)
}

// alike has a batch of raffles judged by both. Once something is wrong the page leaves out steps that Go takes, so
// only what contradicts counts.
func alike(t *testing.T, page *tab, chance *chance) {
	t.Helper()
	var (
		all   []evidence
		whole []bool
		got   []judged
	)
	for range 40 {
		e, untouched := chance.evidence()
		all, whole = append(all, e), append(whole, untouched)
	}
	page.run("("+judgeAll+")("+string(text(t, all))+")", &got)
	for i, e := range all {
		want := judge(t, e)
		differs := want.Verdict != got[i].Verdict
		for id, status := range got[i].Steps {
			differs = differs || want.Steps[id] == "ok" && status == "wrong" || want.Steps[id] == "wrong" && status == "ok"
		}
		if differs {
			t.Errorf("verify-draw says %v, the page %v\n%s", want, got[i], text(t, e))
		}
		if whole[i] && want.Verdict != "ok" {
			t.Errorf("a draw that nobody changed: %v\n%s", want, text(t, e))
		}
	}
}

// judge is verify-draw's judgement, in the page's words.
func judge(t *testing.T, e evidence) judged {
	t.Helper()
	proof, err := draw.ParseProof(e.Proof)
	check(t, err)
	entries, err := draw.ParseEntries([]byte(e.Entries))
	check(t, err)
	given := draw.Evidence{Proof: proof, Entries: entries, Keys: &e.Keys}
	if e.Lottery != "" {
		given.Readings = strings.Split(e.Lottery, ",")
	}
	if e.Receipt != nil {
		given.Receipt = new(draw.Receipt)
		check(t, json.Unmarshal([]byte(*e.Receipt), given.Receipt))
	}
	if e.Witness != "" {
		witness, err := draw.ParseHash(e.Witness)
		check(t, err)
		given.Witness = &witness
	}
	report := draw.Verify(given)
	words := map[draw.Status]string{draw.StatusOK: "ok", draw.StatusWrong: "wrong", draw.StatusUnknown: "unknown", draw.StatusSkipped: "skipped"}
	j := judged{Verdict: []string{"ok", "wrong", "unknown"}[report.Verdict], Steps: map[string]string{}}
	for _, s := range report.Steps {
		if j.Steps[s.ID] != "wrong" {
			j.Steps[s.ID] = words[s.Status]
		}
	}
	return j
}

// chance makes raffles that are odd and legal.
type chance struct {
	*rand.Rand
	t      *testing.T
	rounds []struct {
		Round     uint64   `json:"round"`
		Signature draw.Hex `json:"signature"`
	}
}

func (c *chance) oneIn(n int) bool { return c.IntN(n) == 0 }

func pick[T any](c *chance, of ...T) T { return of[c.IntN(len(of))] }

func (c *chance) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.Uint32())
	}
	return b
}

// rules are of any method and shape, and fix the round that the moment t(round) publishes.
func (c *chance) rules(at time.Time) draw.RulesInput {
	in := draw.RulesInput{
		Method: pick(c, draw.MethodCommitReveal, draw.MethodCommitReveal, draw.MethodLottery, draw.MethodLottery, draw.MethodLottery, draw.MethodBeacon),
		Total:  pick(c, 1, 2, 3, 10, 99, 100, 1000, 2500), NumberStart: pick(c, 0, 0, 1, 7, 100, 99_999, 1_000_000_000),
		Exclude: pick(c, draw.ExcludeTicket, draw.ExcludeParticipant), Alternates: c.IntN(4), Prizes: []string{""},
	}
	if c.oneIn(2) {
		in.Padding = new(1 + c.IntN(6))
	}
	for range c.IntN(4) {
		in.Prizes = append(in.Prizes, pick(c, "", "Moto <125 cc> & casco", "Señor \"Ñandú\" \\ 電視 📺", "e\u0301\u2028\u202e{}[],:", "\"}"))
	}
	if in.Method == draw.MethodLottery {
		in.Prizes, in.Alternates, in.Lottery = in.Prizes[:1], 0, c.lottery(in.Total, at)
	}
	if c.oneIn(2) {
		in.DrawAt = at.Add(-time.Duration(c.IntN(3000)) * time.Millisecond)
	}
	return in
}

func (c *chance) lottery(total int, at time.Time) *draw.Lottery {
	zone := pick(c, "America/Bogota", "America/Santiago", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC", "Europe/Madrid")
	location, err := time.LoadLocation(zone)
	check(c.t, err)
	enough := len(fmt.Sprint(total - 1))
	return &draw.Lottery{
		Name: pick(c, "Lotería de Boyacá", `"},{"`, "<&>"), TimeZone: zone, Prize: "mayor \U0001f3c6", DrawsAt: at.In(location).Format(time.RFC3339),
		Take: pick(c, draw.TakeFirst, draw.TakeLast), Digits: enough + c.IntN(7-enough),
		OnUnsold:    pick(c, draw.UnsoldBeacon, draw.UnsoldNearest, draw.UnsoldRepeat, draw.UnsoldVoid),
		OnSuspended: pick(c, draw.SuspendedBeacon, draw.SuspendedNextDraw, draw.SuspendedVoid),
	}
}

// entries are some numbers of the board, of one buyer, of a few or of as many.
func (c *chance) entries(in draw.RulesInput, id uuid.UUID) []draw.Entry {
	buyers, share := pick(c, 1, 2, 5, in.Total), pick(c, 1, 2, 30)
	var entries []draw.Entry
	for number := in.NumberStart; number < in.NumberStart+in.Total; number++ {
		if c.oneIn(share) || number == in.NumberStart+in.Total-1 && entries == nil {
			owner := draw.Owner(id, uuid.UUID{1: byte(c.IntN(buyers)), 2: byte(c.IntN(buyers) / 256)}, make([]byte, draw.SaltSize))
			entries = append(entries, draw.Entry{Number: number, Owner: owner})
		}
	}
	return entries
}

// results are entered until they decide, corrections and draws that were not held among them. Some raffles would
// wait for theirs for ever: decided is false then.
func (c *chance) results(in *draw.Input) (result draw.Result, decided bool) {
	rules, err := draw.ParseRules(in.Rules)
	check(c.t, err)
	for entered := 1; entered <= 50; entered++ {
		day := rules.Lottery.Time()
		next := draw.LotteryResult{DrawNumber: fmt.Sprint(c.IntN(3 + entered)), SourceURL: "https://lottery.example/ñ", Evidence: draw.TH("evidence")}
		next.Date = pick(c, rules.Lottery.Date(), day.AddDate(0, 0, 7*entered).Format(time.DateOnly))
		if next.Suspended = c.oneIn(3); !next.Suspended {
			for range rules.Lottery.Digits + c.IntN(13-rules.Lottery.Digits) {
				next.Digits += pick(c, "0", "0", "1", "5", "9")
			}
		}
		if next.Check(rules) != nil || draw.CheckNextResult(rules, in.Entries, in.Results, next) != nil {
			continue
		}
		in.Results = append(in.Results, next)
		result, err = draw.Draw(*in)
		decided = err == nil
		if decided && !c.oneIn(4) {
			break
		}
		if faults := (draw.Faults{}); err != nil && !errors.Is(err, draw.ErrResultMissing) && !errors.As(err, &faults) {
			c.t.Fatal(err)
		}
	}
	return result, decided
}

// evidence is a raffle from its rules to its draw; untouched says that nothing was changed afterwards.
func (c *chance) evidence() (e evidence, untouched bool) {
	decides := c.rounds[c.IntN(len(c.rounds))]
	at := draw.RoundTime(decides.Round)
	id := uuid.UUID(c.bytes(16))
	input := c.rules(at)
	rules, err := draw.BuildRules(input)
	check(c.t, err)
	in := draw.Input{Rules: rules, Entries: c.entries(input, id), Round: decides.Round, Signature: decides.Signature}
	if input.Method == draw.MethodCommitReveal {
		in.Secret = c.bytes(draw.SecretSize)
	}
	list, err := draw.NewList(in.Entries)
	check(c.t, err)
	sealed := at.Add(-time.Duration(60+c.IntN(3)) * time.Second)
	in.Seal, err = draw.NewSeal(draw.SealInput{RaffleID: id, Rules: rules, Secret: in.Secret, List: list, SealedAt: sealed})
	check(c.t, err)
	var result draw.Result
	if input.Method == draw.MethodLottery {
		var decided bool
		if result, decided = c.results(&in); !decided {
			return c.evidence()
		}
	} else if result, err = draw.Draw(in); err != nil {
		c.t.Fatal(err)
	}
	proof, err := draw.NewProof(in, &result)
	check(c.t, err)
	record(c.t, in, &proof)
	e.Lottery = readings(in)
	c.own(&e, in)
	if untouched = c.oneIn(2); !untouched {
		c.change(&e, &in, &proof)
	}
	e.Entries, e.Proof = string(draw.AppendEntries(nil, in.Entries)), text(c.t, proof)
	return e, untouched
}

// readings are the results that a buyer would find at the lottery.
func readings(in draw.Input) string {
	rules, err := draw.ParseRules(in.Rules)
	if err != nil || rules.Lottery == nil {
		return ""
	}
	var read []string
	_, _, last, _ := draw.DecideLottery(rules, in.Entries, in.Results)
	for _, r := range draw.CurrentResults(in.Results) {
		read = append(read, cmp.Or(r.Digits, draw.ReadSuspended))
		if r.DrawNumber == last.DrawNumber {
			break
		}
	}
	return strings.Join(read, ",")
}

// own gives the buyer of a number what buyers have.
func (c *chance) own(e *evidence, in draw.Input) {
	key := ed25519.NewKeyFromSeed(c.bytes(ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	e.Keys = draw.NewKeys(public)
	receipt := draw.Receipt{
		RaffleID: in.Seal.RaffleID, Commitment: in.Seal.Commitment, PurchaseID: uuid.UUID(c.bytes(16)),
		Owner: in.Entries[c.IntN(len(in.Entries))].Owner, IssuedAt: in.Seal.SealedAt.Add(-time.Hour),
	}
	for _, entry := range in.Entries {
		if entry.Owner == receipt.Owner {
			receipt.Numbers = append(receipt.Numbers, entry.Number)
		}
	}
	receipt, err := draw.SignReceipt(receipt, key)
	check(c.t, err)
	if c.oneIn(2) {
		e.Receipt = new(string(text(c.t, receipt)))
	}
	if c.oneIn(2) {
		e.Witness = in.Seal.E.String()
	}
}

// change forges one thing.
func (c *chance) change(e *evidence, in *draw.Input, p *draw.Proof) {
	at := c.IntN(len(in.Entries))
	changes := []func(){
		func() { p.Winners = slices.Clone(p.Winners[:len(p.Winners)/2]) },
		func() { p.Winners = append(slices.Clone(p.Winners), draw.Winner{Number: in.Entries[at].Number}) },
		func() {
			p.Signature, p.Secret, p.Winners, p.Outcome, p.DrawnAt, p.DrawKey = nil, nil, nil, "", nil, nil
		},
		func() { p.Rules = "" },
		func() { p.Results = nil },
		func() { p.Results = p.Results[:len(p.Results)/2] },
		func() { slices.Reverse(p.Results) },
		func() { p.Signature = c.rounds[0].Signature },
		func() { p.SealedAt = p.SealedAt.Add(time.Duration(c.IntN(7)-3) * time.Second) },
		func() { p.Round++ },
		func() { p.AvailableAt = new(p.AvailableAt.Add(time.Duration(c.IntN(7)-3) * 500 * time.Millisecond)) },
		func() { p.DrawnAt = new(p.DrawnAt.Add(time.Duration(c.IntN(9)-6) * 500 * time.Millisecond)) },
		func() { in.Entries = slices.Clone(in.Entries); in.Entries[at].Owner[3] ^= 1 },
		func() { e.Lottery = pick(c, "", "0", "suspended", "0,0", e.Lottery+",5") },
		func() { e.Keys = draw.Keys{Keys: []draw.Key{}} },
		func() { e.Witness = p.Root.String() },
	}
	pick(c, changes...)()
}
