package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
)

// checkInput stops the start where huma would silently do something else than the type says: it
// passes over embedded types that are not exported, and takes any text for an id without a format.
func checkInput(t reflect.Type) { checkInputSeen(t, map[reflect.Type]bool{}) }

func checkInputSeen(t reflect.Type, seen map[reflect.Type]bool) {
	if t.Kind() != reflect.Struct || seen[t] {
		return
	}
	seen[t] = true
	for f := range t.Fields() {
		if f.Anonymous && !f.IsExported() {
			panic(fmt.Sprintf("httpapi: %s embeds %s, which huma passes over; give it an exported name", t, f.Name))
		}
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner == reflect.TypeFor[uuid.UUID]() && f.Tag.Get("format") != "uuid" {
			panic(fmt.Sprintf("httpapi: %s.%s needs the tag format:%q", t, f.Name, "uuid"))
		}
		if f.IsExported() && inner.PkgPath() != "time" {
			checkInputSeen(inner, seen)
		}
	}
}

// defaulted is a field of the body for which zero is a value of its own and the default another.
type defaulted struct {
	index []int
	key   string // its JSON name
}

// defaultedFields are those of one input type.
type defaultedFields []defaulted

// zeroDefaults finds the numbers and booleans of the body that have a default. huma fills a default
// in wherever it finds a zero, so a 0 that the client sent would become the default.
func zeroDefaults(input reflect.Type) (fields defaultedFields) {
	body, ok := input.FieldByName("Body")
	if !ok || body.Type.Kind() != reflect.Struct {
		return nil
	}
	for f := range body.Type.Fields() {
		if f.Tag.Get("default") == "" || f.Type.Kind() == reflect.Pointer || f.Type.Kind() == reflect.String {
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, defaulted{index: append(append([]int{}, body.Index...), f.Index...), key: key})
	}
	return fields
}

// restore puts back the zeros that the client sent.
func (fields defaultedFields) restore(ctx context.Context, input any) {
	raw := RawBody(ctx)
	for _, field := range fields {
		if !bytes.Contains(raw, []byte(field.key)) && bytes.IndexByte(raw, '\\') < 0 {
			continue // not sent, nor in another spelling
		}
		var sent map[string]json.RawMessage
		if err := json.Unmarshal(raw, &sent); err != nil {
			return // the body was read before; it is an object
		}
		value := reflect.ValueOf(input).Elem().FieldByIndex(field.index)
		if text, there := sent[field.key]; there && string(text) != "null" {
			_ = decode(text, value.Addr().Interface()) // it was read before
		}
	}
}
