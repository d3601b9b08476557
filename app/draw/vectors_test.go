package draw

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The protocol's published vectors. One seal serves both of their draws, so the rules are of a
// "hybrid" kind that ParseRules rightly refuses: only their bytes count here.
const (
	vectorRules = `{"v":1,"method":"hybrid","numbers":{"start":0,"total":100},"prizes":2,"alternates":2,"exclude":"participant","unsold":"n/a"}`

	round1000Signature  = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
	round1000Randomness = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
)

var vectorRaffle = uuid.MustParse("0190c0de-0000-7000-8000-00000000cafe")

func vectorSecret() []byte {
	s := make([]byte, SecretSize)
	for i := range s {
		s[i] = byte(i)
	}
	return s
}

func vectorEntries() []Entry {
	numbers := []int{3, 7, 12, 21, 34, 45, 56, 67, 89, 98}
	owners := []int{1, 2, 3, 1, 4, 2, 3, 1, 4, 2}
	entries := make([]Entry, len(numbers))
	for i, n := range numbers {
		participant, salt := uuid.UUID{15: byte(owners[i])}, make([]byte, SaltSize)
		salt[0] = 0xa0 + byte(owners[i]-1)
		entries[i] = Entry{Number: n, Owner: Owner(vectorRaffle, participant, salt)}
	}
	return entries
}

func vectorSeal(t testing.TB) Seal {
	list, err := NewList(vectorEntries())
	if err != nil {
		t.Fatal(err)
	}
	rules := RulesHash([]byte(vectorRules))
	s := Seal{
		RaffleID: vectorRaffle, RulesHash: rules, Commitment: Commitment(vectorRaffle, rules, vectorSecret()),
		N: list.N, Root: list.Root, SealedAt: time.Unix(1692806304, 0).UTC(), Round: 1000, Ref: beaconRef(1000),
	}
	s.E = s.compute()
	return s
}

func TestVectorsOfTheSeal(t *testing.T) {
	t.Parallel()
	s := vectorSeal(t)
	for name, row := range map[string][2]string{
		"rules_hash": {s.RulesHash.String(), "023904715df877baddff76a760ac78c5cf6dc6fe3ada149b0074b64a4be257ce"},
		"C":          {s.Commitment.String(), "ab93058a54b537880a11ac0bd6a3a0a32ba1172cfdf52c78f5669054ede397f2"},
		"root":       {s.Root.String(), "c6ae96cf01b7b2671a93f07dd6169020080277f6fa6f1a1847f5bf788351eaef"},
		"E":          {s.E.String(), "67f73d288abac985a8eb26d97af710487897aa8f531a50e9d0bf34ca8b050364"},
	} {
		if row[0] != row[1] {
			t.Errorf("%s = %s, want %s", name, row[0], row[1])
		}
	}
	if round := SealRound(s.SealedAt, time.Time{}); round != 1000 {
		t.Errorf("the seal fixes round %d, want 1000", round)
	}
}

func TestVectorsOfTheDraw(t *testing.T) {
	t.Parallel()
	signature, _ := hex.DecodeString(round1000Signature)
	x := Randomness(signature)
	if x.String() != round1000Randomness {
		t.Errorf("randomness of round 1000 = %s", x)
	}
	s := vectorSeal(t)
	for _, row := range []struct {
		method     Method
		secret, x  []byte
		key        string
		numbers    []int
		prizes     []int
		alternates []int
	}{
		{
			MethodCommitReveal, vectorSecret(), nil, "53264b8fcf5c04620f1f4b12ad30d8e67a4021c8caf5968d05b11e02ce45d46c",
			[]int{7, 12, 34, 21}, []int{0, 1, 0, 0}, []int{0, 0, 1, 2},
		},
		{
			MethodBeacon, nil, x[:], "dc944517397cbc8277a074a7178945fd81886e6f25870bdcd4c3a7a10fc1a448",
			[]int{3, 45, 89, 12}, []int{0, 1, 0, 0}, []int{0, 0, 1, 2},
		},
	} {
		key := PickKey(s.E, row.secret, row.x)
		if key.String() != row.key {
			t.Errorf("%s: D = %s, want %s", row.method, key, row.key)
		}
		winners := Winners(key, vectorEntries(), 2, 2, ExcludeParticipant)
		if len(winners) != len(row.numbers) {
			t.Fatalf("%s: %d picks, want %d: four participants win once each", row.method, len(winners), len(row.numbers))
		}
		for i, w := range winners {
			if w.Number != row.numbers[i] || w.Prize != row.prizes[i] || w.Alternate != row.alternates[i] {
				t.Errorf("%s: pick %d = %+v, want number %d", row.method, i, w, row.numbers[i])
			}
		}
	}
}

func TestVectorRound1000(t *testing.T) {
	t.Parallel()
	signature, _ := hex.DecodeString(round1000Signature)
	if err := VerifyRound(1000, signature); err != nil {
		t.Error(err)
	}
	for _, round := range []uint64{999, 1001, 0} {
		if VerifyRound(round, signature) == nil {
			t.Errorf("round 1000's signature passes for round %d", round)
		}
	}
}

func TestChainHashPinsTheParameters(t *testing.T) {
	t.Parallel()
	b := append([]byte{0, 0, 0, period}, i64(genesis)...)
	b = append(append(append(b, mustHex(publicKeyHex)...), mustHex(groupHashHex)...), "quicknet"...)
	if got := RulesHash(b).String(); got != ChainHashHex { // RulesHash is plain SHA-256
		t.Errorf("chain hash = %s, want %s", got, ChainHashHex)
	}
}
