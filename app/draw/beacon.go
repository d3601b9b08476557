package draw

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// Parameters of drand's quicknet, as its /info route publishes them. The chain hash pins all of them:
// SHA-256(u32 period ‖ i64 genesis ‖ public key ‖ group hash ‖ "quicknet").
const (
	ChainHashHex = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
	groupHashHex = "f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"
	publicKeyHex = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451" +
		"0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
	genesis = 1692803367 // Unix time of round 1
	period  = 3          // seconds from one round to the next
	// signatureDST is the domain separation tag of the scheme bls-unchained-g1-rfc9380: hash to G1 as in
	// RFC 9380 (suite BLS12381G1_XMD:SHA-256_SSWU_RO_), basic signatures of the BLS draft.
	signatureDST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
)

const (
	// SealMargin is the least time between the seal and the round that decides.
	SealMargin = 60 * time.Second
	// CommitMargin is the least time between the seal's commit and its round: a later one is void.
	CommitMargin = 30 * time.Second
	// SignatureSize is the length of a round's signature in bytes: a compressed point of G1.
	SignatureSize = 48
)

// What CheckBeacon refuses.
var (
	ErrWrongRound   = errors.New("the seal fixed another round")
	ErrBadSignature = errors.New("the signature is not quicknet's for this round")
)

// RoundTime is T(r) = genesis + 3·(r − 1): when round r is published.
func RoundTime(round uint64) time.Time {
	if round == 0 || round > 1<<40 { // far beyond any date a raffle can have
		return time.Time{}
	}
	return time.Unix(genesis+period*int64(round-1), 0).UTC()
}

// RoundAt is the first round that is published at t or later.
func RoundAt(t time.Time) uint64 {
	seconds := t.Unix()
	if t.Nanosecond() > 0 {
		seconds++
	}
	if seconds <= genesis {
		return 1
	}
	return uint64((seconds-genesis+period-1)/period) + 1
}

// SealRound is the round a seal fixes: the first with T(round) ≥ max(sealed_at + 60 s, notBefore).
// notBefore is draw_at, or zero when there is none. (DRAW.md, step 3.)
func SealRound(sealedAt, notBefore time.Time) uint64 {
	at := sealedAt.Add(SealMargin)
	if notBefore.After(at) {
		at = notBefore
	}
	return RoundAt(at)
}

// BeaconPath is the path under which every public drand endpoint serves the round; empty for 0, which is none.
func BeaconPath(round uint64) string {
	if round == 0 {
		return ""
	}
	return fmt.Sprintf("/%s/public/%d", ChainHashHex, round)
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// beaconRef is chain_hash ‖ u64 round: what the seal says about the entropy to come.
func beaconRef(round uint64) []byte { return append(mustHex(ChainHashHex), u64(round)...) }

// pairingPoints decodes the public key at its first use, not when the process starts: PK and −G2.
var pairingPoints = sync.OnceValue(func() []bls12381.G2Affine {
	points := make([]bls12381.G2Affine, 2)
	if _, err := points[0].SetBytes(mustHex(publicKeyHex)); err != nil {
		panic(err)
	}
	_, _, _, generator := bls12381.Generators()
	points[1].Neg(&generator)
	return points
})

// VerifyRound checks a quicknet signature: with H(m) in G1 the hash of m = SHA-256(u64 round), it is
// valid when e(H(m), PK) = e(signature, G2), tested as e(H(m), PK) · e(signature, −G2) = 1. Only the one
// canonical spelling of the point is accepted, so that nobody can choose among several signatures of
// one round. It takes 1–2 ms and no network.
func VerifyRound(round uint64, signature []byte) error {
	if len(signature) != SignatureSize {
		return fmt.Errorf("%w: it must have %d bytes", ErrBadSignature, SignatureSize)
	}
	var point bls12381.G1Affine
	if _, err := point.SetBytes(signature); err != nil { // checks the curve and the subgroup
		return fmt.Errorf("%w: it is no point of G1", ErrBadSignature)
	}
	if canonical := point.Bytes(); point.IsInfinity() || !bytes.Equal(canonical[:], signature) {
		return fmt.Errorf("%w: it is not spelled as a compressed point", ErrBadSignature)
	}
	message := sha256.Sum256(u64(round))
	hashed, err := bls12381.HashToG1(message[:], []byte(signatureDST))
	if err != nil {
		return fmt.Errorf("hashing the round to G1: %w", err)
	}
	ok, err := bls12381.PairingCheck([]bls12381.G1Affine{hashed, point}, pairingPoints())
	if err != nil || !ok {
		return ErrBadSignature
	}
	return nil
}

// CheckBeacon accepts the round and signature a caller of the draw brings, or says what is wrong:
// ErrWrongRound or ErrBadSignature.
func CheckBeacon(sealed, round uint64, signature []byte) error {
	if round != sealed {
		return fmt.Errorf("%w: bring round %d, which is never replaced by another", ErrWrongRound, sealed)
	}
	return VerifyRound(round, signature)
}

// Randomness is X = SHA-256(signature), as drand publishes it.
func Randomness(signature []byte) Hash { return sha256.Sum256(signature) }
