package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Problem is the body of every error: RFC 9457 problem details with our own members.
type Problem struct {
	_         struct{}       `additionalProperties:"true"`
	Type      string         `json:"type" format:"uri-reference" doc:"Where the code is explained." example:"/rifaapp/redoc#numbers_unavailable"`
	Title     string         `json:"title" doc:"What the code means; the same for every occurrence." example:"Numbers unavailable"`
	Status    int            `json:"status" minimum:"400" maximum:"599" doc:"The HTTP status." example:"409"`
	Detail    string         `json:"detail" doc:"One sentence for a person." example:"Some of these numbers are held or sold; choose others."`
	Code      string         `json:"code" pattern:"^[a-z_]+$" doc:"Stable name of the refusal, for programs." example:"numbers_unavailable"`
	RequestID string         `json:"request_id" doc:"Also in X-Request-Id, save that a replayed answer keeps the first request's; quote it when you report a fault." example:"0192f7a8c4d17e55a3e4b1f0c9d8e7f6"`
	Errors    []ProblemField `json:"errors,omitempty" doc:"One entry per bad field."`

	members    map[string]any
	retryAfter time.Duration
	cause      error  // what went wrong inside, for the log and for EXPOSE_ERRORS
	media      string // that the client asks for
}

// ProblemField says which field breaks which rule; it never repeats the value.
type ProblemField struct {
	Location string `json:"location" doc:"The field: body.…, query.…, path.… or header.…" example:"body.numbers[0]"`
	Message  string `json:"message" doc:"The rule that it breaks." example:"must be at least 1"`
}

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
	mediaBinary  = "application/octet-stream"
	mediaHTML    = "text/html"

	retryUnavailable = 2 * time.Second
	maxFaults        = 100 // entries in errors; more help nobody
)

// Error makes a Problem an error; the text is for logs.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the HTTP status, as huma wants to know it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type that the client's Accept asked for.
func (p *Problem) ContentType(string) string { return cmp.Or(p.media, mediaJSON) }

// newProblem makes the problem of a code; an empty detail takes the code's own sentence.
func newProblem(code raffle.Code, detail string) *Problem {
	r, known := refusals[code]
	if !known {
		code, r = codeInternal, refusals[codeInternal]
	}
	if detail == "" || r.status >= 500 {
		detail = r.sentence
	}
	return &Problem{Type: explained(string(code)), Title: r.title, Status: r.status, Detail: detail, Code: string(code)}
}

// explained is where the documentation explains a code.
func explained(code string) string { return root + "/redoc#" + code }

// problemOf maps any error of a command or a query to the answer for the client. Errors that are no
// refusals become 503 when the database is at fault and 500 otherwise, without their text.
func problemOf(err error) *Problem {
	if refused, ok := errors.AsType[*raffle.Error](err); ok {
		return refusedProblem(refused)
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	code := codeInternal
	switch {
	case postgres.NotMigrated(err):
		code = codeNotReady
	case errors.Is(err, postgres.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code = codeUnavailable
	}
	p := newProblem(code, "")
	p.cause = err
	if p.Status == http.StatusServiceUnavailable {
		p.retryAfter = retryUnavailable
	}
	return p
}

func refusedProblem(e *raffle.Error) *Problem {
	p := newProblem(e.Code, e.Detail)
	if p.Status >= http.StatusInternalServerError {
		p.cause = e
	}
	p.members, p.retryAfter = e.Members, e.RetryAfter
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField(f))
	}
	return p
}

// complete ties the problem to the request that it answers.
func (p *Problem) complete(x *exchange) *Problem {
	p.RequestID = x.requestID
	p.Type = x.base + explained(p.Code)
	p.media = mediaOfProblem(x.accept)
	x.code = p.Code
	if p.cause != nil {
		x.fault = p.cause
		if x.api.options.ExposeErrors {
			p.members = maps.Clone(p.members)
			if p.members == nil {
				p.members = map[string]any{}
			}
			p.members["cause"] = p.cause.Error()
		}
	}
	header := x.Header()
	if p.retryAfter > 0 {
		header.Set("Retry-After", retrySeconds(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="rifaapp"`)
	}
	header.Set("Cache-Control", "no-store")
	return p
}

// retrySeconds rounds up: a client that comes back earlier would be refused again.
func retrySeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// MarshalJSON writes the standard members first and then, by name, those of this problem.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	body, err := json.Marshal((*plain)(p))
	if err != nil || len(p.members) == 0 {
		return body, err
	}
	body = body[:len(body)-1]
	for _, name := range slices.Sorted(maps.Keys(p.members)) {
		value, err := json.Marshal(p.members[name])
		if err != nil {
			return nil, err
		}
		body = append(body, ',', '"')
		body = append(body, name...)
		body = append(body, '"', ':')
		body = append(body, value...)
	}
	return append(body, '}'), nil
}

var _ huma.StatusError = (*Problem)(nil)
