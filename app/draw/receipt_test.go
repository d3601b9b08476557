package draw

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWitnessAndReceipt(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	e := s.evidence(t)
	other := TH("another seal")
	e.Witness = &other
	Verify(e).expect(t, "back-dated", DoesNotVerify, "witness", StatusWrong)

	for name, change := range map[string]func(*Receipt){
		"protocol":   func(r *Receipt) { r.Protocol = "rifa/v2" },
		"raffle":     func(r *Receipt) { r.RaffleID[0] ^= 1 },
		"commitment": func(r *Receipt) { r.Commitment[0] ^= 1 },
		"purchase":   func(r *Receipt) { r.PurchaseID[0] ^= 1 },
		"owner":      func(r *Receipt) { r.Owner[0] ^= 1 },
		"number":     func(r *Receipt) { r.Numbers[2]++ },
		"one less":   func(r *Receipt) { r.Numbers = r.Numbers[:2] },
		"order":      func(r *Receipt) { r.Numbers[0], r.Numbers[1] = r.Numbers[1], r.Numbers[0] },
		"none":       func(r *Receipt) { r.Numbers = nil },
		"time":       func(r *Receipt) { r.IssuedAt = r.IssuedAt.Add(time.Second) },
		"fraction":   func(r *Receipt) { r.IssuedAt = r.IssuedAt.Add(time.Nanosecond) },
		"key id":     func(r *Receipt) { r.KeyID = "0000000000000000" },
		"key":        func(r *Receipt) { r.PublicKey = flip(r.PublicKey, 3) },
		"signature":  func(r *Receipt) { r.Signature = flip(r.Signature, 9) },
	} {
		e := s.evidence(t)
		change(e.Receipt)
		Verify(e).expect(t, "receipt with another "+name, DoesNotVerify, "receipt", StatusWrong)
	}

	e = s.evidence(t)
	e.Keys = &Keys{}
	Verify(e).expect(t, "a key nobody published", DoesNotVerify, "receipt", StatusWrong)
	e.Keys = nil
	Verify(e).expect(t, "keys not given", Verified, "receipt_key", StatusSkipped)
}

// The operator leaves a sold number out and seals, draws and publishes everything consistently: only
// the buyer's receipt shows it.
func TestAReceiptShowsALeftOutNumber(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodCommitReveal))
	receipt := s.receipt
	s.input.Entries = s.input.Entries[1:] // number 3 is gone
	list, _ := NewList(s.input.Entries)
	seal, err := NewSeal(SealInput{
		RaffleID: vectorRaffle, Rules: s.input.Rules, Secret: s.input.Secret, List: list, SealedAt: s.input.Seal.SealedAt,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.input.Seal = seal
	if s.result, err = Draw(s.input); err != nil {
		t.Fatal(err)
	}
	if s.proof, err = NewProof(s.input, &s.result); err != nil {
		t.Fatal(err)
	}
	e := Evidence{Proof: s.proof, Entries: s.input.Entries}
	Verify(e).expect(t, "without the receipt", Verified, "receipt", StatusSkipped)
	e.Receipt = &receipt
	Verify(e).expect(t, "with the receipt", DoesNotVerify, "receipt", StatusWrong)
	e.Entries = slices.Clone(s.input.Entries)
	if e.Entries[2].Number != 21 {
		t.Fatal("the list changed")
	}
}

// A seal that was replaced does not match; where the record names it, the step says what became of it.
func TestASealThatWasMadeVoid(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	e := s.evidence(t)
	void := s.input.Seal
	void.SealedAt = void.SealedAt.Add(-30 * time.Second)
	void.Round = SealRound(void.SealedAt, time.Time{})
	void.Ref = beaconRef(void.Round)
	e.Witness = new(void.compute())
	limit := RoundTime(void.Round).Add(-CommitMargin)
	for says, row := range map[string]voidSeal{
		"If you saw yours before that": {e.Witness.String(), void.Round, void.SealedAt, limit.Add(time.Second)},
		"nothing could replace it":     {e.Witness.String(), void.Round, void.SealedAt, limit.Add(-time.Second)},
		"they prove this":              {e.Witness.String(), void.Round, void.SealedAt.Add(time.Second), limit.Add(time.Second)},
		"the proof says ":              {Hash{}.String(), void.Round, void.SealedAt, limit.Add(time.Second)},
	} {
		e.Proof.VoidSeals = mustJSON(t, []voidSeal{row})
		report := Verify(e)
		report.expect(t, says, DoesNotVerify, "witness", StatusWrong)
		for _, step := range report.Steps {
			if step.ID == "witness" && (!strings.Contains(step.Detail, says) || (row.Seal == e.Witness.String()) != strings.Contains(step.Detail, "void")) {
				t.Errorf("%s: %s", says, step.Detail)
			}
		}
	}
}
