package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

const (
	headerIdempotencyKey = "Idempotency-Key"
	headerReplayed       = "Idempotency-Replayed"
	maxIdempotencyKey    = 255
)

// storedHeaders are those of an answer that a replay repeats. The rest belongs to the exchange.
var storedHeaders = []string{"Content-Type", "Location", "Cache-Control", "Www-Authenticate"}

// keyed says whether the operation takes an Idempotency-Key: every POST under /v2 does.
func (o *operation) keyed() bool {
	return o.method == http.MethodPost && strings.HasPrefix(o.path, "/v2/")
}

// idempotencyParameter describes the header.
var idempotencyParameter = &huma.Param{
	Name: headerIdempotencyKey, In: "header",
	Description: "A text that nobody else would choose, such as a new UUID: people without a token share their keys. The same key with the same body is answered with the first answer again, " +
		"byte for byte and marked " + headerReplayed + ": true, for at least 24 hours; with another body it is refused. Keys are scoped to the caller and the address.",
	Schema: &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(maxIdempotencyKey)},
}

// once lets next answer the request under its key: it runs inside the transaction that stores its
// answer, or not at all when there is an answer already.
func (a *API) once(ctx huma.Context, x *exchange, r *http.Request, key string, next func(huma.Context)) {
	if fault := keyFault(key); fault != "" {
		x.refuse(refusedProblem(raffle.Invalid(raffle.FieldError{Location: "header." + headerIdempotencyKey, Message: fault})))
		return
	}
	request := command.KeyedRequest{Caller: callerOrNil(ctx.Context()), Route: r.Method + " " + canonicalPath(ctx), Key: key, Body: x.raw}
	answer, replayed, err := a.options.Idempotency.Once(ctx.Context(), request, func(inner context.Context) (command.Answer, error) {
		x.restart(r)
		next(huma.WithContext(ctx, inner))
		if x.status >= http.StatusInternalServerError {
			return command.Answer{}, x.fault
		}
		return x.answer(), nil
	})
	switch {
	case err != nil:
		x.refuse(problemOf(err))
	case replayed:
		x.replay(answer)
	}
}

// keyFault says which rule a key breaks; "" when it breaks none.
func keyFault(key string) string {
	switch {
	case key == "":
		return "must not be empty: leave the header out, or send a text that nobody else would choose"
	case !utf8.ValidString(key):
		return "must be UTF-8"
	case utf8.RuneCountInString(key) > maxIdempotencyKey:
		return "must have at most " + strconv.Itoa(maxIdempotencyKey) + " characters"
	}
	return ""
}

// canonicalPath is the request's path with its id as the API writes ids: an id can be written in more ways, and all
// of them are one address.
func canonicalPath(ctx huma.Context) string {
	path, written := ctx.URL().Path, ctx.Param("id")
	if uuid.Validate(written) != nil { // Parse takes what is no id
		return path
	}
	return strings.Replace(path, written, uuid.MustParse(written).String(), 1)
}

// restart makes the exchange as if the handler had not run: a transaction may be run again.
func (x *exchange) restart(r *http.Request) {
	x.body.Reset()
	x.status, x.code, x.fault = http.StatusOK, "", nil
	for _, name := range storedHeaders {
		x.Header().Del(name)
	}
	if x.raw != nil {
		r.Body = newMemoryBody(x.raw)
	}
}

// answer is what was answered, to be stored.
func (x *exchange) answer() command.Answer {
	header := map[string]string{}
	for _, name := range storedHeaders {
		if value := x.Header().Get(name); value != "" {
			header[name] = value
		}
	}
	return command.Answer{Status: x.status, Header: header, Body: append([]byte(nil), x.body.Bytes()...)}
}

func (x *exchange) replay(answer command.Answer) {
	x.body.Reset()
	x.body.Write(answer.Body)
	x.status = answer.Status
	for name, value := range answer.Header {
		x.Header().Set(name, value)
	}
	if answer.Status >= http.StatusBadRequest {
		x.Header().Set("Content-Type", mediaOfProblem(x.accept)) // this request may ask for the other one
	}
	x.Header().Set(headerReplayed, "true")
}
