package draw

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Lottery is the lottery block of the rules: which official result decides, and what happens when it
// falls on a number nobody bought or is not drawn at all.
type Lottery struct {
	Name        string      `json:"name"`         // e.g. "Lotería de Boyacá"
	DrawsAt     string      `json:"draws_at"`     // the official draw, RFC 3339 with the zone's offset
	TimeZone    string      `json:"time_zone"`    // IANA name, e.g. "America/Bogota"
	Prize       string      `json:"prize"`        // which of its prizes, e.g. "mayor"
	Take        Take        `json:"take"`         // which end of the result
	Digits      int         `json:"digits"`       // how many digits, 1–6
	OnUnsold    OnUnsold    `json:"on_unsold"`    // when the number was not sold
	OnSuspended OnSuspended `json:"on_suspended"` // when the lottery does not draw
}

var lotteryMembers = []string{"name", "draws_at", "time_zone", "prize", "take", "digits", "on_unsold", "on_suspended"}

// Take is the end of a lottery result that counts.
type Take string

// The ends of a lottery result.
const (
	TakeFirst Take = "first"
	TakeLast  Take = "last"
)

// OnUnsold is what happens when the winning number was not sold.
type OnUnsold string

// What a rules document may say about an unsold winning number.
const (
	UnsoldRepeat  OnUnsold = "repeat_next_draw"  // the lottery's next draw decides, by the same seal
	UnsoldNearest OnUnsold = "nearest_up_wrap"   // the next higher sold number; after the last, the lowest
	UnsoldBeacon  OnUnsold = "beacon_among_sold" // a quicknet round fixed by the seal picks among the sold
	UnsoldVoid    OnUnsold = "void"              // nobody wins
)

// OnSuspended is what happens when the lottery does not hold its draw.
type OnSuspended string

// What a rules document may say about a suspended lottery.
const (
	SuspendedNextDraw OnSuspended = "next_draw"         // its next draw decides
	SuspendedBeacon   OnSuspended = "beacon_among_sold" // as UnsoldBeacon
	SuspendedVoid     OnSuspended = "void"              // nobody wins
)

// ObjectionWindow is how long a lottery result is shown before the raffle is drawn.
const ObjectionWindow = 24 * time.Hour

// AfterObjections is the end of the objection window of a result that was confirmed then, or from where that
// is later; from, too, when it was not confirmed.
func AfterObjections(from time.Time, confirmedAt *time.Time) time.Time {
	if confirmedAt == nil {
		return from
	}
	if end := confirmedAt.Add(ObjectionWindow); end.After(from) {
		return end
	}
	return from
}

// Time is the instant of the official draw.
func (l Lottery) Time() time.Time {
	at, _ := time.Parse(time.RFC3339, l.DrawsAt) // checked when the rules were read
	return at.UTC()
}

// Date is the day of the official draw where the lottery draws: draws_at is written with the offset of
// that place.
func (l Lottery) Date() string { return l.DrawsAt[:len(time.DateOnly)] } // checked when the rules were read

// Today is the date at the moment now in the same place.
func (l Lottery) Today(now time.Time) string {
	at, _ := time.Parse(time.RFC3339, l.DrawsAt)
	return now.In(at.Location()).Format(time.DateOnly)
}

// NeedsBeacon says whether these rules may come to ask for a quicknet round.
func (l Lottery) NeedsBeacon() bool {
	return l.OnUnsold == UnsoldBeacon || l.OnSuspended == SuspendedBeacon
}

func (f *Faults) lottery(in RulesInput) {
	l := in.Lottery
	f.when(in.Method == MethodLottery && l == nil, "lottery", "is needed for method lottery")
	f.when(in.Method != MethodLottery && l != nil, "lottery", "goes with method lottery only")
	if l == nil || in.Method != MethodLottery {
		return
	}
	f.when(len(in.Prizes) != 1, "prizes", "must be one: a lottery result decides one prize")
	f.when(in.Alternates != 0, "alternates", "must be 0: a lottery result names one number")
	f.when(badText(l.Name), "lottery.name", "must have 1 to 120 characters")
	f.when(badText(l.Prize), "lottery.prize", "must have 1 to 120 characters")
	f.when(l.Take != TakeFirst && l.Take != TakeLast, "lottery.take", "must be first or last")
	f.when(l.Digits < 1 || l.Digits > 6, "lottery.digits", "must be from 1 to 6")
	f.when(l.Digits >= 1 && l.Digits <= 6 && in.Total > pow10(l.Digits), "lottery.digits",
		"must be enough to tell all numbers apart: 2 for a hundred, 3 for a thousand")
	f.when(l.OnUnsold != UnsoldRepeat && l.OnUnsold != UnsoldNearest && l.OnUnsold != UnsoldBeacon && l.OnUnsold != UnsoldVoid,
		"lottery.on_unsold", "must be repeat_next_draw, nearest_up_wrap, beacon_among_sold or void")
	f.when(l.OnSuspended != SuspendedNextDraw && l.OnSuspended != SuspendedBeacon && l.OnSuspended != SuspendedVoid,
		"lottery.on_suspended", "must be next_draw, beacon_among_sold or void")
	f.lotteryTime(*l)
}

func (f *Faults) lotteryTime(l Lottery) {
	at, err := ParseTime(l.DrawsAt)
	f.when(err != nil || at.Nanosecond() != 0 || at.Year() < 2000, "lottery.draws_at",
		"must be a time with its offset, such as 2026-12-05T22:30:00-05:00")
	f.when(badText(l.TimeZone) || strings.ContainsAny(l.TimeZone, " \\"), "lottery.time_zone", "must be a zone such as America/Bogota")
}

func badText(s string) bool {
	return s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 120 || strings.ContainsFunc(s, control)
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}
