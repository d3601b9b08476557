package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxBody  = 1 << 20 // bytes of a request
	maxDepth = 32      // nesting of arrays and objects; ours need four
)

// unreadable is the reason why a body is no JSON that we take; its text is for the client.
type unreadable string

func (u unreadable) Error() string { return string(u) }

// readBody reads at most maxBody bytes. It tells a body that is too large from one that broke off, and from
// one that left no time for anything else.
func readBody(r *http.Request) ([]byte, *Problem) {
	if r.ContentLength > maxBody {
		return nil, tooLarge(r)
	}
	inTime := r.Context().Err() == nil
	var buffer bytes.Buffer
	if r.ContentLength > 0 {
		buffer.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := buffer.ReadFrom(io.LimitReader(r.Body, maxBody+1)); err != nil {
		return nil, newProblem(codeUnreadableBody, "The body ended before it was complete.")
	}
	if buffer.Len() > maxBody {
		return nil, tooLarge(r)
	}
	if inTime && errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		return nil, newProblem(codeUnreadableBody, "The body took too long to arrive.")
	}
	return buffer.Bytes(), nil
}

// tooLarge swallows some more of the body, so that a client that writes before it reads gets to see
// the answer instead of a reset connection.
func tooLarge(r *http.Request) *Problem {
	_, _ = io.CopyN(io.Discard, r.Body, 4*maxBody)
	return newProblem(codeBodyTooLarge, "")
}

// parseJSON reads a body into maps, slices, strings and float64s, as encoding/json would, and refuses
// what it lets pass: bad UTF-8, NUL characters, a key given twice, endless nesting. Numbers beyond
// float64 become infinite, so that the field's own limits name them.
func parseJSON(data []byte) (any, error) {
	if value, ok := parsePlain(data); ok {
		return value, nil
	}
	return parseStrictly(data)
}

// parsePlain reads a body with nothing to refuse in it, which is nearly every one, in a third of the time
// that parseStrictly takes. A key that is given twice shows in there being more of them in the text than
// in the value.
func parsePlain(data []byte) (value any, ok bool) {
	if !utf8.Valid(data) || json.Unmarshal(data, &value) != nil {
		return nil, false
	}
	keys, plain := plainKeys(value, 0)
	return value, plain && keys == countKeys(data)
}

// plainKeys counts the keys of all objects in a value; not plain are NUL characters and endless nesting.
func plainKeys(value any, depth int) (keys int, plain bool) {
	switch value := value.(type) {
	case string:
		return 0, refuseNUL(value) == nil
	case map[string]any:
		keys, plain = len(value), depth < maxDepth
		for key, member := range value {
			inner, innerPlain := plainKeys(member, depth+1)
			keys, plain = keys+inner, plain && innerPlain && refuseNUL(key) == nil
		}
		return keys, plain
	case []any:
		plain = depth < maxDepth
		for _, member := range value {
			inner, innerPlain := plainKeys(member, depth+1)
			keys, plain = keys+inner, plain && innerPlain
		}
		return keys, plain
	}
	return 0, true
}

// countKeys counts the colons of valid JSON outside its texts.
func countKeys(data []byte) (keys int) {
	inText := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inText = !inText
		case c == '\\':
			i++ // only texts have it, and what follows it ends none
		case c == ':' && !inText:
			keys++
		}
	}
	return keys
}

func parseStrictly(data []byte) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, unreadable("The body is empty; send a JSON object.")
	}
	if !utf8.Valid(data) {
		return nil, unreadable("The body is not valid UTF-8.")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := parseValue(decoder, 0)
	if err != nil {
		return nil, asUnreadable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, unreadable("There is something behind the JSON value.")
	}
	return value, nil
}

func asUnreadable(err error) error {
	if u, ok := errors.AsType[unreadable](err); ok {
		return u
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return unreadable("The body is not valid JSON: it breaks off or goes wrong at byte " + strconv.FormatInt(syntax.Offset, 10) + ".")
	}
	return unreadable("The body is not valid JSON: it breaks off too early.")
}

func parseValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, unreadable("The body is nested too deeply.")
		}
		if token == '{' {
			return parseObject(decoder, depth+1)
		}
		return parseArray(decoder, depth+1)
	case json.Number:
		return parseNumber(token), nil
	case string:
		return token, refuseNUL(token)
	default:
		return token, nil
	}
}

func parseObject(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if err := refuseNUL(key); err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			return nil, unreadable("The body gives the same field twice in one object.")
		}
		if object[key], err = parseValue(decoder, depth); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
}

func parseArray(decoder *json.Decoder, depth int) (any, error) {
	array := []any{}
	for decoder.More() {
		value, err := parseValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := decoder.Token()
	return array, err
}

// parseNumber gives an infinity for what no float64 holds.
func parseNumber(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}

// refuseNUL keeps out the one character that PostgreSQL cannot store in a text.
func refuseNUL(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return unreadable("The body has a NUL character in a text.")
	}
	return nil
}

// memoryBody is a request's body that has been read already.
type memoryBody struct{ bytes.Reader }

func newMemoryBody(data []byte) *memoryBody {
	body := &memoryBody{}
	body.Reset(data)
	return body
}

// Close has nothing to let go.
func (*memoryBody) Close() error { return nil }
