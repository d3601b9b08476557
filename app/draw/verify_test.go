package draw

import (
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
			e.LotteryResult = s.input.Results[0].Digits
			Verify(e).expect(t, name, Verified, "lottery_result", StatusOK)
			e.LotteryResult = "4822"
			Verify(e).expect(t, name, DoesNotVerify, "lottery_result", StatusWrong)
		}
	}
}

func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// tamper lists every member of a proof with a way to change it.
func tamper(p *Proof) map[string]func() {
	return map[string]func(){
		"raffle_id": func() { p.RaffleID[3] ^= 1 },
		"method": func() {
			p.Method = map[bool]Method{true: MethodCommitReveal, false: MethodBeacon}[p.Method == MethodBeacon]
		},
		"rules":      func() { p.Rules = strings.Replace(p.Rules, `"alternates":`, `"alternates": `, 1) },
		"rules_hash": func() { p.RulesHash[0] ^= 1 },
		"commitment": func() { p.Commitment[31] ^= 1 },
		"secret":     func() { p.Secret = flip(append(p.Secret, 0), 0) },
		"n":          func() { p.N++ },
		"root":       func() { p.Root[7] ^= 1 },
		"sealed_at":  func() { p.SealedAt = p.SealedAt.Add(time.Second) },
		"earlier":    func() { p.SealedAt = p.SealedAt.Add(-time.Second) },
		"fraction":   func() { p.SealedAt = p.SealedAt.Add(time.Millisecond) },
		"ref":        func() { p.Ref = flip(append(p.Ref, 0), 0) },
		"seal":       func() { p.Seal[0] ^= 1 },
		"draw_key":   func() { p.DrawKey[0] ^= 1 },
	}
}

func TestEveryTamperedMemberIsDetected(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		for member := range tamper(&Proof{DrawKey: new(Hash)}) {
			e := s.evidence(t)
			e.Witness, e.Receipt = nil, nil // the proof alone must give it away
			tamper(&e.Proof)[member]()
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
				if bare && s.proof.Method != MethodLottery {
					e.Proof.Rules, e.Proof.DrawKey = "", nil
					if change == "a missing pick" { // without the rules nobody knows how many there are
						continue
					}
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

// A bundle with the protocol's members only, without the rules document, verifies as far as it goes.
func TestTheBarestProof(t *testing.T) {
	t.Parallel()
	for _, exclude := range []Exclude{ExcludeTicket, ExcludeParticipant} {
		for _, method := range []Method{MethodBeacon, MethodCommitReveal} {
			in := rulesFor(method)
			in.Exclude = exclude
			e := play(t, in).evidence(t)
			e.Proof.Rules, e.Proof.DrawKey = "", nil
			Verify(e).expect(t, string(method)+string(exclude), Verified, "rules", StatusSkipped)
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
	e.Proof.Results = nil
	Verify(e).expect(t, "lottery without a result", CannotTell, "lottery", StatusUnknown)
	e.LotteryResult = "4821"
	Verify(e).expect(t, "lottery with the buyer's result", Verified, "winners", StatusOK)
}

// The published vectors, as the bundles they would be.
func TestVectorBundlesVerify(t *testing.T) {
	t.Parallel()
	s := vectorSeal(t)
	p := Proof{
		RaffleID: s.RaffleID, Protocol: Protocol, RulesHash: s.RulesHash, Commitment: s.Commitment, Secret: vectorSecret(),
		N: s.N, Root: s.Root, SealedAt: s.SealedAt, Ref: s.Ref, Seal: s.E, Round: 1000, Signature: mustHex(round1000Signature),
	}
	for method, numbers := range map[Method][]int{MethodCommitReveal: {7, 12, 34, 21}, MethodBeacon: {3, 45, 89, 12}} {
		p.Method, p.Winners = method, nil
		for i, n := range numbers {
			at := slices.IndexFunc(vectorEntries(), func(e Entry) bool { return e.Number == n })
			p.Winners = append(p.Winners, Winner{Prize: []int{0, 1, 0, 0}[i], Alternate: max(0, i-1), Number: n, Owner: vectorEntries()[at].Owner})
		}
		Verify(Evidence{Proof: p, Entries: vectorEntries()}).expect(t, string(method), Verified, "winners", StatusOK)
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
	e.Witness, e.Receipt, p.DrawKey = nil, nil, nil
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
