// Package draw is the protocol rifa/v1: a draw that anybody can repeat at home, and that nobody, the
// operator included, can steer. It is pure: no clock, no database, no network; crypto/rand is read by
// NewSecret and NewSalt only.
//
// # In the order things happen
//
// Publication. BuildRules writes the rules document; store its bytes and serve them as they are at
// …/draw/rules. For commit_reveal keep NewSecret private. Show RulesHash and Commitment.
//
// Purchase. One NewSalt per raffle and participant; Owner is what the public list shows; SignReceipt
// makes what the buyer keeps, and NewKeys the document that publishes the keys.
//
// Seal, in one transaction that holds the raffle's exclusive lock: read the sold numbers ascending
// with their owners, NewList, take the database's clock_timestamp() last, NewSeal; store Seal and
// List (the checkpoints too). For a beacon compare the clock with Seal.CommitBy before the commit, and
// make a new seal when it is later. Publish Seal.E.
//
// Draw. Refuse before AvailableAt. Draw computes the winners from the stored seal and list; store its
// Result with the secret or the signature, and answer that to every later call. CheckBeacon (inside
// Draw) tells ErrWrongRound and ErrBadSignature apart. For a lottery, LotteryResult.Check names the
// faults of what the organiser enters, DecideLottery what it leads to, and ObjectionWindow how long
// it is shown first.
//
// Publication of the proof. NewProof is the bundle, AppendEntries the list, List.NewInclusion the
// audit path of one number, made from the entries of one chunk (ChunkRange) and the checkpoints.
//
// Verification. Verify goes through all of it again and says step by step what holds; Command is the
// program around it, `rifaapp verify-draw`.
//
// # Sources
//
// Tree and audit paths: RFC 6962, section 2.1, and RFC 9162, section 2.1.3. HMAC: RFC 2104. Ed25519:
// RFC 8032. Signatures of the beacon: drand's scheme bls-unchained-g1-rfc9380, that is BLS over
// BLS12-381 with signatures in G1 (draft-irtf-cfrg-bls-signature) and hashing to the curve of
// RFC 9380. Unbiased picks: rejection sampling, dropping what lies above the last multiple of m. The
// pairing is gnark-crypto's: measured beside circl's it starts faster (0.1 against 0.35 ms of package
// initialisation), is a little smaller in the binary and checks a round in half the time; the tests
// compare the two.
package draw
