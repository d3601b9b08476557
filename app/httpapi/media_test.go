package httpapi

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
)

func TestAcceptsProblem(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/*": false, "application/json": false,
		"application/problem+json": true, "APPLICATION/Problem+JSON": true, "application/json, application/problem+json": true,
		"application/problem+json;q=0.1": true, "application/problem+json; q=0": false, "application/problem+json;q=x": false,
		"application/problem+json; charset=utf-8; q=1.000": true, "text/html,application/problem+json;q=0.9,*/*;q=0.8": true, "application/problem+jsonx": false,
	} {
		if got := acceptsProblem(accept); got != want {
			t.Errorf("%q: got %v", accept, got)
		}
	}
}

// Whatever a client sends, negotiation answers without a panic, and a weight of zero always refuses.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"gzip;q=0.5, *;q=0", "application/problem+json;q=1", ";,;q=", "a;q=NaN", "gzip;q=0;q=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		acceptsProblem(header)
		isJSON(header)
		tagMatches(header, `"x"`)
		if accepts(header, "gzip") && !strings.Contains(header, "*") && !strings.Contains(strings.ToLower(header), "gzip") {
			t.Errorf("%q does not allow gzip", header)
		}
		if q := quality(header); math.IsNaN(q) || q < 0 || q > 1 {
			t.Errorf("%q weighs %v", header, q)
		}
		if accepts("gzip;q=0,"+header, "gzip") {
			t.Errorf("%q allows what was refused before", header)
		}
	})
}

// Bodies of any bytes are either read or refused in words of ours, and quickly as strictly.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"x",null,true,1e999]}`, `{"a":1,"a":2}`, "\xff", `"\u0000"`, strings.Repeat("[", 100), `{"a" 1}`, `[1,]`, `"\ud800"`,
		`{"a":{"b:":"\\\":"},"\u0061":2}`, `{"a":{"b":1},"b":[{"b":2}]}`, strings.Repeat("[", 32) + strings.Repeat("]", 32),
		strings.Repeat("[", 33) + strings.Repeat("]", 33), `{"\u0000":1}`, ` {"a" : ":" } `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, err := parseJSON(body)
		if err != nil {
			if _, ours := errors.AsType[unreadable](err); !ours {
				t.Errorf("%q: %v", body, err)
			}
		}
		if strictly, strictErr := parseStrictly(body); (err == nil) != (strictErr == nil) || !reflect.DeepEqual(value, strictly) {
			t.Errorf("%q: %#v, %v; strictly %#v, %v", body, value, err, strictly, strictErr)
		}
	})
}

// A board's tag of any characters is refused, or read as it would be written.
func FuzzClockTag(f *testing.F) {
	raffle := uuid.MustParse("0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6")
	good := clockTag(query.CompactBoard{RaffleID: raffle, Clock: query.BoardClock{Slots: []int64{7, 0, 99}, Ended: 5}}, true)
	for _, seed := range []string{good, "W/" + good, gzipTag(good), `"c9d8e7f6.1.-1.o"`, `"c...."`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		clock, ok := parseClockTag(raffle, tag)
		if !ok {
			return
		}
		again, ok := parseClockTag(raffle, clockTag(query.CompactBoard{RaffleID: raffle, Clock: clock}, false))
		if !ok || again.Ended != clock.Ended || !slices.Equal(again.Slots, clock.Slots) {
			t.Errorf("%q is read as %v, and written again as %v", tag, clock, again)
		}
	})
}
