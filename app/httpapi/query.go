package httpapi

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// checkQuery refuses what no parameter may carry: broken escapes, bad UTF-8, NUL characters. Plain
// ASCII without escapes, the usual case, costs one pass.
func checkQuery(raw string) *Problem {
	if !strings.Contains(raw, "%") && utf8.ValidString(raw) && strings.IndexByte(raw, 0) < 0 {
		return nil
	}
	text, err := url.QueryUnescape(raw)
	if err == nil && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return nil
	}
	return refusedProblem(raffle.Invalid(raffle.FieldError{
		Location: "query", Message: "must be percent-encoded UTF-8 without NUL characters",
	}))
}
