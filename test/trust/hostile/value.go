package hostile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// maker makes up values: its choices follow from its seed.
type maker struct {
	*rand.Rand
	d      *description
	known  *known
	secret func(name string) string // a canary
}

// secrets are the canaries that a property of a name is given.
var secrets = map[string][]string{
	"email":             {"organiser e-mail", "buyer e-mail 1", "buyer e-mail 2", "buyer e-mail 3"},
	"name":              {"organiser name", "buyer name 1", "buyer name 2"},
	"password":          {"organiser password", "buyer password 1", "wrong password"},
	"payment_reference": {"payment reference"},
}

// oneIn is true once in n times.
func (m maker) oneIn(n int) bool { return m.IntN(n) == 0 }

func pick[T any](m maker, list ...T) T { return list[m.IntN(len(list))] }

// valid makes a value that the schema allows, as far as the schema says.
func (m maker) valid(schema map[string]any, depth int) any {
	schema = m.d.resolve(schema)
	if list, ok := schema["enum"].([]any); ok {
		return pick(m, list...)
	}
	if list, ok := schema["examples"].([]any); ok && m.oneIn(3) {
		return pick(m, list...)
	}
	for _, choice := range []string{"oneOf", "anyOf"} {
		if list, ok := schema[choice].([]any); ok {
			return m.valid(object(pick(m, list...)), depth)
		}
	}
	kind, ok := schema["type"].(string)
	if !ok {
		kinds, _ := schema["type"].([]any)
		if len(kinds) == 0 {
			return "text"
		}
		kind = text(pick(m, kinds...))
	}
	switch kind {
	case "object":
		return m.object(schema, depth)
	case "array":
		return m.array(schema, depth)
	case "integer":
		return m.integer(schema)
	case "number":
		return float64(m.integer(schema)) + 0.5
	case "boolean":
		return m.oneIn(2)
	case "null":
		return nil
	}
	return m.text(schema)
}

func (m maker) object(schema map[string]any, depth int) any {
	made := map[string]any{}
	required, _ := schema["required"].([]any)
	_, person := object(schema["properties"])["email"] // names of other things are public
	for name, property := range object(schema["properties"]) {
		needed := false
		for _, r := range required {
			needed = needed || r == name
		}
		if needed || depth < 4 && m.oneIn(2) {
			made[name] = m.property(name, object(property), depth+1)
			if list := secrets[name]; list != nil && (name != "name" || person) && m.oneIn(2) {
				made[name] = m.secret(pick(m, list...))
			}
		}
	}
	return made
}

// property prefers what exists where a name says what is meant, so that requests get somewhere.
func (m maker) property(name string, schema map[string]any, depth int) any {
	if name == "total_tickets" && !m.oneIn(40) {
		return 1 + m.IntN(300) // a board of 100 000 takes a hundred times as long to check
	}
	if !m.oneIn(4) {
		if id := m.known.any(m.Rand, name); id != "" {
			return id
		}
		if name == "numbers" {
			return []any{m.IntN(200)}
		}
	}
	return m.valid(schema, depth)
}

func (m maker) array(schema map[string]any, depth int) any {
	list := []any{}
	for range 1 + m.IntN(3) {
		list = append(list, m.valid(object(schema["items"]), depth+1))
	}
	return list
}

func (m maker) integer(schema map[string]any) int64 {
	low, high := int64(0), int64(1000)
	if v, ok := schema["minimum"]; ok {
		low = whole(v)
		high = low + 1000
	}
	if v, ok := schema["maximum"]; ok {
		high = max(low, whole(v))
	}
	if m.oneIn(4) {
		return pick(m, low, high)
	}
	return low + m.Int64N(high-low+1)
}

func whole(v any) int64 {
	n, _ := v.(json.Number)
	f, _ := n.Float64()
	return int64(f)
}

func (m maker) text(schema map[string]any) string {
	switch schema["format"] {
	case "uuid":
		if id := m.known.any(m.Rand, "id"); id != "" && !m.oneIn(4) {
			return id
		}
		return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", m.Uint32(), m.IntN(1<<16), m.IntN(1<<12), m.IntN(1<<12), m.Int64N(1<<48))
	case "date-time":
		return fmt.Sprintf("20%02d-01-15T14:30:00Z", 30+m.IntN(60))
	case "email":
		return fmt.Sprintf("g%d@example.com", m.Uint32())
	}
	low, high := 0, 40
	if v, ok := schema["minLength"]; ok {
		low = int(whole(v))
		high = low + 40
	}
	if v, ok := schema["maxLength"]; ok {
		high = max(low, int(whole(v)))
	}
	length := low + m.IntN(high-low+1)
	if m.oneIn(4) {
		length = pick(m, low, high)
	}
	return strings.Repeat(pick(m, "a", "ñ", "語", "k7#pQz!2"), length)
}

// hostileJSON are values that break programs, as they stand in a body.
var hostileJSON = []string{
	"null", "true", "0", "-1", "1.5", "1e400", "-1e-400", "99999999999999999999999999", "9223372036854775808", "-9223372036854775809", "2147483648",
	`""`, `" "`, `"\u0000"`, `"\ud800"`, `"a\u0000b"`, "\"\xff\xfe\"", `"' OR 1=1 --"`, `"<script>alert(1)</script>"`, `"../../etc/passwd"`, `"%00"`,
	`"2030-02-30T00:00:00Z"`, `"0000-00-00T00:00:00Z"`, `"9999-12-31T23:59:59.999999999Z"`, `"-0001-01-01T00:00:00Z"`, `"NaN"`, `"Infinity"`,
	"[]", "{}", "[null]", "[[]]", `{"a":{"b":{}}}`, "[1,1]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51]",
	`"\u202e\u0007\u001b[31m"`, `"ﷺ"`, `"00000000-0000-0000-0000-000000000000"`, `"urn:uuid:0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"`, `"{0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6}"`,
	`"1e5"`, `"0x10"`, `"1_000"`, `"５"`, "1.000000000000000000000000000000000001", "100000000.00", `"99999999.995"`,
}

// hostileText are values for paths, queries and headers.
var hostileText = []string{
	"", " ", "0", "-1", "99999999999999999999999999", "1.5", "1e9", "NaN", "null", "undefined", "%00", "\x00", "\xff", "' OR 1=1 --", "<script>", "..", "../..", ".",
	"0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6", "0192F7A8-C4D1-7E55-A3E4-B1F0C9D8E7F6", "0192f7a8c4d17e55a3e4b1f0c9d8e7f6", "00000000-0000-0000-0000-000000000000", "true", "[]", "a,b",
	"ñ", "語", "\u202e", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "open", "published", "sold", "*",
}
