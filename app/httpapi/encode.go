package httpapi

import (
	"encoding/json"
	"io"
	"reflect"

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
	if err := json.Unmarshal(data, v); err != nil {
		return bodyFault(err)
	}
	return nil
}
