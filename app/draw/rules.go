package draw

import (
	"bytes"
	"encoding/json"
	"time"
)

// Method is where the entropy of a draw comes from.
type Method string

// The methods of the protocol.
const (
	MethodBeacon       Method = "beacon"        // a drand quicknet round fixed by the seal
	MethodCommitReveal Method = "commit_reveal" // a secret committed at publication
	MethodLottery      Method = "lottery"       // the published result of an official lottery
)

// Exclude is what leaves the list once it has won.
type Exclude string

// What a pick removes from the list.
const (
	ExcludeTicket      Exclude = "ticket"      // the number: somebody with several may win several prizes
	ExcludeParticipant Exclude = "participant" // all numbers of the winner
)

// Limits of a rules document.
const (
	MaxPrizes     = 100
	MaxAlternates = 100
	MaxPrizeName  = 120 // characters
)

// RulesInput is what an organiser decides before sales open.
type RulesInput struct {
	Method      Method
	NumberStart int       // the first number of the board
	Total       int       // how many numbers the board has
	Padding     *int      // digits of a label, or nil
	Prizes      []string  // names in draw order; none is one prize without a name
	Alternates  int       // per prize
	Exclude     Exclude   // empty is ExcludeTicket
	DrawAt      time.Time // zero when the draw has no date; a fraction of a second is rounded up
	Lottery     *Lottery  // for MethodLottery only
}

// Rules are what the verifier reads back from a rules document.
type Rules struct {
	RulesInput
	PrizeCount   int
	LotteryBlock []byte // the member "lottery" exactly as it is spelled in the document; nil without one
}

// The document's members, in the order they are written.
type rulesDocument struct {
	Version    int             `json:"v"`
	Method     Method          `json:"method"`
	Numbers    json.RawMessage `json:"numbers"`
	Prizes     int             `json:"prizes"`
	PrizeNames []string        `json:"prize_names,omitempty"`
	Alternates int             `json:"alternates"`
	Exclude    Exclude         `json:"exclude"`
	DrawAt     *string         `json:"draw_at"`
	Lottery    json.RawMessage `json:"lottery,omitempty"`
}

type numbersDocument struct {
	Start   int  `json:"start"`
	Total   int  `json:"total"`
	Padding *int `json:"padding,omitempty"`
}

// BuildRules writes the rules document. Store these bytes and serve them as they are: their SHA-256
// is what everything later refers to, and encoding them again may change them. The error is Faults,
// one for each field that breaks a rule.
func BuildRules(in RulesInput) ([]byte, error) {
	if in.Exclude == "" {
		in.Exclude = ExcludeTicket
	}
	if len(in.Prizes) == 0 {
		in.Prizes = []string{""}
	}
	if faults := in.check(); faults != nil {
		return nil, faults
	}
	doc := rulesDocument{
		Version: 1, Method: in.Method, Prizes: len(in.Prizes), Alternates: in.Alternates, Exclude: in.Exclude,
		Numbers: encode(numbersDocument{Start: in.NumberStart, Total: in.Total, Padding: in.Padding}),
	}
	for _, name := range in.Prizes {
		if name != "" {
			doc.PrizeNames = in.Prizes
		}
	}
	if !in.DrawAt.IsZero() {
		at := ceilSecond(in.DrawAt).Format(time.RFC3339)
		doc.DrawAt = &at
	}
	if in.Lottery != nil {
		doc.Lottery = encode(in.Lottery)
	}
	return encode(doc), nil
}

// encode writes compact JSON that spells <, > and & as themselves. It is given our own structs only,
// which always encode.
func encode(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func ceilSecond(t time.Time) time.Time {
	if t.Nanosecond() > 0 {
		t = t.Truncate(time.Second).Add(time.Second)
	}
	return t.UTC()
}

// check names every fault of the rules.
func (in RulesInput) check() error {
	var f Faults
	f.when(in.Method != MethodBeacon && in.Method != MethodCommitReveal && in.Method != MethodLottery,
		"method", "must be beacon, commit_reveal or lottery")
	f.when(in.NumberStart < 0, "number_start", "must be 0 or more")
	f.when(in.Total < 1 || in.Total > MaxEntries, "total_tickets", "must be from 1 to 100000")
	f.when(in.Padding != nil && (*in.Padding < 1 || *in.Padding > 6), "number_padding", "must be from 1 to 6, or null")
	f.when(len(in.Prizes) < 1 || len(in.Prizes) > MaxPrizes, "prizes", "must be from 1 to 100 prizes")
	f.when(in.Alternates < 0 || in.Alternates > MaxAlternates, "alternates", "must be from 0 to 100 for each prize")
	f.when(in.Exclude != ExcludeTicket && in.Exclude != ExcludeParticipant, "exclude", "must be ticket or participant")
	f.prizeNames(in.Prizes)
	if !in.DrawAt.IsZero() {
		year := ceilSecond(in.DrawAt).Year()
		f.when(year < 2000 || year > 9999, "draw_at", "must be a date from 2000 to 9999")
	}
	f.lottery(in)
	return f.err()
}
