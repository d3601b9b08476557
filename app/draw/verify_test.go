package draw

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func methods(t testing.TB) map[string]scenario {
	beacon := lotteryBlock
	beacon.OnUnsold = UnsoldBeacon
	fallback := rulesFor(MethodLottery)
	fallback.Lottery = &beacon
	unsold := someResult
	unsold.Digits = "4800"
	return map[string]scenario{
		"beacon":                     play(t, rulesFor(MethodBeacon)),
		"commit_reveal":              play(t, rulesFor(MethodCommitReveal)),
		"lottery":                    play(t, rulesFor(MethodLottery), someResult),
		"lottery, beacon among sold": play(t, fallback, unsold),
		"lottery, void":              play(t, rulesFor(MethodLottery), unsold),
	}
}

func TestWholeDrawsVerify(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		e := s.evidence(t)
		Verify(e).expect(t, name, Verified, "receipt", StatusOK)
		if s.result.Outcome != OutcomeVoid && len(s.proof.Winners) == 0 {
			t.Errorf("%s: nobody won", name)
		}
		if len(s.input.Results) > 0 {
			Verify(e).expect(t, name, Verified, "lottery_result", StatusOK)
			e.Readings = []string{"4822"}
			Verify(e).expect(t, name, DoesNotVerify, "lottery_result", StatusWrong)
			e.Readings = nil
			Verify(e).expect(t, name+", which nobody looked up", CannotTell, "lottery_result", StatusUnknown)
		}
	}
}

func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// tamper lists every member of a proof with ways to change it: what follows a space in a name tells them apart.
func tamper(p *Proof) map[string]func() {
	later := time.Unix(1692806304, 0).Add(24 * time.Hour)
	return map[string]func(){
		"protocol":             func() { p.Protocol = "rifa/v2" },
		"winning_number":       func() { p.WinningNumber = new(99) },
		"round":                func() { p.Round++ },
		"beacon_path":          func() { p.BeaconPath += "1" },
		"signature":            func() { p.Signature = flip(append(p.Signature, 0), 0) },
		"signature of a round": func() { p.Signature = append(p.Signature, mustHex(round1000Signature)...) },
		"draw_key null":        func() { p.DrawKey = nil },
		"lottery_results":      func() { p.Results = append([]LotteryResult{{Digits: "4845", Date: "2023-08-22"}}, p.Results...) },
		"lottery_outcome":      func() { p.Outcome = OutcomeRepeat },
		"winners":              func() { p.Winners = append(slices.Clone(p.Winners), Winner{Prize: 1, Alternate: 2, Number: 98}) },
		"available_at":         func() { p.AvailableAt = new(p.SealedAt.Add(-time.Hour)) },
		"available_at null":    func() { p.AvailableAt = nil },
		"available_at later":   func() { p.AvailableAt = new(p.DrawnAt.Add(time.Hour)) },
		"drawn_at":             func() { p.DrawnAt = new(p.AvailableAt.Add(-2 * time.Second)) },
		"drawn_at and available_at": func() {
			p.AvailableAt, p.DrawnAt = new(p.SealedAt.Add(-time.Minute)), new(p.SealedAt.Add(-time.Second))
		},
		"drawn_at null":   func() { p.DrawnAt = nil },
		"sealed_at later": func() { p.SealedAt = later },
		"raffle_id":       func() { p.RaffleID[3] ^= 1 },
		"method": func() {
			p.Method = map[bool]Method{true: MethodCommitReveal, false: MethodBeacon}[p.Method == MethodBeacon]
		},
		"rules":                  func() { p.Rules = strings.Replace(p.Rules, `"alternates":`, `"alternates": `, 1) },
		"rules_hash":             func() { p.RulesHash[0] ^= 1 },
		"commitment":             func() { p.Commitment[31] ^= 1 },
		"secret":                 func() { p.Secret = flip(append(p.Secret, 0), 0) },
		"n":                      func() { p.N++ },
		"root":                   func() { p.Root[7] ^= 1 },
		"sealed_at":              func() { p.SealedAt = p.SealedAt.Add(time.Second) },
		"sealed_at earlier":      func() { p.SealedAt = p.SealedAt.Add(-time.Second) },
		"sealed_at in fractions": func() { p.SealedAt = p.SealedAt.Add(time.Millisecond) },
		"ref":                    func() { p.Ref = flip(append(p.Ref, 0), 0) },
		"seal":                   func() { p.Seal[0] ^= 1 },
		"draw_key":               func() { p.DrawKey[0] ^= 1 },
	}
}

func TestEveryTamperedMemberIsDetected(t *testing.T) {
	t.Parallel()
	changes := tamper(&Proof{})
	for at := range reflect.TypeFor[Proof]().Fields() {
		member, _, _ := strings.Cut(at.Tag.Get("json"), ",")
		if _, listed := changes[member]; !listed && at.IsExported() && !slices.Contains(NotCovered, member) {
			t.Errorf("nobody tries to change %s", member)
		}
	}
	for name, s := range methods(t) {
		var served map[string]any
		if err := json.Unmarshal(s.record, &served); err != nil {
			t.Fatal(err)
		}
		for member := range served {
			if _, listed := changes[member]; listed == slices.Contains(NotCovered, member) {
				t.Errorf("%s must be either detected or listed as not covered", member)
			}
		}
		for member := range changes {
			e := s.evidence(t)
			e.Witness, e.Receipt, e.Readings = nil, nil, nil // the proof alone must give it away
			tamper(&e.Proof)[member]()
			if e.Proof.Protocol != Protocol {
				if _, err := ParseProof(mustJSON(t, e.Proof)); !errors.Is(err, ErrProtocol) {
					t.Errorf("%s: another protocol gives %v", name, err)
				}
				continue
			}
			if got := Verify(e); got.Verdict != DoesNotVerify {
				t.Errorf("%s: changed %s gives %d: %+v", name, member, got.Verdict, got.Steps)
			}
		}
	}
}

func TestTamperedWinnersAndEntropyAreDetected(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		changes := map[string]func(*Proof){
			"an added winner": func(p *Proof) { p.Winners = append(p.Winners, Winner{Prize: 1, Alternate: 2, Number: 98}) },
		}
		if len(s.proof.Winners) > 0 {
			changes["another number"] = func(p *Proof) { p.Winners[0].Number++ }
			changes["another owner"] = func(p *Proof) { p.Winners[0].Owner[0] ^= 1 }
			changes["another prize"] = func(p *Proof) { p.Winners[0].Prize = 1 }
			changes["an alternate"] = func(p *Proof) { p.Winners[0].Alternate = 1 }
			changes["absurd prize"] = func(p *Proof) { p.Winners[0].Prize = 1 << 40 }
		}
		if len(s.proof.Winners) > 1 {
			changes["a missing pick"] = func(p *Proof) { p.Winners = p.Winners[:len(p.Winners)-1] }
			changes["another order"] = func(p *Proof) { p.Winners[0], p.Winners[1] = p.Winners[1], p.Winners[0] }
		}
		if len(s.proof.Signature) > 0 {
			changes["another round"] = func(p *Proof) { p.Round++ }
			changes["another round's signature"] = func(p *Proof) { p.Signature = signatureOf(t, 1001) }
			for i := 0; i < SignatureSize; i += 7 {
				changes["signature byte "+string(rune('a'+i))] = func(p *Proof) { p.Signature = flip(p.Signature, i) }
			}
		}
		if s.proof.Method == MethodLottery {
			changes["no results, another winner"] = func(p *Proof) { p.Results[0].Digits = "0098" }
			changes["suspended, with a result"] = func(p *Proof) { p.Results[0].Suspended = true }
		}
		for change, apply := range changes {
			for _, bare := range []bool{false, true} {
				e := s.evidence(t)
				apply(&e.Proof)
				if bare && s.proof.Method != MethodLottery { // the protocol's members only
					least := s.proof
					least.Rules, least.DrawKey = "", nil
					var err error
					if e.Proof, err = ParseProof(mustJSON(t, least)); err != nil {
						t.Fatal(err)
					}
					apply(&e.Proof)
				}
				if got := Verify(e); got.Verdict != DoesNotVerify {
					t.Errorf("%s, bare %t: %s gives %d: %+v", name, bare, change, got.Verdict, got.Steps)
				}
			}
		}
	}
}

// Every byte of the list and of the rules counts: with one bit of it changed the proof falls.
func TestEveryTamperedByteOfListAndRulesIsDetected(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodCommitReveal))
	for i := range s.csv {
		for bit := range 8 {
			changed := slices.Clone(s.csv)
			changed[i] ^= 1 << bit
			entries, err := ParseEntries(changed)
			if err != nil {
				continue // it is no list any more
			}
			e := s.evidence(t)
			e.Entries = entries
			if Verify(e).Verdict != DoesNotVerify && !slices.Equal(entries, s.input.Entries) {
				t.Fatalf("bit %d of byte %d of entries.csv may be changed", bit, i)
			}
			if slices.Equal(entries, s.input.Entries) {
				t.Fatalf("bit %d of byte %d of entries.csv means nothing", bit, i)
			}
		}
	}
	for i := range s.input.Rules {
		e := s.evidence(t)
		e.Proof.Rules = ""
		e.Rules = flip(s.input.Rules, i)
		Verify(e).expect(t, "rules byte", DoesNotVerify, "rules", StatusWrong)
	}
}

func TestTamperedListsAreDetected(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		for change, entries := range map[string][]Entry{
			"one missing":    s.input.Entries[1:],
			"one added":      append(slices.Clone(s.input.Entries), Entry{Number: 99, Owner: TH("x")}),
			"none":           {},
			"another owner":  append([]Entry{{Number: 3, Owner: TH("x")}}, s.input.Entries[1:]...),
			"off the board":  append(slices.Clone(s.input.Entries[:9]), Entry{Number: 100, Owner: s.input.Entries[9].Owner}),
			"another order":  append([]Entry{s.input.Entries[1], s.input.Entries[0]}, s.input.Entries[2:]...),
			"another number": append([]Entry{{Number: 2, Owner: s.input.Entries[0].Owner}}, s.input.Entries[1:]...),
		} {
			e := s.evidence(t)
			e.Entries = entries
			Verify(e).expect(t, name+": "+change, DoesNotVerify, "entries", StatusWrong)
		}
	}
}

func TestSealedButNotDrawnCannotTell(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		proof, err := NewProof(s.input, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(proof.Secret) != 0 || len(proof.Signature) != 0 || len(proof.Winners) != 0 {
			t.Errorf("%s: the bundle gives away what is not drawn yet", name)
		}
		Verify(Evidence{Proof: proof, Entries: s.input.Entries}).expect(t, name, CannotTell, "winners", StatusUnknown)
	}
}

// Winners cut out of a proof without its rules leave nothing that contradicts it, so nothing may verify it.
func TestCutWinnersWithoutRulesCannotTell(t *testing.T) {
	t.Parallel()
	for _, method := range []Method{MethodBeacon, MethodCommitReveal} {
		s := play(t, rulesFor(method))
		for left := 1; left <= len(s.proof.Winners); left++ {
			e := s.evidence(t)
			e.Proof.Rules, e.Proof.Winners = "", e.Proof.Winners[:left]
			if got := Verify(e); got.Verdict == Verified {
				t.Errorf("%s: %d of %d winners verify without the rules: %+v", method, left, len(s.proof.Winners), got.Steps)
			}
			e.Rules = s.input.Rules
			if got := Verify(e); (got.Verdict == Verified) != (left == len(s.proof.Winners)) {
				t.Errorf("%s: %d of %d winners give %d with the rules", method, left, len(s.proof.Winners), got.Verdict)
			}
		}
	}
}

// What a later round would decide is no witness either: without the rules nobody knows their draw_at.
func TestALaterRoundWithoutRulesCannotTell(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	e := s.evidence(t)
	e.Proof.Rules = ""
	Verify(e).expect(t, "without the rules", CannotTell, "ref", StatusUnknown)
}

// The rules in the proof and those that came apart from it must be the same.
func TestTwoRulesDocuments(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	e := s.evidence(t)
	e.Rules = s.input.Rules
	Verify(e).expect(t, "twice the same", Verified, "rules", StatusOK)
	e.Proof.Rules += " "
	Verify(e).expect(t, "two of them", DoesNotVerify, "rules", StatusWrong)
}

// A lottery's outcome may rest on several of its draws; the buyer must have read each.
func TestEveryDrawOfTheLotteryIsRead(t *testing.T) {
	t.Parallel()
	in, block := rulesFor(MethodLottery), lotteryBlock
	block.OnUnsold, block.OnSuspended = UnsoldRepeat, SuspendedNextDraw
	in.Lottery = &block
	suspended, unsold, decides := someResult, someResult, someResult
	suspended.Digits, suspended.Suspended = "", true
	unsold.Digits, unsold.DrawNumber, unsold.Date = "4800", "4563", "2023-08-30"
	decides.DrawNumber, decides.Date = "4564", "2023-09-06"
	s := play(t, in, suspended, unsold, decides)
	for read, verdict := range map[string]Verdict{
		"suspended,4800,4821": Verified, "": CannotTell, "4821": CannotTell, "suspended": CannotTell, "suspended,4800,4821,4812": DoesNotVerify,
		"suspended,4800,4821,4800": CannotTell, "4822": DoesNotVerify, "4821,4800,4821": DoesNotVerify, "suspended,4800,suspended": DoesNotVerify,
	} {
		e := s.evidence(t)
		if e.Readings = nil; read != "" {
			e.Readings = strings.Split(read, ",")
		}
		if got := Verify(e); got.Verdict != verdict {
			t.Errorf("read %q: verdict %d, want %d: %+v", read, got.Verdict, verdict, got.Steps)
		}
	}
	e := s.evidence(t)
	e.Proof.Results = nil
	Verify(e).expect(t, "by what the buyer read alone", Verified, "winners", StatusOK)
}

// What a method does not use must not be in its proof, or somebody takes it for what decided.
func TestWhatTheMethodDoesNotUse(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodCommitReveal))
	for step, change := range map[string]func(*Proof){
		"ref":       func(p *Proof) { p.Round, p.BeaconPath = 1000, BeaconPath(1000) },
		"signature": func(p *Proof) { p.Signature = mustHex(round1000Signature) },
		"lottery":   func(p *Proof) { p.Results = []LotteryResult{someResult} },
	} {
		e := s.evidence(t)
		change(&e.Proof)
		Verify(e).expect(t, step, DoesNotVerify, step, StatusWrong)
	}
}

// Where the rules give no date, the organiser may have set one; a draw cannot come before what they do fix.
func TestTimesOfTheDraw(t *testing.T) {
	t.Parallel()
	dated := rulesFor(MethodCommitReveal)
	dated.DrawAt = time.Unix(1692806304, 0).Add(time.Hour)
	for name, row := range map[string]struct {
		of     scenario
		change func(*Proof)
		status Status
	}{
		"moved by the organiser": {play(t, rulesFor(MethodCommitReveal)), func(p *Proof) { p.AvailableAt = new(p.SealedAt.Add(time.Second)) }, StatusOK},
		"moved from the rules":   {play(t, dated), func(p *Proof) { p.AvailableAt = new(p.AvailableAt.Add(time.Second)) }, StatusWrong},
		"another round's":        {play(t, rulesFor(MethodBeacon)), func(p *Proof) { p.AvailableAt = new(p.AvailableAt.Add(time.Second)) }, StatusWrong},
		"drawn much later":       {play(t, rulesFor(MethodBeacon)), func(p *Proof) { p.DrawnAt = new(p.DrawnAt.Add(time.Hour)) }, StatusOK},
		"without the objection window": {play(t, rulesFor(MethodLottery), someResult), func(p *Proof) {
			p.AvailableAt = new(p.AvailableAt.Add(-time.Second))
		}, StatusWrong},
		"with a longer one": {play(t, rulesFor(MethodLottery), someResult), func(p *Proof) { p.AvailableAt = new(p.AvailableAt.Add(time.Second)) }, StatusOK},
	} {
		e := row.of.evidence(t)
		row.change(&e.Proof)
		verdict := Verified
		if row.status == StatusWrong {
			verdict = DoesNotVerify
		}
		Verify(e).expect(t, name, verdict, "times", row.status)
	}
}

// A bundle with the protocol's members only verifies as far as it goes, and whole with the rules beside it.
func TestTheBarestProof(t *testing.T) {
	t.Parallel()
	for _, exclude := range []Exclude{ExcludeTicket, ExcludeParticipant} {
		for _, method := range []Method{MethodBeacon, MethodCommitReveal} {
			in := rulesFor(method)
			in.Exclude = exclude
			s := play(t, in)
			e := s.evidence(t)
			s.proof.Rules, s.proof.DrawKey = "", nil
			var err error
			if e.Proof, err = ParseProof(mustJSON(t, s.proof)); err != nil {
				t.Fatal(err)
			}
			Verify(e).expect(t, string(method)+string(exclude), Verified, "rules", StatusSkipped)
			e.Rules = s.input.Rules
			Verify(e).expect(t, string(method)+string(exclude)+" with its rules", Verified, "rules", StatusOK)
		}
	}
	s := play(t, rulesFor(MethodLottery), someResult)
	e := s.evidence(t)
	e.Proof.Rules = ""
	Verify(e).expect(t, "lottery", CannotTell, "lottery", StatusUnknown)
	e.Rules = s.input.Rules
	Verify(e).expect(t, "lottery with its rules", Verified, "lottery", StatusOK)
	for _, date := range []string{"2023-08-22", "2023-08-30", ""} {
		misdated := e
		misdated.Proof.Results = []LotteryResult{someResult}
		misdated.Proof.Results[0].Date = date
		Verify(misdated).expect(t, "a result of "+date, DoesNotVerify, "lottery", StatusWrong)
	}
	e.Proof.Results, e.Readings = nil, nil
	Verify(e).expect(t, "lottery without a result", CannotTell, "lottery", StatusUnknown)
	e.Readings = []string{"4821"}
	Verify(e).expect(t, "lottery with the buyer's result", Verified, "winners", StatusOK)
}

// The published vectors, as the bundles they would be: of the least members, since their rules are of no method.
func TestVectorBundlesVerify(t *testing.T) {
	t.Parallel()
	s := vectorSeal(t)
	p := Proof{
		RaffleID: s.RaffleID, Protocol: Protocol, RulesHash: s.RulesHash, Commitment: s.Commitment, Secret: vectorSecret(),
		N: s.N, Root: s.Root, SealedAt: s.SealedAt, Ref: s.Ref, Seal: s.E, Round: 1000,
	}
	for method, numbers := range map[Method][]int{MethodCommitReveal: {7, 12, 34, 21}, MethodBeacon: {3, 45, 89, 12}} {
		p.Method, p.Winners, p.Signature = method, nil, nil
		if method == MethodBeacon {
			p.Signature = mustHex(round1000Signature)
		}
		for i, n := range numbers {
			at := slices.IndexFunc(vectorEntries(), func(e Entry) bool { return e.Number == n })
			p.Winners = append(p.Winners, Winner{Prize: []int{0, 1, 0, 0}[i], Alternate: max(0, i-1), Number: n, Owner: vectorEntries()[at].Owner})
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseProof(text)
		if err != nil {
			t.Fatal(err)
		}
		report := Verify(Evidence{Proof: read, Entries: vectorEntries()})
		if report.expect(t, string(method), Verified, "rules", StatusSkipped); !report.Unruled {
			t.Errorf("%s: the report passes for one of a bundle with rules", method)
		}
		read.named["available_at"] = true // a record of the API's: its rules were cut out
		read.AvailableAt = &read.SealedAt
		if got := Verify(Evidence{Proof: read, Entries: vectorEntries()}); got.Verdict == Verified || got.Unruled {
			t.Errorf("%s: a cut record verifies", method)
		}
		p.Winners[0], p.Winners[1] = p.Winners[1], p.Winners[0]
		Verify(Evidence{Proof: p, Entries: vectorEntries()}).expect(t, string(method)+" in another order", DoesNotVerify, "winners", StatusWrong)
	}
}

func TestUnknownRulesCannotTell(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	e := s.evidence(t)
	document := strings.Replace(string(s.input.Rules), `"v":1`, `"v":2`, 1)
	p := &e.Proof
	p.Rules, p.RulesHash = document, RulesHash([]byte(document))
	p.Commitment = Commitment(p.RaffleID, p.RulesHash, nil)
	p.Seal = p.seal().compute()
	e.Witness, e.Receipt, p.named = nil, nil, nil
	p.DrawKey = nil
	p.Winners = Winners(PickKey(p.Seal, nil, hashBytes(Randomness(p.Signature))), e.Entries, 2, 2, ExcludeTicket)
	Verify(e).expect(t, "rules of a later version", CannotTell, "rules", StatusUnknown)
	p.Method = "dice"
	Verify(e).expect(t, "another method", CannotTell, "ref", StatusUnknown)
}

func hashBytes(h Hash) []byte { return h[:] }

func TestVerifyNeverPanics(t *testing.T) {
	t.Parallel()
	for _, p := range []Proof{
		{}, {Method: MethodBeacon, Round: 1 << 63, Signature: Hex{1}}, {Method: MethodLottery, Outcome: OutcomeWinner},
		{Method: MethodLottery, Rules: string(mustRules(t, rulesFor(MethodLottery))), Results: []LotteryResult{{}}, Outcome: OutcomeVoid},
		{Method: MethodCommitReveal, Winners: []Winner{{Prize: -5, Alternate: -1}}}, {RaffleID: uuid.UUID{9}, SealedAt: time.Time{}},
	} {
		for _, entries := range [][]Entry{nil, vectorEntries(), {{Number: 5}, {Number: 4}}} {
			if Verify(Evidence{Proof: p, Entries: entries}).Verdict == Verified {
				t.Errorf("%+v verifies", p)
			}
		}
	}
}
