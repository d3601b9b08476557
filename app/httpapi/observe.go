package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Observation is what one request came to, for metrics and traces. It carries no ids but the
// caller's and the request's; that of the request is all that the client may have written.
type Observation struct {
	Method       string // OTHER for one that HTTP does not know: its names would be as many as a client likes
	Route        string // the pattern, e.g. /rifaapp/v2/raffles/{id}; "unmatched" for an unknown address
	Status       int    // 499 when the client left before the answer
	Duration     time.Duration
	DatabaseWait time.Duration // for connections and answers
	Passwords    time.Duration // for their turn and their hashes; 0 where none is checked
	Bytes        int           // of the body as sent
	Code         string        // of the problem, or ""
	RequestID    string        // the client's X-Request-Id, of at most 128 plain characters, or ours
	UserID       uuid.UUID     // uuid.Nil for an anonymous caller
}

// statusClientLeft is what nginx made the custom for a client that hung up.
const statusClientLeft = 499

func (a *API) observe(ctx context.Context, x *exchange, size int) {
	o := Observation{
		Method: knownMethod(x.method), Route: x.pattern, Status: x.status, Duration: a.now().Sub(x.started), Bytes: size,
		Code: x.code, RequestID: x.requestID, UserID: x.user,
	}
	if x.wait != nil {
		o.DatabaseWait = x.wait.Duration()
	}
	if x.passwords != nil {
		o.Passwords = *x.passwords
	}
	if x.status >= http.StatusInternalServerError && ctx.Err() == context.Canceled {
		o.Status = statusClientLeft
	}
	var more []slog.Attr
	if a.options.Observe != nil {
		more = a.options.Observe(ctx, o)
	}
	a.log(ctx, o, x.fault, more)
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "OTHER"
}
