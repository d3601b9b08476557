package draw

import (
	"strconv"
	"time"
)

// checkWinningNumber holds the headline against the winners, which other steps check.
func (v *verification) checkWinningNumber() {
	const id, title = "winning_number", "The winning number is the first winner's"
	if !v.Proof.named["winning_number"] {
		return
	}
	stated, want := "null", "null"
	if n := v.Proof.WinningNumber; n != nil {
		stated = strconv.Itoa(*n)
	}
	if len(v.Proof.Winners) > 0 {
		want = strconv.Itoa(v.Proof.Winners[0].Number)
	}
	if stated != want {
		v.add(id, title, StatusWrong, "by the winners it must be %s, the proof says %s", want, stated)
		return
	}
	v.add(id, title, StatusOK, "%s", want)
}

// checkTimes holds available_at and drawn_at against what seal and rules fix. They are the operator's word
// for how much later than that it was.
func (v *verification) checkTimes() {
	const id, title = "times", "It was not drawn before it could be"
	p := v.Proof
	available, drawn := p.named["available_at"], p.named["drawn_at"]
	if !available && !drawn {
		return
	}
	from, exact := v.earliest()
	switch {
	case available && (p.AvailableAt == nil || p.AvailableAt.Before(from) || exact && !p.AvailableAt.Equal(from)):
		v.add(id, title, StatusWrong, "by the seal and the rules it could be drawn from %s on, the proof says available_at %s", formatTime(&from), formatTime(p.AvailableAt))
		return
	case drawn && p.Drawn() != (p.DrawnAt != nil):
		v.add(id, title, StatusWrong, "drawn_at is %s; it must be a time where the proof names what was drawn, and null where it does not", formatTime(p.DrawnAt))
		return
	}
	if available {
		from = *p.AvailableAt
	}
	slack := time.Duration(0)
	if p.Method == MethodLottery { // its record rounds the end of the objection window to a whole second
		slack = time.Second
	}
	if p.DrawnAt != nil && p.DrawnAt.Before(from.Add(-slack)) {
		v.add(id, title, StatusWrong, "it could be drawn from %s on, the proof says drawn_at %s", formatTime(&from), formatTime(p.DrawnAt))
		return
	}
	v.add(id, title, StatusOK, "could be drawn from %s on; drawn_at %s", formatTime(&from), formatTime(p.DrawnAt))
}

// earliest is the first moment at which seal and rules allow the draw; exact says that it can be no other.
// Rules of commit_reveal without a date leave the organiser free to set one.
func (v *verification) earliest() (from time.Time, exact bool) {
	p := v.Proof
	switch {
	case p.Method == MethodBeacon:
		return RoundTime(p.Round), true
	case v.rules == nil:
		return p.SealedAt, false
	}
	from = AvailableAt(*v.rules, p.seal())
	if p.Method != MethodLottery {
		return from, !v.rules.DrawAt.IsZero()
	}
	if p.Drawn() { // no result can be entered before the official draw
		from = from.Add(ObjectionWindow)
	}
	if v.rules.DrawAt.After(from) {
		from = v.rules.DrawAt
	}
	return from, false
}

func formatTime(t *time.Time) string {
	if t == nil {
		return "null"
	}
	return t.UTC().Format(time.RFC3339Nano)
}
