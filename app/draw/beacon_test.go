package draw

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	circl "github.com/cloudflare/circl/ecc/bls12381"
	gnark "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// published is one round of quicknet as its public endpoints answered it. The randomness is given
// where the source published it.
type published struct {
	Round      uint64
	Signature  Hex
	Randomness Hash
}

func publishedRounds(t testing.TB) []published {
	data, err := os.ReadFile("testdata/quicknet.json")
	if err != nil {
		t.Fatal(err)
	}
	var rounds []published
	if err := json.Unmarshal(data, &rounds); err != nil {
		t.Fatal(err)
	}
	if len(rounds) < 10 {
		t.Fatalf("only %d published rounds", len(rounds))
	}
	return rounds
}

func signatureOf(t testing.TB, round uint64) []byte {
	for _, p := range publishedRounds(t) {
		if p.Round == round {
			return p.Signature
		}
	}
	t.Fatalf("round %d is not among the published ones", round)
	return nil
}

// secondOpinion is VerifyRound by another library.
func secondOpinion(round uint64, signature []byte) bool {
	point := new(circl.G1)
	if len(signature) != SignatureSize || point.SetBytes(signature) != nil || point.IsIdentity() {
		return false
	}
	key := new(circl.G2)
	if key.SetBytes(mustHex(publicKeyHex)) != nil {
		return false
	}
	message := sha256.Sum256(u64(round))
	hashed := new(circl.G1)
	hashed.Hash(message[:], []byte(signatureDST))
	return circl.ProdPairFrac([]*circl.G1{hashed, point}, []*circl.G2{key, circl.G2Generator()}, []int{1, -1}).IsIdentity()
}

func TestPublishedRoundsVerify(t *testing.T) {
	t.Parallel()
	for _, p := range publishedRounds(t) {
		if err := VerifyRound(p.Round, p.Signature); err != nil {
			t.Errorf("round %d: %v", p.Round, err)
		}
		if !secondOpinion(p.Round, p.Signature) {
			t.Errorf("round %d: the second library disagrees", p.Round)
		}
		if got := Randomness(p.Signature); !p.Randomness.IsZero() && got != p.Randomness {
			t.Errorf("round %d: randomness %s, published %s", p.Round, got, p.Randomness)
		}
		if VerifyRound(p.Round+1, p.Signature) == nil || secondOpinion(p.Round+1, p.Signature) {
			t.Errorf("round %d: its signature passes for the next round", p.Round)
		}
	}
}

func TestEveryChangedByteOfASignatureIsRefusedByBothLibraries(t *testing.T) {
	t.Parallel()
	signature := signatureOf(t, 1000)
	random := rand.New(rand.NewPCG(7, 7))
	for i := range signature {
		changed := slices.Clone(signature)
		changed[i] ^= byte(1 + random.IntN(255))
		if !errors.Is(VerifyRound(1000, changed), ErrBadSignature) || secondOpinion(1000, changed) {
			t.Errorf("byte %d: a changed signature passes", i)
		}
	}
	for _, n := range []int{0, 47, 49, 96} {
		if !errors.Is(VerifyRound(1000, append(slices.Clone(signature), make([]byte, 96)...)[:n]), ErrBadSignature) {
			t.Errorf("%d bytes pass", n)
		}
	}
}

// Points of the right group signed with another key, and points off the group, must fail in both.
func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		round := uint64(1000 + i)
		message := sha256.Sum256(u64(round))
		hashed, err := gnark.HashToG1(message[:], []byte(signatureDST))
		if err != nil {
			t.Fatal(err)
		}
		var forged gnark.G1Affine
		forged.ScalarMultiplication(&hashed, big.NewInt(int64(i+2)))
		bytes := forged.Bytes()
		if VerifyRound(round, bytes[:]) == nil || secondOpinion(round, bytes[:]) {
			t.Errorf("round %d: a signature by another key passes", round)
		}
	}
	for name, text := range map[string]string{
		"infinity":                "c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
		"infinity with sign":      "e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
		"point of order three":    "800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
		"x = p":                   "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
		"x above p":               "9fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"compression bit cleared": "344679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
		"the other root":          "944679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
	} {
		if !errors.Is(VerifyRound(1000, mustHex(text)), ErrBadSignature) || secondOpinion(1000, mustHex(text)) {
			t.Errorf("%s passes", name)
		}
	}
}

func TestCheckBeaconNamesTheFault(t *testing.T) {
	t.Parallel()
	if err := CheckBeacon(1000, 1000, signatureOf(t, 1000)); err != nil {
		t.Error(err)
	}
	if err := CheckBeacon(1000, 1001, signatureOf(t, 1001)); !errors.Is(err, ErrWrongRound) {
		t.Errorf("another round: %v", err)
	}
	if err := CheckBeacon(1000, 1000, signatureOf(t, 1001)); !errors.Is(err, ErrBadSignature) {
		t.Errorf("another round's signature: %v", err)
	}
}

func TestRoundArithmetic(t *testing.T) {
	t.Parallel()
	at := func(unix int64) time.Time { return time.Unix(unix, 0) }
	for _, row := range []struct {
		name                string
		sealedAt, notBefore time.Time
		want                uint64
	}{
		{"exactly on a round", at(genesis + 3*999 - 60), time.Time{}, 1000},
		{"a second later", at(genesis + 3*999 - 59), time.Time{}, 1001},
		{"two seconds later", at(genesis + 3*999 - 58), time.Time{}, 1001},
		{"three seconds later", at(genesis + 3*999 - 57), time.Time{}, 1001},
		{"four seconds later", at(genesis + 3*999 - 56), time.Time{}, 1002},
		{"draw_at rules", at(genesis), at(genesis + 3*999), 1000},
		{"draw_at with a fraction", at(genesis), at(genesis + 3*999).Add(time.Nanosecond), 1001},
		{"draw_at within the margin", at(genesis + 3*999 - 60), at(genesis + 3*990), 1000},
		{"before genesis", at(0), time.Time{}, 1},
	} {
		if got := SealRound(row.sealedAt, row.notBefore); got != row.want {
			t.Errorf("%s: round %d, want %d", row.name, got, row.want)
		}
	}
	for _, round := range []uint64{1, 2, 3, 1000, 32285086} {
		if got := RoundAt(RoundTime(round)); got != round {
			t.Errorf("RoundAt(RoundTime(%d)) = %d", round, got)
		}
		if got := RoundAt(RoundTime(round).Add(time.Nanosecond)); got != round+1 {
			t.Errorf("just after round %d comes %d", round, got)
		}
	}
	if !RoundTime(0).IsZero() || !RoundTime(1<<63).IsZero() {
		t.Error("a round that cannot be has a time")
	}
}

func BenchmarkVerifyRound(b *testing.B) {
	signature := signatureOf(b, 1000)
	for b.Loop() {
		if err := VerifyRound(1000, signature); err != nil {
			b.Fatal(err)
		}
	}
}
