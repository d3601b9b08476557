package draw

import (
	"errors"
	"testing"
	"time"
)

func lotteryRules(t testing.TB, change func(*RulesInput)) Rules {
	t.Helper()
	in := rulesFor(MethodLottery)
	if change != nil {
		change(&in)
	}
	rules, err := ParseRules(mustRules(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestLotteryNumber(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name                 string
		start, total, digits int
		take                 Take
		result               string
		want                 int // −1 when no number of the board has these digits, −2 for an error
	}{
		{"last two", 0, 100, 2, TakeLast, "4821", 21},
		{"first two", 0, 100, 2, TakeFirst, "4821", 48},
		{"zeros", 0, 100, 2, TakeLast, "4800", 0},
		{"00 is 100", 1, 100, 2, TakeLast, "4800", 100},
		{"three of four", 0, 1000, 3, TakeLast, "4821", 821},
		{"exactly as many", 0, 100, 2, TakeLast, "07", 7},
		{"a smaller board", 1, 80, 2, TakeLast, "4881", -1},
		{"its last number", 1, 80, 2, TakeLast, "4880", 80},
		{"a board higher up", 1050, 100, 2, TakeLast, "4849", 1149},
		{"its first number", 1050, 100, 2, TakeLast, "4850", 1050},
		{"too few digits", 0, 100, 2, TakeLast, "7", -2},
		{"none", 0, 100, 2, TakeLast, "", -2},
		{"a letter", 0, 100, 2, TakeLast, "48A1", -2},
		{"a sign", 0, 100, 2, TakeLast, "-481", -2},
		{"too many", 0, 100, 2, TakeLast, "1234567890123", -2},
	} {
		rules := lotteryRules(t, func(r *RulesInput) {
			r.NumberStart, r.Total, r.Lottery.Digits, r.Lottery.Take = row.start, row.total, row.digits, row.take
		})
		got, err := rules.LotteryNumber(row.result)
		if err != nil {
			got = -2
		}
		if got != row.want {
			t.Errorf("%s: %d (%v), want %d", row.name, got, err, row.want)
		}
	}
	if _, err := (Rules{}).LotteryNumber("12"); err == nil {
		t.Error("a raffle without a lottery resolves a lottery number")
	}
}

// The vectors' sold numbers are 3 7 12 21 34 45 56 67 89 98.
func TestUnsoldAndSuspended(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		unsold    OnUnsold
		suspended OnSuspended
		digits    string // empty: the lottery did not draw
		want      Outcome
		number    int
	}{
		{"sold", UnsoldVoid, SuspendedVoid, "4821", OutcomeWinner, 21},
		{"repeat", UnsoldRepeat, SuspendedVoid, "4822", OutcomeRepeat, 0},
		{"nearest", UnsoldNearest, SuspendedVoid, "4822", OutcomeWinner, 34},
		{"nearest from below all", UnsoldNearest, SuspendedVoid, "4800", OutcomeWinner, 3},
		{"nearest wraps", UnsoldNearest, SuspendedVoid, "4899", OutcomeWinner, 3},
		{"beacon", UnsoldBeacon, SuspendedVoid, "4822", OutcomeBeacon, 0},
		{"void", UnsoldVoid, SuspendedNextDraw, "4822", OutcomeVoid, 0},
		{"suspended, next draw", UnsoldVoid, SuspendedNextDraw, "", OutcomeRepeat, 0},
		{"suspended, beacon", UnsoldVoid, SuspendedBeacon, "", OutcomeBeacon, 0},
		{"suspended, void", UnsoldNearest, SuspendedVoid, "", OutcomeVoid, 0},
	} {
		rules := lotteryRules(t, func(r *RulesInput) { r.Lottery.OnUnsold, r.Lottery.OnSuspended = row.unsold, row.suspended })
		result := LotteryResult{Digits: row.digits, Suspended: row.digits == ""}
		outcome, at, err := ResolveLottery(rules, vectorEntries(), result)
		if err != nil || outcome != row.want || outcome == OutcomeWinner && vectorEntries()[at].Number != row.number {
			t.Errorf("%s: %s at %d (%v)", row.name, outcome, at, err)
		}
		if rules.Lottery.NeedsBeacon() != (rules.Round(time.Unix(1692800000, 0)) != 0) {
			t.Errorf("%s: the seal fixes a round exactly when the rules may need one", row.name)
		}
	}
	wrap := lotteryRules(t, func(r *RulesInput) { r.Total, r.Lottery.OnUnsold = 99, UnsoldNearest })
	if outcome, at, err := ResolveLottery(wrap, vectorEntries(), LotteryResult{Digits: "99"}); outcome != OutcomeWinner || at != 0 || err != nil {
		t.Errorf("a result beyond the board's end: %s at %d (%v)", outcome, at, err)
	}
	if _, _, err := ResolveLottery(wrap, nil, LotteryResult{Digits: "99"}); !errors.Is(err, ErrNothingSold) {
		t.Errorf("nothing sold: %v", err)
	}
}

func TestRepeatsAndCorrections(t *testing.T) {
	t.Parallel()
	rules := lotteryRules(t, func(r *RulesInput) { r.Lottery.OnUnsold, r.Lottery.OnSuspended = UnsoldRepeat, SuspendedNextDraw })
	first := LotteryResult{Digits: "4822", DrawNumber: "1"}
	second := LotteryResult{Digits: "0007", DrawNumber: "2"}
	corrected := LotteryResult{Digits: "4821", DrawNumber: "1"}
	for name, row := range map[string]struct {
		results []LotteryResult
		want    Outcome
		number  int
	}{
		"none":                        {nil, OutcomeNone, 0},
		"unsold":                      {[]LotteryResult{first}, OutcomeRepeat, 0},
		"then sold":                   {[]LotteryResult{first, second}, OutcomeWinner, 7},
		"suspended, then sold":        {[]LotteryResult{{Suspended: true, DrawNumber: "1"}, second}, OutcomeWinner, 7},
		"corrected":                   {[]LotteryResult{first, corrected}, OutcomeWinner, 21},
		"corrected after a next draw": {[]LotteryResult{first, second, corrected}, OutcomeWinner, 21},
		"corrected to unsold":         {[]LotteryResult{corrected, first}, OutcomeRepeat, 0},
	} {
		outcome, at, _, err := DecideLottery(rules, vectorEntries(), row.results)
		if err != nil || outcome != row.want || outcome == OutcomeWinner && vectorEntries()[at].Number != row.number {
			t.Errorf("%s: %s at %d (%v)", name, outcome, at, err)
		}
	}
}

func TestResultFaults(t *testing.T) {
	t.Parallel()
	rules := lotteryRules(t, nil)
	if err := someResult.Check(rules); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(*LotteryResult){
		"digits":          func(r *LotteryResult) { r.Digits = "1" },
		"draw_number":     func(r *LotteryResult) { r.DrawNumber = "" },
		"date":            func(r *LotteryResult) { r.Date = "5/12/2026" },
		"source_url":      func(r *LotteryResult) { r.SourceURL = "javascript:alert(1)" },
		"evidence_sha256": func(r *LotteryResult) { r.Evidence = Hash{} },
	} {
		result := someResult
		change(&result)
		var faults Faults
		if !errors.As(result.Check(rules), &faults) || len(faults) != 1 || faults[0].Field != field {
			t.Errorf("%s: %v", field, faults)
		}
	}
	suspended := someResult
	suspended.Suspended = true
	if suspended.Check(rules) == nil {
		t.Error("a suspended draw has digits")
	}
}

// The draw of the rules' day decides, in Colombia's time; a later one only when one on record was
// suspended or drew a number nobody bought, and the rules leave that to the next draw.
func TestResultDates(t *testing.T) {
	t.Parallel()
	rules := lotteryRules(t, func(r *RulesInput) {
		r.Lottery.DrawsAt, r.Lottery.OnUnsold, r.Lottery.OnSuspended = "2026-12-05T22:30:00-05:00", UnsoldRepeat, SuspendedNextDraw
	})
	strict := lotteryRules(t, func(r *RulesInput) { r.Lottery.DrawsAt = "2026-12-05T22:30:00-05:00" })
	of := func(number, date, digits string) LotteryResult {
		return LotteryResult{Date: date, Digits: digits, Suspended: digits == "", DrawNumber: number}
	}
	at := func(date, digits string) LotteryResult { return of("1", date, digits) }
	const sold, unsold, suspended = "4821", "4822", ""
	for name, c := range map[string]struct {
		rules   Rules
		results []LotteryResult
		good    bool
	}{
		"none":                          {rules, nil, true},
		"the day":                       {rules, []LotteryResult{at("2026-12-05", sold)}, true},
		"the day in UTC":                {rules, []LotteryResult{at("2026-12-06", sold)}, false},
		"earlier":                       {rules, []LotteryResult{at("2026-12-04", sold)}, false},
		"no date":                       {rules, []LotteryResult{at("", sold)}, false},
		"no day of the calendar":        {rules, []LotteryResult{at("2026-12-05", unsold), at("2026-12-32", sold)}, false},
		"corrected":                     {rules, []LotteryResult{at("2026-12-05", sold), at("2026-12-05", unsold)}, true},
		"corrected to another day":      {rules, []LotteryResult{at("2026-12-05", sold), at("2026-12-12", sold)}, false},
		"after an unsold number":        {rules, []LotteryResult{at("2026-12-05", unsold), at("2026-12-12", sold)}, true},
		"after a suspended draw":        {rules, []LotteryResult{at("2026-12-05", suspended), at("2026-12-07", sold)}, true},
		"earlier after an unsold one":   {rules, []LotteryResult{at("2026-12-05", unsold), at("2026-11-28", sold)}, false},
		"of another day, corrected":     {rules, []LotteryResult{at("2026-12-04", sold), at("", "x"), at("2026-12-05", sold)}, true},
		"corrected, and wrong again":    {rules, []LotteryResult{at("2026-12-04", sold), at("2026-12-06", sold)}, false},
		"unsold on another day":         {rules, []LotteryResult{at("2026-12-04", unsold), at("2026-12-12", sold)}, false},
		"a reason corrected":            {rules, []LotteryResult{at("2026-12-05", unsold), of("2", "2026-12-12", sold), at("2026-12-05", sold)}, true},
		"a reason corrected to one":     {rules, []LotteryResult{at("2026-12-04", unsold), of("2", "2026-12-12", sold), at("2026-12-05", unsold)}, true},
		"a reason that never was one":   {rules, []LotteryResult{at("2026-12-04", unsold), of("2", "2026-12-12", sold)}, false},
		"the later one is corrected":    {rules, []LotteryResult{at("2026-12-05", unsold), of("2", "2026-12-04", sold), of("2", "2026-12-12", sold)}, true},
		"the later one is not":          {rules, []LotteryResult{at("2026-12-05", unsold), of("2", "2026-12-04", sold)}, false},
		"after what decided":            {rules, []LotteryResult{at("2026-12-04", unsold), of("2", "2026-12-12", sold), at("2026-12-05", sold)}, true},
		"unsold, which the rules void":  {strict, []LotteryResult{at("2026-12-05", unsold), at("2026-12-12", sold)}, false},
		"suspended, and the rules void": {strict, []LotteryResult{at("2026-12-05", suspended), at("2026-12-12", sold)}, false},
	} {
		if err := CheckResultDates(c.rules, vectorEntries(), c.results); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := []LotteryResult{of("1", "2026-12-04", unsold), of("2", "2026-12-04", sold)} // taken by an older version
	for name, c := range map[string]struct {
		next LotteryResult
		good bool
	}{
		"the first":              {of("1", "2026-12-05", unsold), true},
		"the first, later":       {of("1", "2026-12-12", unsold), false},
		"the second":             {of("2", "2026-12-05", sold), true},
		"the second, too early":  {of("2", "2026-12-12", sold), false},
		"the second, unreadable": {of("2", "2026-12-05", "x"), false},
		"a third":                {of("3", "2026-12-05", sold), true},
	} {
		if err := CheckNextResult(rules, vectorEntries(), two, c.next); (err == nil) != c.good {
			t.Errorf("entered next: %s: %v", name, err)
		}
	}
	if today := rules.Lottery.Today(time.Date(2026, 12, 6, 3, 0, 0, 0, time.UTC)); today != "2026-12-05" {
		t.Errorf("at the draw it is %s in Colombia", today)
	}
}

func TestAfterObjections(t *testing.T) {
	t.Parallel()
	confirmed := time.Date(2026, 12, 6, 4, 0, 0, 0, time.UTC)
	end := confirmed.Add(ObjectionWindow)
	for _, c := range []struct {
		from, want  time.Time
		confirmedAt *time.Time
	}{
		{confirmed, confirmed, nil},
		{confirmed, end, &confirmed},
		{end.Add(time.Second), end.Add(time.Second), &confirmed},
	} {
		if got := AfterObjections(c.from, c.confirmedAt); !got.Equal(c.want) {
			t.Errorf("from %s, confirmed %v: got %s, want %s", c.from, c.confirmedAt, got, c.want)
		}
	}
}
