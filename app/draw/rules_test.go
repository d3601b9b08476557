package draw

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func intp(n int) *int { return &n }

func TestRulesAreWrittenAndReadBack(t *testing.T) {
	t.Parallel()
	bogota := time.FixedZone("", -5*3600)
	for name, row := range map[string]struct {
		in   RulesInput
		want string
	}{
		"least": {
			RulesInput{Method: MethodBeacon, NumberStart: 1, Total: 100},
			`{"v":1,"method":"beacon","numbers":{"start":1,"total":100},"prizes":1,"alternates":0,"exclude":"ticket","draw_at":null}`,
		},
		"most": {
			RulesInput{
				Method: MethodCommitReveal, Total: 1000, Padding: intp(3), Prizes: []string{"Moto <125cc> & casco", "TV"}, Alternates: 2,
				Exclude: ExcludeParticipant, DrawAt: time.Date(2026, 12, 24, 20, 0, 0, 1, bogota),
			},
			`{"v":1,"method":"commit_reveal","numbers":{"start":0,"total":1000,"padding":3},"prizes":2,"prize_names":["Moto <125cc> & casco","TV"],"alternates":2,"exclude":"participant","draw_at":"2026-12-25T01:00:01Z"}`,
		},
		"lottery": {
			rulesFor(MethodLottery),
			`{"v":1,"method":"lottery","numbers":{"start":0,"total":100},"prizes":1,"prize_names":["Moto"],"alternates":0,"exclude":"participant","draw_at":null,"lottery":{"name":"Lotería de Boyacá","draws_at":"2023-08-23T10:59:24-05:00","time_zone":"America/Bogota","prize":"mayor","take":"last","digits":2,"on_unsold":"void","on_suspended":"void"}}`,
		},
	} {
		document := mustRules(t, row.in)
		if string(document) != row.want {
			t.Errorf("%s: wrote\n%s, want\n%s", name, document, row.want)
		}
		rules, err := ParseRules(document)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again := mustRules(t, rules.RulesInput)
		if string(again) != row.want || rules.PrizeCount != max(1, len(row.in.Prizes)) || !reflect.DeepEqual(rules.Lottery, row.in.Lottery) {
			t.Errorf("%s: read back as %+v", name, rules)
		}
		if rules.Lottery != nil && !strings.Contains(row.want, string(rules.LotteryBlock)) {
			t.Errorf("%s: lottery block %s", name, rules.LotteryBlock)
		}
	}
}

func TestBuildRulesNamesEveryFault(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ñ", MaxPrizeName+1)
	for field, change := range map[string]func(*RulesInput){
		"method":         func(r *RulesInput) { r.Method = "dice" },
		"number_start":   func(r *RulesInput) { r.NumberStart = -1 },
		"total_tickets":  func(r *RulesInput) { r.Total = MaxEntries + 1 },
		"number_padding": func(r *RulesInput) { r.Padding = intp(7) },
		"prizes":         func(r *RulesInput) { r.Prizes = make([]string, MaxPrizes+1) },
		"prizes[1]":      func(r *RulesInput) { r.Prizes[1] = long },
		"prizes[0]":      func(r *RulesInput) { r.Prizes[0] = "a\x00b" },
		"alternates":     func(r *RulesInput) { r.Alternates = -1 },
		"exclude":        func(r *RulesInput) { r.Exclude = "city" },
		"draw_at":        func(r *RulesInput) { r.DrawAt = time.Unix(-1<<40, 0) },
		"lottery":        func(r *RulesInput) { r.Lottery = &lotteryBlock },
	} {
		in := rulesFor(MethodBeacon)
		change(&in)
		expectFault(t, in, field)
	}
	for field, change := range map[string]func(*RulesInput){
		"lottery":              func(r *RulesInput) { r.Lottery = nil },
		"prizes":               func(r *RulesInput) { r.Prizes = []string{"a", "b"} },
		"alternates":           func(r *RulesInput) { r.Alternates = 1 },
		"lottery.name":         func(r *RulesInput) { r.Lottery.Name = "" },
		"lottery.prize":        func(r *RulesInput) { r.Lottery.Prize = long },
		"lottery.take":         func(r *RulesInput) { r.Lottery.Take = "middle" },
		"lottery.digits":       func(r *RulesInput) { r.Lottery.Digits = 1 }, // one digit cannot tell 100 numbers apart
		"lottery.draws_at":     func(r *RulesInput) { r.Lottery.DrawsAt = "2026-12-05" },
		"lottery.time_zone":    func(r *RulesInput) { r.Lottery.TimeZone = "" },
		"lottery.on_unsold":    func(r *RulesInput) { r.Lottery.OnUnsold = "" },
		"lottery.on_suspended": func(r *RulesInput) { r.Lottery.OnSuspended = "repeat_next_draw" },
	} {
		in := rulesFor(MethodLottery)
		change(&in)
		expectFault(t, in, field)
	}
}

func expectFault(t *testing.T, in RulesInput, field string) {
	t.Helper()
	_, err := BuildRules(in)
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Field != field {
		t.Errorf("%s: %v", field, err)
	}
}

func TestParseRulesIsStrict(t *testing.T) {
	t.Parallel()
	good := string(mustRules(t, rulesFor(MethodLottery)))
	for name, change := range map[string][2]string{
		"not an object":              {good, `[]`},
		"nothing":                    {good, ``},
		"cut":                        {good, good[:len(good)-1]},
		"more after it":              {good, good + `{}`},
		"a member twice":             {`"v":1`, `"v":1,"v":1`},
		"an unknown member":          {`"v":1`, `"v":1,"unsold":"n/a"`},
		"a member in caps":           {`"v":1`, `"V":1`},
		"a look-alike of prizes":     {`"prizes":1`, `"prizes":2,"prizeſ":1`},
		"an hour of one digit":       {`"draw_at":null`, `"draw_at":"2026-12-24T2:00:00Z"`},
		"a comma in draw_at":         {`"draw_at":null`, `"draw_at":"2026-12-24T20:00:00,0Z"`},
		"an offset of 60 minutes":    {`"draw_at":null`, `"draw_at":"2026-12-24T20:00:00+00:60"`},
		"an offset of a day":         {`"draw_at":null`, `"draw_at":"2026-12-24T20:00:00+24:00"`},
		"another version":            {`"v":1`, `"v":2`},
		"no draw_at":                 {`"draw_at":null,`, ``},
		"draw_at in halves":          {`"draw_at":null`, `"draw_at":"2026-12-24T20:00:00.5Z"`},
		"draw_at as a date":          {`"draw_at":null`, `"draw_at":"2026-12-24"`},
		"two prizes named":           {`["Moto"]`, `["Moto","TV"]`},
		"no prize":                   {`"prizes":1`, `"prizes":0`},
		"too many prizes":            {`"prizes":1`, `"prizes":1e9`},
		"numbers twice":              {`"start":0`, `"start":0,"start":5`},
		"lottery twice":              {`"take":"last"`, `"take":"last","take":"first"`},
		"lottery incomplete":         {`,"on_suspended":"void"`, ``},
		"lottery null":               {`"lottery":{`, `"lottery":null,"x":{`},
		"bad UTF-8":                  {`Moto`, "Mo\xffto"},
		"a block without its method": {`"method":"lottery"`, `"method":"beacon"`},
	} {
		if _, err := ParseRules([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := ParseRules([]byte(good)); err != nil {
		t.Error(err)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(mustRules(f, rulesFor(MethodBeacon)))
	f.Add(mustRules(f, rulesFor(MethodLottery)))
	f.Add([]byte(vectorRules))
	f.Fuzz(func(t *testing.T, document []byte) {
		rules, err := ParseRules(document)
		if err != nil {
			return
		}
		again, err := ParseRules(mustRules(t, rules.RulesInput))
		if err != nil || again.PrizeCount != rules.PrizeCount || again.Alternates != rules.Alternates || again.Exclude != rules.Exclude {
			t.Fatalf("%q reads as %+v, and written again as %+v (%v)", document, rules, again, err)
		}
	})
}
