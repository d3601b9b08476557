package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat is how huma reads and writes: strictly in, without HTML escapes out.
var jsonFormat = huma.Format{Marshal: encode, Unmarshal: decode}

// encode writes one JSON value and a line feed. A list without entries is [], never null.
func encode(w io.Writer, v any) error {
	if value := reflect.ValueOf(v); value.Kind() == reflect.Slice && value.IsNil() {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// decode is called by huma twice for a body: into an any, which it validates, and then into the
// operation's own type. The first call does the strict checks.
func decode(data []byte, v any) error {
	if loose, ok := v.(*any); ok {
		value, err := parseJSON(data)
		*loose = value
		return err
	}
	err := json.Unmarshal(data, v)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = json.Unmarshal(plainIntegers(data), v)
	}
	if err != nil {
		return bodyFault(err)
	}
	return nil
}

// plainIntegers writes whole numbers without a fraction or an exponent: 20.0 and 2e1 are the integer 20 (JSON
// Schema, 6.1.1), which encoding/json does not take for one. Other numbers keep their digits.
func plainIntegers(data []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return data
	}
	plain, err := json.Marshal(plainInteger(value))
	if err != nil {
		return data
	}
	return plain
}

// exactly is up to where a float64 holds every integer.
const exactly = 1 << 53

func plainInteger(value any) any {
	switch value := value.(type) {
	case json.Number:
		if f, err := value.Float64(); err == nil && strings.ContainsAny(value.String(), ".eE") && f == math.Trunc(f) && math.Abs(f) < exactly {
			return int64(f)
		}
	case []any:
		for i := range value {
			value[i] = plainInteger(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = plainInteger(value[key])
		}
	}
	return value
}
