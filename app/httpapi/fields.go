package httpapi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// amount is money as it comes in: a JSON number or a string with at most two decimals, read digit by
// digit. It goes out as raffle.Money's text.
type amount struct {
	value raffle.Money
	fault error
}

// UnmarshalJSON keeps a fault for Resolve, so that it is reported beside the others. What is neither
// a number nor a string breaks the schema, which says so itself.
func (a *amount) UnmarshalJSON(data []byte) error {
	text := string(data)
	switch data[0] {
	case 'n', 't', 'f', '[', '{':
		return nil
	case '"':
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	default:
		text = strings.TrimSuffix(plainNumber(text), ".")
	}
	a.value, a.fault = raffle.ParseMoney(text)
	return nil
}

// Schema describes both forms.
func (amount) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "Money: a number or a string with at most two decimals, never rounded.",
		OneOf:       []*huma.Schema{{Type: huma.TypeNumber}, {Type: huma.TypeString, MaxLength: new(32)}},
		Examples:    []any{"5000.00"},
	}
}

// Resolve reports what UnmarshalJSON found.
func (a *amount) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	if a.fault == nil {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: prefix.String(), Message: a.fault.Error()}}
}

// instant is a time as it comes in. time.Time's own reading takes spellings that RFC 3339 does not have.
type instant struct {
	value time.Time
	fault string
}

// UnmarshalJSON keeps a fault for Resolve. What is not a text, or far from a time, breaks the schema, which says so
// itself.
func (i *instant) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil //nolint:nilerr // see above
	}
	var err error
	if i.value, err = time.Parse(time.RFC3339, text); err == nil {
		if _, err = draw.ParseTime(text); err != nil {
			i.fault = badTime
		}
	}
	return nil
}

// Schema is that of a time.
func (instant) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[time.Time](), true, "")
}

// Resolve reports what UnmarshalJSON found.
func (i *instant) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	if i.fault == "" {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: prefix.String(), Message: i.fault}}
}

// time is nil for none.
func (i *instant) time() *time.Time {
	if i == nil {
		return nil
	}
	return &i.value
}

// patch is a field of a PATCH body that tells "not sent" from "null".
type patch[T any] struct {
	sent  bool
	value *T
}

// UnmarshalJSON is called only for fields that were sent.
func (p *patch[T]) UnmarshalJSON(data []byte) error {
	p.sent = true
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	p.value = new(T)
	return json.Unmarshal(data, p.value)
}

// Schema is that of the value; struct tags add to it.
func (patch[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, "")
}

// Resolve reports what the value's own UnmarshalJSON found.
func (p *patch[T]) Resolve(ctx huma.Context, prefix *huma.PathBuffer) []error {
	if value, ok := any(p.value).(huma.ResolverWithPath); ok && p.value != nil {
		return value.Resolve(ctx, prefix)
	}
	return nil
}

// change hands the field to a command.
func (p patch[T]) change() command.Change[T] {
	return command.Change[T]{Sent: p.sent, Value: p.value}
}
