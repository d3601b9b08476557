package draw

import (
	"fmt"
	"slices"
	"sort"
)

func (v *verification) checkDraw() {
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

// checkPicks draws again from D. Without the rules document both ways to leave the list are tried,
// for as many prizes and alternates as the proof has.
func (v *verification) checkPicks(key Hash) {
	const id, title = "winners", "The winners follow from the seal and the randomness"
	if v.Proof.DrawKey != nil {
		v.compare("draw_key", "The key of the draw follows from the seal", key, *v.Proof.DrawKey)
	}
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
	if len(results) == 0 && v.LotteryResult != "" {
		results = []LotteryResult{{Digits: v.LotteryResult}}
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
	case v.Proof.Outcome != "" && outcome != v.Proof.Outcome:
		v.add(id, title, StatusWrong, "by the rules the outcome is %q, the proof says %q", outcome, v.Proof.Outcome)
		return
	}
	v.add(id, title, StatusOK, "result %s of %s (draw %s): outcome %s", describeDigits(last), last.Date, last.DrawNumber, outcome)
	v.checkReading(last)
	v.checkLotteryWinners(outcome, at)
}

func describeDigits(r LotteryResult) string {
	if r.Suspended {
		return "none (suspended)"
	}
	return r.Digits
}

// checkReading compares the result in the proof with the one the buyer read at the lottery.
func (v *verification) checkReading(last LotteryResult) {
	const id, title = "lottery_result", "The result is the one the lottery published"
	switch {
	case v.LotteryResult == "":
		v.add(id, title, StatusSkipped, "look the result up at the lottery (%s) and give --lottery-result", last.SourceURL)
	case last.Suspended || last.Digits != v.LotteryResult:
		v.add(id, title, StatusWrong, "you read %s, the proof says %s", v.LotteryResult, describeDigits(last))
	default:
		v.add(id, title, StatusOK, "%s", last.Digits)
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
	if v.Proof.DrawKey != nil {
		v.compare("draw_key", "The key of the draw follows from the seal", PickKey(v.Proof.Seal, nil, nil), *v.Proof.DrawKey)
	}
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
