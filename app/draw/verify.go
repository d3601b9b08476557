package draw

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// Status is how one step of a verification came out.
type Status string

// How a step may come out.
const (
	StatusOK      Status = "ok"
	StatusWrong   Status = "does not match"
	StatusUnknown Status = "cannot tell" // something needed is missing
	StatusSkipped Status = "not checked" // something optional was not given
)

// Step is one check, in words a buyer understands.
type Step struct {
	ID     string // stable: rules, commitment, entries, …
	Title  string
	Status Status
	Detail string
}

// Verdict is the outcome of a verification, and the exit code of the program.
type Verdict int

// The verdicts.
const (
	Verified      Verdict = 0
	DoesNotVerify Verdict = 1
	CannotTell    Verdict = 2
)

// Report is every step of a verification and what follows from them.
type Report struct {
	Steps   []Step
	Verdict Verdict
	Unruled bool // the bundle came without rules: Verdict says nothing of how many winners there must be
}

// Evidence is what a verification starts from: the public proof and list, and what the buyer has
// of his own.
type Evidence struct {
	Proof    Proof
	Entries  []Entry
	Rules    []byte   // the rules document, when it came apart from the proof
	Witness  *Hash    // the seal as the buyer saw it published
	Receipt  *Receipt // of a purchase
	Keys     *Keys    // the published receipt keys
	Readings []string // the results as the buyer read them at the lottery, in order; ReadSuspended for a draw not held
}

// verification collects the steps; what one finds out, later ones use.
type verification struct {
	Evidence
	report Report
	rules  *Rules // nil when the rules could not be read
}

// Verify repeats a draw from its public proof and says step by step what holds. It trusts nothing in
// the proof: every value is computed again from the ones before it. One step that does not match
// makes the verdict DoesNotVerify; otherwise one that lacks something makes it CannotTell. Verified says
// nothing of NotCovered. A bundle of the least members and no rules can be Verified, too, but for how many
// winners there must be: Report.Unruled.
func Verify(e Evidence) Report {
	v := &verification{Evidence: e}
	v.checkRules()
	v.checkCommitment()
	v.checkEntries()
	v.checkRef()
	v.checkSeal()
	v.checkWitness()
	v.checkDraw()
	v.checkWinningNumber()
	v.checkTimes()
	v.checkReceipt()
	for _, s := range v.report.Steps {
		switch {
		case s.Status == StatusWrong:
			v.report.Verdict = DoesNotVerify
		case s.Status == StatusUnknown && v.report.Verdict == Verified:
			v.report.Verdict = CannotTell
		}
	}
	return v.report
}

func (v *verification) add(id, title string, status Status, detail string, args ...any) {
	v.report.Steps = append(v.report.Steps, Step{ID: id, Title: title, Status: status, Detail: fmt.Sprintf(detail, args...)})
}

// compare adds a step that holds when the computed hash is the stated one.
func (v *verification) compare(id, title string, computed, stated Hash) {
	if computed == stated {
		v.add(id, title, StatusOK, "%s", computed)
		return
	}
	v.add(id, title, StatusWrong, "computed %s, the proof says %s", computed, stated)
}

func (v *verification) checkRules() {
	const id, title = "rules", "The rules are the ones that were published"
	document := v.Rules
	if document == nil && v.Proof.Rules != "" {
		document = []byte(v.Proof.Rules)
	}
	if document == nil && v.Proof.least() {
		v.report.Unruled = true
		v.add(id, title, StatusSkipped, "the bundle comes without the rules: how many winners there must be, and who leaves the list after a win, is as the winners say; give --rules with what …/rifaapp/v2/raffles/%s/draw/rules serves", v.Proof.RaffleID)
		return
	}
	if document == nil {
		v.add(id, title, StatusUnknown, "the rules document is missing, so nobody can tell how many winners there must be: get it at …/rifaapp/v2/raffles/%s/draw/rules and give it with --rules", v.Proof.RaffleID)
		return
	}
	if hash := RulesHash(document); hash != v.Proof.RulesHash {
		v.add(id, title, StatusWrong, "the document hashes to %s, the proof says %s", hash, v.Proof.RulesHash)
		return
	}
	rules, err := ParseRules(document)
	switch {
	case v.Proof.Rules != "" && v.Proof.Rules != string(document):
		v.add(id, title, StatusWrong, "the rules inside the proof are not the ones given with --rules")
	case err != nil:
		v.add(id, title, StatusUnknown, "the hash is right, but this program cannot follow the document: %v", err)
	case rules.Method != v.Proof.Method:
		v.add(id, title, StatusWrong, "the rules say method %s, the proof %s", rules.Method, v.Proof.Method)
	default:
		v.rules = &rules
		v.add(id, title, StatusOK, "SHA-256 %s: method %s, %d prize(s), %d alternate(s) each, a win takes out the %s",
			v.Proof.RulesHash, rules.Method, rules.PrizeCount, rules.Alternates, rules.Exclude)
	}
}

func (v *verification) checkCommitment() {
	const id, title = "commitment", "The commitment binds the rules before sales began"
	p := v.Proof
	if p.Method == MethodCommitReveal && len(p.Secret) != SecretSize {
		if p.Drawn() {
			v.add(id, title, StatusWrong, "the revealed secret must have %d bytes", SecretSize)
			return
		}
		v.add(id, title, StatusUnknown, "the secret is not revealed yet: come back after the draw")
		return
	}
	v.compare(id, title, Commitment(p.RaffleID, p.RulesHash, p.Secret), p.Commitment)
}

func (v *verification) checkEntries() {
	list, err := NewList(v.Entries)
	if err != nil {
		v.add("entries", "The list of sold numbers is in order", StatusWrong, "%v", err)
		return
	}
	const title = "The list of sold numbers is the sealed one"
	if list.N != v.Proof.N {
		v.add("entries", title, StatusWrong, "the list has %d numbers, the proof says %d", list.N, v.Proof.N)
		return
	}
	if r := v.rules; r != nil && (v.Entries[0].Number < r.NumberStart || v.Entries[list.N-1].Number >= r.NumberStart+r.Total) {
		v.add("entries", title, StatusWrong, "a number is not on the board of %d to %d", r.NumberStart, r.NumberStart+r.Total-1)
		return
	}
	if list.Root != v.Proof.Root {
		v.add("entries", title, StatusWrong, "computed root %s, the proof says %s", list.Root, v.Proof.Root)
		return
	}
	v.add("entries", title, StatusOK, "%d numbers, root %s", list.N, list.Root)
}

// checkRef checks that the seal fixed what would decide, and could not choose it: the first round
// after the margin, the block of the rules, or nothing.
func (v *verification) checkRef() {
	const id, title = "ref", "The seal fixed what decides, and when"
	p := v.Proof
	if p.SealedAt.Nanosecond() != 0 {
		v.add(id, title, StatusWrong, "sealed_at must be in whole seconds")
		return
	}
	if path := BeaconPath(p.Round); p.named["beacon_path"] && p.BeaconPath != path {
		v.add(id, title, StatusWrong, "for round %d beacon_path must be %q, the proof says %q", p.Round, path, p.BeaconPath)
		return
	}
	switch p.Method {
	case MethodBeacon:
		v.checkRefBeacon(id, title)
	case MethodCommitReveal:
		// A seal may name the round its own time fixes, which leaves nothing to choose, and not use it.
		if p.Round != 0 && !slices.Equal(p.Ref, beaconRef(p.Round)) {
			v.add(id, title, StatusWrong, "for commit_reveal round must be 0 or the one that ref names, the proof says %d: the secret decides, no round", p.Round)
			return
		}
		if len(p.Ref) != 0 && !slices.Equal(p.Ref, beaconRef(SealRound(p.SealedAt, time.Time{}))) {
			v.add(id, title, StatusWrong, "for commit_reveal ref must be empty")
			return
		}
		v.add(id, title, StatusOK, "sealed %s; the committed secret decides", p.SealedAt.UTC().Format(time.RFC3339))
	case MethodLottery:
		v.checkRefLottery(id, title)
	default:
		v.add(id, title, StatusUnknown, "method %q is not known to this program", p.Method)
	}
}

func (v *verification) checkRefBeacon(id, title string) {
	p := v.Proof
	round := SealRound(p.SealedAt, time.Time{})
	if v.rules != nil {
		round = SealRound(p.SealedAt, v.rules.DrawAt)
	}
	if p.Round < round || v.rules != nil && p.Round != round {
		v.add(id, title, StatusWrong, "the seal of %s fixes round %d, the proof says %d", p.SealedAt.UTC().Format(time.RFC3339), round, p.Round)
		return
	}
	if !slices.Equal(p.Ref, beaconRef(p.Round)) {
		v.add(id, title, StatusWrong, "ref does not name quicknet's round %d", p.Round)
		return
	}
	if v.rules == nil && !v.report.Unruled {
		v.add(id, title, StatusUnknown, "round %d is late enough after the seal; that no other may decide follows from the draw_at of the rules, which are missing", p.Round)
		return
	}
	v.add(id, title, StatusOK, "sealed %s; quicknet round %d, published %s",
		p.SealedAt.UTC().Format(time.RFC3339), p.Round, RoundTime(p.Round).Format(time.RFC3339))
}

func (v *verification) checkRefLottery(id, title string) {
	p := v.Proof
	if v.rules == nil {
		v.add(id, title, StatusUnknown, "the lottery block is in the rules, which are missing")
		return
	}
	block := sha256.Sum256(v.rules.LotteryBlock)
	lottery := v.rules.Lottery
	switch {
	case !slices.Equal(p.Ref, block[:]):
		v.add(id, title, StatusWrong, "ref is not the hash of the lottery block %x", block)
	case !p.SealedAt.Before(lottery.Time()):
		v.add(id, title, StatusWrong, "the seal of %s does not precede the official draw of %s", p.SealedAt.UTC().Format(time.RFC3339), lottery.DrawsAt)
	case p.Round != v.rules.Round(p.SealedAt):
		v.add(id, title, StatusWrong, "the seal fixes round %d, the proof says %d", v.rules.Round(p.SealedAt), p.Round)
	default:
		v.add(id, title, StatusOK, "sealed %s; %s of %s decides: %s %d digits of prize %q",
			p.SealedAt.UTC().Format(time.RFC3339), lottery.Name, lottery.DrawsAt, lottery.Take, lottery.Digits, lottery.Prize)
	}
}

func (v *verification) checkSeal() {
	v.compare("seal", "The seal binds rules, list and time", v.Proof.seal().compute(), v.Proof.Seal)
}

func (v *verification) checkWitness() {
	const id, title = "witness", "The seal is the one that was published"
	switch {
	case v.Witness == nil:
		v.add(id, title, StatusSkipped, "give --seal with the seal you saw published before the draw: it shows that the list was not made up afterwards")
	case *v.Witness != v.Proof.Seal:
		v.add(id, title, StatusWrong, "you saw %s, the proof says %s%s", *v.Witness, v.Proof.Seal, v.voided())
	default:
		v.add(id, title, StatusOK, "%s", *v.Witness)
	}
}
