package draw

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

func (v *verification) checkDraw() {
	if p := v.Proof; p.Method != MethodLottery && (len(p.Results) > 0 || p.Outcome != "") {
		v.add("lottery", "No lottery decides", StatusWrong, "method %s follows no lottery, and the proof names the result of one", p.Method)
	}
	if !v.Proof.Drawn() {
		v.add("winners", "The winners follow from the seal", StatusUnknown, "the raffle is sealed and not drawn yet")
		return
	}
	switch v.Proof.Method {
	case MethodBeacon:
		if v.checkSignature() {
			randomness := Randomness(v.Proof.Signature)
			v.checkPicks(PickKey(v.Proof.Seal, nil, randomness[:]))
		}
	case MethodCommitReveal:
		v.checkNoSignature()
		v.checkPicks(PickKey(v.Proof.Seal, v.Proof.Secret, nil))
	case MethodLottery:
		v.checkLottery()
	}
}

func (v *verification) checkSignature() bool {
	const id, title = "signature", "The randomness is drand's, for this round"
	if len(v.Proof.Signature) == 0 {
		v.add(id, title, StatusWrong, "the proof names winners but no signature")
		return false
	}
	if err := VerifyRound(v.Proof.Round, v.Proof.Signature); err != nil {
		v.add(id, title, StatusWrong, "%v", err)
		return false
	}
	v.add(id, title, StatusOK, "quicknet signed round %d; randomness %s", v.Proof.Round, Randomness(v.Proof.Signature))
	return true
}

// checkNoSignature refuses a signature where no round decides: it would pass for what did.
func (v *verification) checkNoSignature() {
	if len(v.Proof.Signature) > 0 {
		v.add("signature", "No round decides", StatusWrong, "signature must be empty: this draw follows no round, and the proof has a signature of one")
	}
}

// checkKey compares D with the one in the proof, when it names one.
func (v *verification) checkKey(key Hash) {
	const id, title = "draw_key", "The key of the draw follows from the seal"
	switch {
	case v.Proof.DrawKey != nil:
		v.compare(id, title, key, *v.Proof.DrawKey)
	case v.Proof.named["draw_key"]:
		v.add(id, title, StatusWrong, "computed %s, the proof says null", key)
	}
}

// checkPicks draws again from D. Without the rules document both ways to leave the list are tried, for as
// many prizes and alternates as the proof has: that may contradict the winners, and confirms no more than those.
func (v *verification) checkPicks(key Hash) {
	const id, title = "winners", "The winners follow from the seal and the randomness"
	v.checkKey(key)
	var want []Winner
	if r := v.rules; r != nil {
		want = Winners(key, v.Entries, r.PrizeCount, r.Alternates, r.Exclude)
	} else {
		prizes, alternates := v.shape()
		want = Winners(key, v.Entries, prizes, alternates, ExcludeTicket)
		if !slices.Equal(want, v.Proof.Winners) {
			want = Winners(key, v.Entries, prizes, alternates, ExcludeParticipant)
		}
	}
	if got := v.Proof.Winners; !slices.Equal(want, got) {
		v.add(id, title, StatusWrong, "%s", difference(want, got))
		return
	}
	if v.rules == nil && !v.report.Unruled {
		v.add(id, title, StatusUnknown, "these follow, and whether there must be more of them is in the rules, which could not be checked%s", describe(want))
		return
	}
	v.add(id, title, StatusOK, "D %s%s", key, describe(want))
}

// shape is how many prizes and alternates the winners name; within limits, whatever they claim.
func (v *verification) shape() (prizes, alternates int) {
	for _, w := range v.Proof.Winners {
		prizes = max(prizes, min(w.Prize, MaxPrizes-1)+1)
		alternates = max(alternates, min(w.Alternate, MaxAlternates))
	}
	return prizes, alternates
}

func describe(winners []Winner) string {
	text := ""
	for _, w := range winners {
		if w.Alternate == 0 {
			text += fmt.Sprintf("\nprize %d: number %d", w.Prize+1, w.Number)
		} else {
			text += fmt.Sprintf("\nprize %d, alternate %d: number %d", w.Prize+1, w.Alternate, w.Number)
		}
	}
	return text
}

func difference(want, got []Winner) string {
	for i, w := range want {
		if i >= len(got) {
			return fmt.Sprintf("the proof stops after %d of %d picks", len(got), len(want))
		}
		if w != got[i] {
			return fmt.Sprintf("pick %d must be number %d (prize %d, alternate %d, owner %s), the proof says number %d (prize %d, alternate %d, owner %s)",
				i+1, w.Number, w.Prize+1, w.Alternate, w.Owner, got[i].Number, got[i].Prize+1, got[i].Alternate, got[i].Owner)
		}
	}
	return fmt.Sprintf("the draw ends after %d picks, the proof names %d", len(want), len(got))
}

// checkLottery applies the rules to the lottery's results again.
func (v *verification) checkLottery() {
	const id, title = "lottery", "The lottery's result decides as the rules say"
	if v.rules == nil || len(v.Entries) == 0 {
		v.add(id, title, StatusUnknown, "the rules of the lottery or the list are missing")
		return
	}
	results := v.Proof.Results
	if err := CheckResultDates(*v.rules, v.Entries, results); err != nil {
		v.add(id, title, StatusWrong, "%v", err)
		return
	}
	if len(results) == 0 {
		results = v.readResults()
	}
	outcome, at, last, err := DecideLottery(*v.rules, v.Entries, results)
	switch {
	case err != nil:
		v.add(id, title, StatusWrong, "%v", err)
		return
	case outcome == OutcomeNone:
		v.add(id, title, StatusUnknown, "the proof names no result: give --lottery-result")
		return
	case outcome == OutcomeRepeat:
		v.add(id, title, StatusWrong, "the results so far ask for the lottery's next draw; nobody has won yet")
		return
	case outcome != v.Proof.Outcome && (v.Proof.Outcome != "" || v.Proof.named["lottery_outcome"]):
		v.add(id, title, StatusWrong, "by the rules the outcome is %q, the proof says %q", outcome, v.Proof.Outcome)
		return
	}
	v.add(id, title, StatusOK, "result %s of %s (draw %s): outcome %s", describeDigits(last), last.Date, last.DrawNumber, outcome)
	v.checkReadings(deciding(results, last))
	v.checkLotteryWinners(outcome, at)
}

// ReadSuspended stands among Evidence.Readings for a draw that the lottery did not hold.
const ReadSuspended = "suspended"

func describeDigits(r LotteryResult) string {
	if r.Suspended {
		return ReadSuspended
	}
	return r.Digits
}

// readResults makes results of what the buyer read, for a proof that names none.
func (v *verification) readResults() []LotteryResult {
	var results []LotteryResult
	for i, read := range v.Readings {
		r := LotteryResult{DrawNumber: strconv.Itoa(i + 1), Digits: read}
		if read == ReadSuspended {
			r.Digits, r.Suspended = "", true
		}
		results = append(results, r)
	}
	return results
}

// deciding are the results that the outcome rests on: the last one that counted, and those before it that
// left the decision to another draw.
func deciding(results []LotteryResult, last LotteryResult) []LotteryResult {
	current := CurrentResults(results)
	at := slices.IndexFunc(current, func(r LotteryResult) bool { return r.DrawNumber == last.DrawNumber })
	return current[:at+1]
}

// checkReadings compares the results in the proof with those that the buyer read at the lottery. Nothing
// else shows that they are the lottery's: the proof has them from the organiser.
func (v *verification) checkReadings(results []LotteryResult) {
	const id, title = "lottery_result", "The result is the one the lottery published"
	var digits, draws []string
	for _, r := range results {
		digits, draws = append(digits, describeDigits(r)), append(draws, fmt.Sprintf("%s (%s)", r.Date, r.SourceURL))
	}
	read, stated := strings.Join(v.Readings, ","), strings.Join(digits, ",")
	foreign := slices.ContainsFunc(v.Readings, func(r string) bool { return !slices.Contains(digits, r) })
	switch {
	case len(v.Readings) == 0:
		v.add(id, title, StatusUnknown, "the proof has it from the organiser: look up what the lottery drew on %s and give it with --lottery-result", strings.Join(draws, ", "))
	case foreign, len(v.Readings) == len(digits) && read != stated:
		v.add(id, title, StatusWrong, "you read %s, the proof says %s", read, stated)
	case read != stated:
		v.add(id, title, StatusUnknown, "the outcome rests on %d draw(s) of the lottery, %s: give the result of each in this order, with commas between them and %q for one that was not held",
			len(results), strings.Join(draws, ", "), ReadSuspended)
	default:
		v.add(id, title, StatusOK, "%s", stated)
	}
}

func (v *verification) checkLotteryWinners(outcome Outcome, at int) {
	const id, title = "winners", "The winner follows from the result"
	want := []Winner{}
	switch outcome {
	case OutcomeWinner:
		want = append(want, Winner{Number: v.Entries[at].Number, Owner: v.Entries[at].Owner})
	case OutcomeBeacon:
		if v.checkSignature() {
			randomness := Randomness(v.Proof.Signature)
			v.checkPicks(PickKey(v.Proof.Seal, nil, randomness[:]))
		}
		return
	}
	v.checkNoSignature()
	v.checkKey(PickKey(v.Proof.Seal, nil, nil))
	switch {
	case !slices.Equal(want, v.Proof.Winners):
		v.add(id, title, StatusWrong, "%s", difference(want, v.Proof.Winners))
	case len(want) == 0:
		v.add(id, title, StatusOK, "nobody wins, as the rules say")
	default:
		v.add(id, title, StatusOK, "number %d", want[0].Number)
	}
}

// checkReceipt looks for the buyer's numbers in the list. A receipt that holds and a number that is
// missing is the proof that it was left out.
func (v *verification) checkReceipt() {
	const id, title = "receipt", "Your numbers are in the list"
	r := v.Receipt
	if r == nil {
		v.add(id, title, StatusSkipped, "give --receipt with the receipt of your purchase")
		return
	}
	if err := r.Verify(); err != nil {
		v.add(id, title, StatusWrong, "%v", err)
		return
	}
	if r.RaffleID != v.Proof.RaffleID || r.Commitment != v.Proof.Commitment {
		v.add(id, title, StatusWrong, "the receipt is for another raffle, or for other rules")
		return
	}
	if v.Keys != nil && !v.Keys.Has(*r) {
		v.add(id, title, StatusWrong, "the receipt's key %s is not among the published keys", r.KeyID)
		return
	}
	for _, number := range r.Numbers {
		at := sort.Search(len(v.Entries), func(i int) bool { return v.Entries[i].Number >= number })
		if at == len(v.Entries) || v.Entries[at].Number != number {
			v.add(id, title, StatusWrong, "number %d was sold to you and is missing from the list: keep the receipt, it proves this", number)
			return
		}
		if v.Entries[at].Owner != r.Owner {
			v.add(id, title, StatusWrong, "number %d was sold to you and the list names another owner: keep the receipt, it proves this", number)
			return
		}
	}
	v.add(id, title, StatusOK, "numbers %v, signed with key %s", r.Numbers, r.KeyID)
	if v.Keys == nil {
		v.add("receipt_key", "The receipt's key is a published one", StatusSkipped,
			"compare key %s with /rifaapp/.well-known/rifa-keys.json, or give that file with --keys", r.KeyID)
	}
}
