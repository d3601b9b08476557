package raffle

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"5000": "5000.00", "0": "0.00", "0.5": "0.50", "5000.05": "5000.05", "1.000": "1.00", "-3.10": "-3.10", "-0.01": "-0.01",
		"99999999.99": "99999999.99", "999999999999999": "999999999999999.00",
	} {
		if money, err := ParseMoney(text); err != nil || money.String() != want {
			t.Errorf("%s: got %s, %v", text, money, err)
		}
	}
	for _, text := range []string{
		"", "-", ".5", "5.", "05", "+5", "1,000", "1e3", "NaN", "Infinity", " 5", "5 ", "0x10", "1.005", "1000000000000000", "٥", strings.Repeat("9", 400),
	} {
		if money, err := ParseMoney(text); err == nil {
			t.Errorf("%q is read as %s", text, money)
		} else if strings.Contains(err.Error(), "strconv") {
			t.Errorf("%q: no sentence for people: %v", text, err)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, text := range []string{"5000.00", "0.01", "-1", "1.000", "1e3", "99999999.99", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		money, err := ParseMoney(text)
		if err != nil {
			return
		}
		if again, err := ParseMoney(money.String()); err != nil || again != money {
			t.Errorf("%q becomes %s and then %s, %v", text, money, again, err)
		}
	})
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	all := []Status{Draft, Open, Closed, Drawn, Cancelled}
	allowed := map[Status][]Status{
		Draft: {Draft, Open, Cancelled}, Open: {Open, Closed, Cancelled}, Closed: {Closed, Open, Cancelled}, Drawn: {Drawn}, Cancelled: {Cancelled},
	}
	for from, to := range allowed {
		for _, next := range all {
			if got, want := from.CanBecome(next), strings.Contains(fmt.Sprint(to), string(next)); got != want {
				t.Errorf("%s to %s: %v", from, next, got)
			}
		}
	}
	if Status("sealed").CanBecome(Open) || ParseStatus("published") != Open || ParseStatus("closed") != Closed {
		t.Error("unknown and old names are misread")
	}
}

func TestStatusAtAMoment(t *testing.T) {
	t.Parallel()
	due := time.Date(2030, 12, 24, 20, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status Status
		drawAt *time.Time
		now    time.Time
		want   Status
	}{
		{Open, nil, due, Open},
		{Open, &due, due.Add(-time.Microsecond), Open},
		{Open, &due, due, Closed},
		{Draft, &due, due.Add(time.Hour), Draft},
		{Drawn, &due, due.Add(time.Hour), Drawn},
		{Cancelled, &due, due.Add(time.Hour), Cancelled},
	} {
		if got := c.status.At(c.now, c.drawAt); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for number := range 1100 {
		for padding := range 7 {
			if got, want := string(AppendLabel(nil, number, padding)), fmt.Sprintf("%0*d", padding, number); got != want {
				t.Fatalf("%d padded to %d: got %q, want %q", number, padding, got, want)
			}
		}
	}
	if NumberEnd(0, 100) != 99 || NumberEnd(1, 1) != 1 {
		t.Error("a board of n numbers ends n - 1 behind its start")
	}
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"COP", "USD", "AED", "ZWG"} {
		if !KnownCurrency(code) {
			t.Errorf("%s is refused", code)
		}
	}
	for _, code := range []string{"", "cop", "CO", "XXX", "OP ", " CO", "COPUSD", "P U"} {
		if KnownCurrency(code) {
			t.Errorf("%q is taken for a currency", code)
		}
	}
}
