package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
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

func plainInteger(value any) any {
	switch value := value.(type) {
	case json.Number:
		if plain := strings.TrimRight(plainNumber(value.String()), "0"); strings.HasSuffix(plain, ".") {
			return json.Number(strings.TrimSuffix(plain, "."))
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

// maxShift is how far an exponent may move the point: no field takes numbers of so many digits.
const maxShift = 30

// plainNumber writes a JSON number with a point and without an exponent, digit by digit: no float is near enough to
// money. A number whose exponent is out of bounds stays as it is.
func plainNumber(number string) string {
	mantissa, exponent := number, ""
	if at := strings.IndexAny(number, "eE"); at >= 0 {
		mantissa, exponent = number[:at], number[at+1:]
	}
	shift, err := strconv.Atoi(cmp.Or(exponent, "0"))
	if err != nil || shift < -maxShift || shift > maxShift {
		return number
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	whole = strings.Repeat("0", max(0, -shift)) + whole
	fraction += strings.Repeat("0", max(0, shift))
	digits, point := whole+fraction, len(whole)+shift
	whole = cmp.Or(strings.TrimLeft(digits[:point], "0"), "0")
	if negative {
		whole = "-" + whole
	}
	return whole + "." + digits[point:]
}
