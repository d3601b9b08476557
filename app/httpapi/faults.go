package httpapi

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/rifaapp/rifaapp/app/raffle"
)

const (
	requiredPrefix = "required field "
	formPrefix     = "form of "
	maxLocation    = 200 // characters of a location; the client chooses the names of unknown fields
)

const badTime = "must be a time such as 2030-01-31T18:00:00Z (RFC 3339, with an offset)"

// settle replaces what huma keeps in package variables: its error body, its wording, and its
// leniency about the case of field names. Once per process.
var settle = sync.OnceFunc(func() {
	huma.NewError = func(status int, message string, faults ...error) huma.StatusError {
		return faultProblem(status, message, faults)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, faults ...error) huma.StatusError {
		p := faultProblem(status, message, faults)
		if x := exchangeFrom(ctx.Context()); x != nil {
			_ = p.complete(x)
		}
		return p
	}
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	validation.MsgUnexpectedProperty = "is not a field of this object"
	validation.MsgExpectedRequiredProperty = requiredPrefix + "%s"
	validation.MsgExpectedRFC3339DateTime = badTime
	validation.MsgExpectedRFC5322Email = "must be an e-mail address%.0s" // the reason would repeat the value
	validation.MsgExpectedRFC4122UUID = "must be a UUID%.0s"
	validation.MsgExpectedMatchExactlyOneSchema = "has the wrong form"
	validation.MsgExpectedMatchAtLeastOneSchema = "has the wrong form"
	validation.MsgExpectedBoolean = "must be true or false"
	validation.MsgExpectedNumber = "must be a number"
	validation.MsgExpectedInteger = "must be a whole number"
	validation.MsgExpectedString = "must be a text"
	validation.MsgExpectedArray = "must be an array"
	validation.MsgExpectedObject = "must be an object"
	validation.MsgExpectedArrayItemsUnique = "must not repeat an entry"
	validation.MsgExpectedOneOf = `must be one of "%s"`
	validation.MsgExpectedMinimumNumber = "must be at least %.15g"
	validation.MsgExpectedExclusiveMinimumNumber = "must be more than %.15g"
	validation.MsgExpectedMaximumNumber = "must be at most %.15g" // %v would write 1e+09
	validation.MsgExpectedExclusiveMaximumNumber = "must be less than %.15g"
	validation.MsgExpectedMinLength = "must have at least %d characters"
	validation.MsgExpectedMaxLength = "must have at most %d characters"
	validation.MsgExpectedBePattern = "must be %s"
	validation.MsgExpectedMatchPattern = "must match the pattern %s"
	validation.MsgExpectedMinItems = "must have at least %d entries"
	validation.MsgExpectedMaxItems = "must have at most %d entries"
})

// faultProblem makes the problem for what huma found or a handler returned. Values and texts of
// unknown errors stay inside.
func faultProblem(status int, message string, faults []error) *Problem {
	if len(faults) == 1 {
		if failed, ok := errors.AsType[failure](faults[0]); ok {
			return problemOf(failed.error)
		}
	}
	p := newProblem(codeOf(status), "")
	switch {
	case p.Code == string(raffle.CodeInvalid):
		p.Errors = fields(faults)
	case p.Code == string(codeUnreadableBody):
		p.Detail = whyUnreadable(message, faults)
	case p.Status >= 500:
		p.cause = errors.Join(append([]error{errors.New(message)}, faults...)...)
	}
	return p
}

func whyUnreadable(message string, faults []error) string {
	if len(faults) > 0 {
		if detail, ok := errors.AsType[*huma.ErrorDetail](faults[len(faults)-1]); ok {
			return detail.Message
		}
	}
	if strings.Contains(message, "required") {
		return "The body is empty; send a JSON object."
	}
	return "The body could not be read."
}

func fields(faults []error) []ProblemField {
	list := make([]ProblemField, 0, min(len(faults), maxFaults))
	for _, fault := range faults[:min(len(faults), maxFaults)] {
		list = append(list, field(fault))
	}
	return list
}

func field(fault error) ProblemField {
	detail, ok := errors.AsType[*huma.ErrorDetail](fault)
	if !ok {
		return ProblemField{Location: "body", Message: "breaks a rule"}
	}
	f := ProblemField{Location: detail.Location, Message: detail.Message}
	if name, missing := strings.CutPrefix(f.Message, requiredPrefix); missing {
		f.Location, f.Message = f.Location+"."+name, "is required"
	}
	if name, odd := strings.CutPrefix(f.Message, formPrefix); odd {
		f.Location, f.Message = f.Location+name, "has the wrong form or is out of range"
	}
	if len(f.Location) > maxLocation {
		f.Location = strings.ToValidUTF8(f.Location[:maxLocation], "") + "…"
	}
	f.Message = plainMessage(f.Message)
	return f
}

// plainMessage rewords the messages of huma that cannot be replaced beforehand.
func plainMessage(message string) string {
	switch {
	case strings.HasPrefix(message, "invalid value: invalid UUID"), strings.HasPrefix(message, "invalid value: invalid urn"):
		return "must be a UUID"
	case strings.HasPrefix(message, "invalid value: "):
		return "has the wrong form"
	case message == "invalid integer":
		return "must be a whole number"
	case message == "invalid boolean":
		return "must be true or false"
	case message == "unknown query parameter":
		return "is not a parameter of this address"
	case strings.HasPrefix(message, "required ") && strings.HasSuffix(message, " parameter is missing"):
		return "is required"
	}
	return message
}

// bodyFault rewords an error of encoding/json, which would name Go types and repeat values.
func bodyFault(err error) error {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name := kind.Field
		if name != "" {
			name = "." + name
		}
		return unreadable(formPrefix + name)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return unreadable("is not valid JSON")
	}
	if refused, ok := errors.AsType[*raffle.Error](err); ok {
		return unreadable(refused.Detail)
	}
	return unreadable("has a field of the wrong form")
}
