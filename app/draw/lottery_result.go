package draw

import (
	"fmt"
	"net/url"
	"sort"
	"strings"
	"time"
)

// LotteryResult is what the organiser enters after one official draw. Entries are appended, never
// changed: a correction is a new entry with the draw number of the one it replaces.
type LotteryResult struct {
	Digits     string `json:"digits"`          // the whole result as published, e.g. "4821"; empty when suspended
	Suspended  bool   `json:"suspended"`       // the lottery did not hold this draw
	DrawNumber string `json:"draw_number"`     // the lottery's own number of the draw ("sorteo 4562")
	Date       string `json:"date"`            // YYYY-MM-DD of the draw
	SourceURL  string `json:"source_url"`      // where the lottery published it
	Evidence   Hash   `json:"evidence_sha256"` // SHA-256 of the evidence file
}

// Outcome is what a lottery result means under the rules.
type Outcome string

// What a lottery result may lead to.
const (
	OutcomeWinner Outcome = "winner"     // a sold number won
	OutcomeBeacon Outcome = "beacon"     // the quicknet round of LotteryRound decides among the sold
	OutcomeRepeat Outcome = "next_draw"  // the lottery's next draw decides
	OutcomeVoid   Outcome = "void"       // nobody wins
	OutcomeNone   Outcome = "unresolved" // no result has been entered yet
)

// LotteryNumber maps a result to a number of the board: the one that has the same digits at its end.
// On a board from 1 to 100 with two digits, "00" is 100. It is −1 when no number of the board has them.
// The error says when the result is no row of digits, or a shorter one than the rules ask for.
func (r Rules) LotteryNumber(digits string) (int, error) {
	l := r.Lottery
	if l == nil {
		return 0, fmt.Errorf("this raffle does not follow a lottery")
	}
	if len(digits) < l.Digits || len(digits) > 12 || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("the lottery result must have at least %d digits and nothing else", l.Digits)
	}
	cut := digits[:l.Digits]
	if l.Take == TakeLast {
		cut = digits[len(digits)-l.Digits:]
	}
	ending := 0
	for _, d := range cut {
		ending = ending*10 + int(d-'0')
	}
	modulus := pow10(l.Digits)
	number := r.NumberStart + ((ending-r.NumberStart)%modulus+modulus)%modulus
	if number >= r.NumberStart+r.Total {
		return -1, nil
	}
	return number, nil
}

// ResolveLottery applies the rules to one result. With OutcomeWinner it gives the entry's place in
// the list; otherwise −1. The error is LotteryNumber's.
func ResolveLottery(r Rules, entries []Entry, result LotteryResult) (Outcome, int, error) {
	if result.Suspended && r.Lottery != nil {
		if result.Digits != "" {
			return OutcomeNone, -1, fmt.Errorf("a draw that the lottery did not hold has no result")
		}
		switch r.Lottery.OnSuspended {
		case SuspendedNextDraw:
			return OutcomeRepeat, -1, nil
		case SuspendedBeacon:
			return OutcomeBeacon, -1, nil
		}
		return OutcomeVoid, -1, nil
	}
	number, err := r.LotteryNumber(result.Digits)
	if err == nil && len(entries) == 0 {
		err = ErrNothingSold
	}
	if err != nil {
		return OutcomeNone, -1, err
	}
	at := sort.Search(len(entries), func(i int) bool { return entries[i].Number >= number })
	if number >= 0 && at < len(entries) && entries[at].Number == number {
		return OutcomeWinner, at, nil
	}
	switch r.Lottery.OnUnsold {
	case UnsoldRepeat:
		return OutcomeRepeat, -1, nil
	case UnsoldBeacon:
		return OutcomeBeacon, -1, nil
	case UnsoldNearest:
		if number < 0 { // beyond the board's end: from there, up is around
			at = 0
		}
		return OutcomeWinner, at % len(entries), nil
	}
	return OutcomeVoid, -1, nil
}

// CurrentResults leaves out what was corrected: of several entries for one draw number the last one
// counts, in the place of the first.
func CurrentResults(results []LotteryResult) []LotteryResult {
	var current []LotteryResult
	for _, entries := range byDraw(results) {
		current = append(current, entries[len(entries)-1])
	}
	return current
}

// byDraw gathers what was entered for each draw of the lottery, the corrections last, in the order in
// which the draws came on record.
func byDraw(results []LotteryResult) [][]LotteryResult {
	var draws [][]LotteryResult
	at := map[string]int{}
	for _, r := range results {
		i, ok := at[r.DrawNumber]
		if !ok {
			i = len(draws)
			at[r.DrawNumber] = i
			draws = append(draws, nil)
		}
		draws[i] = append(draws[i], r)
	}
	return draws
}

// DecideLottery goes through the results in the order they were entered, corrections applied, up to
// the first that does not ask for another draw of the lottery. It returns that result too.
func DecideLottery(r Rules, entries []Entry, results []LotteryResult) (Outcome, int, LotteryResult, error) {
	outcome, at, last := OutcomeNone, -1, LotteryResult{}
	for _, result := range CurrentResults(results) {
		var err error
		last = result
		if outcome, at, err = ResolveLottery(r, entries, result); err != nil || outcome != OutcomeRepeat {
			return outcome, at, last, err
		}
	}
	return outcome, at, last, nil
}

// CheckResultDates says whether the results that decide are of the draws that the rules name. The day of
// the rules decides; a later one only when a draw on record before it, suspended or with an unsold number,
// left the decision to the lottery's next draw by the rules. What was corrected cannot fail, and is a
// reason for a later day where its own day is right: a suspended draw that is held later may keep its draw
// number. The error is Faults for the field "date", or LotteryNumber's.
func CheckResultDates(r Rules, entries []Entry, results []LotteryResult) error {
	d := days{rules: r, entries: entries}
	for _, entered := range byDraw(results) {
		var (
			outcome Outcome
			err     error
		)
		for _, result := range entered {
			outcome, err = d.take(result)
		}
		if err != nil || outcome != OutcomeRepeat { // what comes after a decision decides nothing
			return err
		}
	}
	return nil
}

// CheckNextResult says the same of a result that is to be entered after these, whatever they are: each
// can be corrected on its own. The error is CheckResultDates'.
func CheckNextResult(r Rules, entries []Entry, results []LotteryResult, next LotteryResult) error {
	d := days{rules: r, entries: entries}
	for _, entered := range byDraw(results) {
		for _, result := range entered {
			_, _ = d.take(result) // its faults are not those of the next
		}
		if entered[0].DrawNumber == next.DrawNumber {
			break
		}
	}
	_, err := d.take(next)
	return err
}

// days checks the days of results, draw by draw.
type days struct {
	rules    Rules
	entries  []Entry
	repeated bool // a result whose day is right left the decision to the lottery's next draw
}

// take says what the result leads to, or what is wrong with it.
func (d *days) take(result LotteryResult) (Outcome, error) {
	day := d.rules.Lottery.Date()
	if _, err := time.Parse(time.DateOnly, result.Date); err != nil {
		return OutcomeNone, Faults{{Field: "date", Message: "must be a date such as 2026-12-05"}}
	}
	if result.Date < day {
		return OutcomeNone, Faults{{Field: "date", Message: "must not be before " + day + ": no earlier draw of the lottery decides by the rules"}}
	}
	if result.Date > day && !d.repeated {
		return OutcomeNone, Faults{{Field: "date", Message: "must be " + day + ": by the rules the lottery's draw of that day decides; if it was suspended, enter that first"}}
	}
	outcome, _, err := ResolveLottery(d.rules, d.entries, result)
	d.repeated = d.repeated || outcome == OutcomeRepeat
	return outcome, err
}

// Check names every fault of a result, for the organiser who enters it.
func (l LotteryResult) Check(r Rules) error {
	var f Faults
	if l.Suspended {
		f.when(l.Digits != "", "digits", "must be empty when the lottery did not draw")
	} else if _, err := r.LotteryNumber(l.Digits); err != nil {
		f.when(true, "digits", err.Error())
	}
	f.when(badText(l.DrawNumber), "draw_number", "must have 1 to 120 characters")
	_, err := time.Parse(time.DateOnly, l.Date)
	f.when(err != nil, "date", "must be a date such as 2026-12-05")
	source, err := url.Parse(l.SourceURL)
	f.when(err != nil || source.Scheme != "https" && source.Scheme != "http" || source.Host == "" || len(l.SourceURL) > 500,
		"source_url", "must be a web address of at most 500 characters")
	f.when(l.Evidence.IsZero(), "evidence_sha256", "must be the SHA-256 of the evidence file")
	return f.err()
}
