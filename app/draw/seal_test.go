package draw

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestSealOfEachMethod(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		seal := s.input.Seal
		if seal.SealedAt.Nanosecond() != 0 || seal.E != seal.compute() || seal.E.IsZero() {
			t.Errorf("%s: %+v", name, seal)
		}
		rules, err := ParseRules(s.input.Rules)
		if err != nil {
			t.Fatal(err)
		}
		switch rules.Method {
		case MethodBeacon:
			if seal.Round != 1000 || len(seal.Ref) != 40 || !AvailableAt(rules, seal).Equal(RoundTime(1000)) ||
				!seal.CommitBy(MethodBeacon).Equal(RoundTime(1000).Add(-30*time.Second)) {
				t.Errorf("%s: round %d, ref %s", name, seal.Round, seal.Ref)
			}
		case MethodCommitReveal:
			if seal.Round != 0 || len(seal.Ref) != 0 || !AvailableAt(rules, seal).Equal(seal.SealedAt) || !seal.CommitBy(rules.Method).IsZero() {
				t.Errorf("%s: round %d, ref %s", name, seal.Round, seal.Ref)
			}
			rules.DrawAt = seal.SealedAt.Add(time.Hour)
			if !AvailableAt(rules, seal).Equal(rules.DrawAt) {
				t.Errorf("%s: may be drawn before draw_at", name)
			}
		case MethodLottery:
			if len(seal.Ref) != 32 || !AvailableAt(rules, seal).Equal(rules.Lottery.Time()) {
				t.Errorf("%s: ref %s", name, seal.Ref)
			}
		}
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	list, _ := NewList(vectorEntries())
	lottery := mustRules(t, rulesFor(MethodLottery))
	in := SealInput{RaffleID: vectorRaffle, Rules: lottery, List: list, SealedAt: time.Unix(1692806364, 0)}
	if _, err := NewSeal(in); !errors.Is(err, ErrSealTooLate) {
		t.Errorf("a seal at the minute of the official draw: %v", err)
	}
	in.List = List{}
	if _, err := NewSeal(in); !errors.Is(err, ErrNothingSold) {
		t.Errorf("nothing sold: %v", err)
	}
	in.Rules = []byte(vectorRules)
	if _, err := NewSeal(in); err == nil {
		t.Error("rules nobody can read are sealed")
	}
}

func TestDrawRefuses(t *testing.T) {
	t.Parallel()
	beacon, reveal, lottery := play(t, rulesFor(MethodBeacon)), play(t, rulesFor(MethodCommitReveal)), play(t, rulesFor(MethodLottery), someResult)
	for name, row := range map[string]struct {
		in     Input
		change func(*Input)
		want   error
	}{
		"another round":    {beacon.input, func(in *Input) { in.Round, in.Signature = 1001, signatureOf(t, 1001) }, ErrWrongRound},
		"bad signature":    {beacon.input, func(in *Input) { in.Signature = signatureOf(t, 1001) }, ErrBadSignature},
		"no signature":     {beacon.input, func(in *Input) { in.Signature = nil }, ErrBadSignature},
		"another secret":   {reveal.input, func(in *Input) { in.Secret = make([]byte, SecretSize) }, ErrSecret},
		"a short secret":   {reveal.input, func(in *Input) { in.Secret = in.Secret[:31] }, ErrSecret},
		"no result":        {lottery.input, func(in *Input) { in.Results = nil }, ErrResultMissing},
		"too few digits":   {lottery.input, func(in *Input) { in.Results = []LotteryResult{{Digits: "1"}} }, nil},
		"other rules":      {beacon.input, func(in *Input) { in.Rules = reveal.input.Rules }, nil},
		"unreadable rules": {beacon.input, func(in *Input) { in.Rules = nil }, nil},
		"a changed seal":   {beacon.input, func(in *Input) { in.Seal.Round = 1001; in.Seal.SealedAt = time.Time{} }, nil},
		"a shorter list":   {beacon.input, func(in *Input) { in.Entries = in.Entries[1:] }, nil},
	} {
		in := row.in
		row.change(&in)
		_, err := Draw(in)
		if err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestDrawIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	for name, s := range methods(t) {
		for range 3 {
			again, err := Draw(s.input)
			if err != nil || again.Key != s.result.Key || !slices.Equal(again.Winners, s.result.Winners) {
				t.Errorf("%s: %+v, want %+v (%v)", name, again, s.result, err)
			}
		}
	}
}

func TestSaltsAndSecrets(t *testing.T) {
	t.Parallel()
	if len(NewSecret()) != SecretSize || len(NewSalt()) != SaltSize || slices.Equal(NewSecret(), NewSecret()) {
		t.Error("secrets must be fresh and of the protocol's size")
	}
	owner := Owner(vectorRaffle, vectorRaffle, make([]byte, SaltSize))
	if owner == Owner(vectorRaffle, vectorRaffle, flip(make([]byte, SaltSize), 0)) {
		t.Error("the salt does not matter")
	}
	var h Hash
	if h.UnmarshalText([]byte("AB")) == nil || h.UnmarshalText(make([]byte, 64)) == nil {
		t.Error("a hash has more than one spelling")
	}
}
