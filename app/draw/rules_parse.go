package draw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Fault is one field of a draw block that breaks a rule.
type Fault struct {
	Field   string // within the draw block, such as "prizes" or "lottery.digits"
	Message string // what it must be
}

// Faults are all faults of a draw block at once.
type Faults []Fault

func (f Faults) Error() string {
	parts := make([]string, len(f))
	for i, fault := range f {
		parts[i] = fault.Field + " " + fault.Message
	}
	return strings.Join(parts, "; ")
}

func (f *Faults) when(broken bool, field, message string) {
	if broken {
		*f = append(*f, Fault{Field: field, Message: message})
	}
}

func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f *Faults) prizeNames(names []string) {
	for i, name := range names {
		if !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxPrizeName || strings.ContainsFunc(name, control) {
			f.when(true, fmt.Sprintf("prizes[%d]", i), "must have at most 120 characters, and no control characters")
		}
	}
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// ParseRules reads a rules document. It is strict, because two readers who understand one document
// differently would draw two winners: a member that is unknown, missing or named twice is an error,
// and so is anything BuildRules would refuse to write.
func ParseRules(document []byte) (Rules, error) {
	var doc rulesDocument
	if !utf8.Valid(document) {
		return Rules{}, fmt.Errorf("rules: the document is not UTF-8")
	}
	if err := decodeExact(document, &doc, "v", "method", "numbers", "prizes", "alternates", "exclude", "draw_at"); err != nil {
		return Rules{}, fmt.Errorf("rules: %w", err)
	}
	if doc.Version != 1 {
		return Rules{}, fmt.Errorf("rules: version %d is not known here; use a newer verifier", doc.Version)
	}
	var numbers numbersDocument
	if err := decodeExact(doc.Numbers, &numbers, "start", "total"); err != nil {
		return Rules{}, fmt.Errorf("rules: numbers: %w", err)
	}
	rules := Rules{PrizeCount: doc.Prizes, LotteryBlock: doc.Lottery, RulesInput: RulesInput{
		Method: doc.Method, NumberStart: numbers.Start, Total: numbers.Total, Padding: numbers.Padding,
		Prizes: doc.PrizeNames, Alternates: doc.Alternates, Exclude: doc.Exclude,
	}}
	if err := rules.finish(doc); err != nil {
		return Rules{}, fmt.Errorf("rules: %w", err)
	}
	return rules, nil
}

// finish reads the members that need more than their type, and checks the whole.
func (r *Rules) finish(doc rulesDocument) error {
	if doc.Prizes < 1 || doc.Prizes > MaxPrizes {
		return Faults{{Field: "prizes", Message: "must be from 1 to 100"}}
	}
	if doc.PrizeNames == nil {
		r.Prizes = make([]string, doc.Prizes)
	}
	if len(r.Prizes) != doc.Prizes {
		return Faults{{Field: "prize_names", Message: "must name each prize"}}
	}
	if doc.DrawAt != nil {
		at, err := ParseTime(*doc.DrawAt)
		if err != nil || at.Nanosecond() != 0 {
			return Faults{{Field: "draw_at", Message: "must be a time in whole seconds, or null"}}
		}
		r.DrawAt = at.UTC()
	}
	if doc.Lottery != nil {
		r.Lottery = new(Lottery)
		if err := decodeExact(doc.Lottery, r.Lottery, lotteryMembers...); err != nil {
			return fmt.Errorf("lottery: %w", err)
		}
	}
	return r.check()
}

// ParseTime reads a time as RFC 3339 spells it. time.Parse alone takes an hour of one digit, a comma for the point
// and offsets of a day or with 60 minutes, too, and other readers do not.
func ParseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, err
	}
	offset := text[max(0, len(text)-len("00:00")):]
	beyond := !strings.HasSuffix(text, "Z") && (offset > "23:59" || offset[len("00:"):] > "59")
	if text[len("2006-01-02T15")] != ':' || strings.Contains(text, ",") || beyond {
		return time.Time{}, fmt.Errorf("%q is no time as RFC 3339 spells it", text)
	}
	return at, nil
}

// decodeExact decodes one JSON object and nothing after it. Unlike encoding/json alone it refuses a
// name that appears twice, is unknown or differs in case, and a required one that is missing.
func decodeExact(data []byte, into any, required ...string) error {
	seen, err := memberNames(data)
	if err != nil {
		return err
	}
	for _, name := range required {
		if !seen[name] {
			return fmt.Errorf("%q is missing", name)
		}
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(into); err != nil {
		return fmt.Errorf("must be valid: %w", err)
	}
	if len(bytes.TrimSpace(data[strict.InputOffset():])) > 0 {
		return fmt.Errorf("nothing may follow the object")
	}
	return nil
}

// memberNames lists the names in a JSON object. Each must appear once, and so must those of the objects inside it:
// encoding/json would keep the last of several, and others the first. None has capitals or letters that are not
// ASCII, as none of ours does: encoding/json would match "SEAL" and "ſeal" with our "seal".
func memberNames(data []byte) (map[string]bool, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, fmt.Errorf("must be a JSON object")
	}
	if !json.Valid(data) { // which bounds the depth, too
		return nil, fmt.Errorf("must be valid JSON")
	}
	return objectNames(decoder)
}

// objectNames reads the rest of an object that has begun.
func objectNames(decoder *json.Decoder) (map[string]bool, error) {
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("must be valid JSON: %w", err)
		}
		key, _ := name.(string) // an object's key is a string
		if seen[key] {
			return nil, fmt.Errorf("%q appears twice", key)
		}
		if strings.ContainsFunc(key, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsUpper(r) }) {
			return nil, fmt.Errorf("%q is not known here", key)
		}
		seen[key] = true
		if err := checkValue(decoder); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return seen, err
}

// checkValue reads one value and checks the names of the objects in it.
func checkValue(decoder *json.Decoder) error {
	token, err := decoder.Token()
	switch {
	case err != nil:
		return fmt.Errorf("must be valid JSON: %w", err)
	case token == json.Delim('{'):
		_, err = objectNames(decoder)
		return err
	case token != json.Delim('['):
		return nil
	}
	for decoder.More() {
		if err := checkValue(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}
