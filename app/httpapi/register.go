package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// access says who may call an operation.
type access int

const (
	public   access = iota // nobody looks at tokens
	optional               // a token is checked when there is one; without, the caller is anonymous
	bearer                 // a valid token is required
	migrator               // MIGRATIONS_TOKEN, or an IAM principal that the gateway vouches for
)

// operation describes one endpoint: what huma needs to serve it and what the API description says.
type operation struct {
	method      string
	path        string // below /rifaapp, e.g. "/v2/raffles/{id}"
	id          string // operationId, kebab-case
	tag         string
	summary     string
	description string
	access      access
	status      int           // of success; 0 means 200
	refusals    []raffle.Code // beyond those that access, body, parameters and database bring with them
	cache       time.Duration // how long anybody may keep the answer to an anonymous read; 0: nobody but the client, and it asks again
	request     any           // example of the body
	response    any           // example of the answer
	standalone  bool          // does not touch the database: works before it is there
	media       string        // of the answer when it is not application/json
	answer      reflect.Type  // what the bytes hold when the handler writes JSON as []byte
	takesBody   bool          // these three are set by register; see readsBody
	takesParams bool          // in path, query or header; else the query is left unread
	needsBody   bool          // else it may be left out
	sample      string        // JavaScript that calls the operation, for the documentation
	binary      string        // describes the form as application/octet-stream, where there is one beside JSON
}

// failure carries an error of a handler through huma to the one place that maps errors.
type failure struct{ error }

// register serves the operation with a handler that returns the answer, a refusal of app/raffle or
// any other error. It is the only way an endpoint comes into being.
func register[In, Out any](a *API, o operation, handler func(context.Context, *In) (*Out, error)) {
	o.takesBody, o.takesParams, o.needsBody = hasBody[In](), hasParameters[In](), needsBody[In]()
	described := a.describe(&o)
	described.Middlewares = huma.Middlewares{a.enter(&o)}
	checkInput(reflect.TypeFor[In]())
	zeros, raw := zeroDefaults(reflect.TypeFor[In]()), rawBody(reflect.TypeFor[Out]())
	huma.Register(a.huma, described, func(ctx context.Context, in *In) (*Out, error) {
		zeros.restore(ctx, in)
		out, err := handler(ctx, in)
		if err != nil {
			return nil, failure{err}
		}
		if raw != nil && out != nil {
			takeWhole(ctx, reflect.ValueOf(out).Elem().FieldByIndex(raw))
		}
		return out, nil
	})
	a.document(&o)
}

// rawBody finds the body of an answer that the handler makes as bytes; nil when it makes a value.
func rawBody(output reflect.Type) []int {
	if body, ok := output.FieldByName("Body"); ok && body.Type == reflect.TypeFor[[]byte]() {
		return body.Index
	}
	return nil
}

// takeWhole hands the bytes over to the exchange, so that huma does not copy them.
func takeWhole(ctx context.Context, body reflect.Value) {
	if x := exchangeFrom(ctx); x != nil && body.Len() > 0 {
		x.whole = body.Bytes()
		body.SetBytes(nil)
	}
}

// enter runs before huma reads a request: it names the operation, holds the gate until the schema is
// there, checks the token and reads the body.
func (a *API) enter(o *operation) func(huma.Context, func(huma.Context)) {
	pattern := root + o.path
	return func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humachi.Unwrap(ctx)
		x := exchangeFrom(r.Context())
		x.operation, x.pattern = o, pattern
		if !o.standalone {
			if p := a.gate.check(r.Context()); p != nil {
				x.refuse(p)
				return
			}
		}
		if o.takesParams {
			if p := checkQuery(r.URL.RawQuery); p != nil {
				x.refuse(p)
				return
			}
		}
		caller, p := a.authenticate(r, o.access, x)
		if p != nil {
			x.refuse(p)
			return
		}
		if o.readsBody() {
			if p := takeBody(o, r, x); p != nil {
				x.refuse(p)
				return
			}
		}
		if caller != nil {
			ctx = huma.WithContext(ctx, caller)
		}
		if keys := r.Header.Values(headerIdempotencyKey); len(keys) > 0 && o.keyed() {
			a.once(ctx, x, r, keys[0], next)
			return
		}
		next(ctx)
	}
}

// authenticate returns the context that knows the caller; nil when there is none.
func (a *API) authenticate(r *http.Request, who access, x *exchange) (context.Context, *Problem) {
	switch who {
	case public:
		return nil, nil
	case migrator:
		return nil, a.authorizeMigrator(r)
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		if who == bearer {
			return nil, newProblem(raffle.CodeUnauthenticated, "")
		}
		return nil, nil
	}
	token, ok := bearerToken(header)
	if !ok || a.options.Authenticate == nil {
		return nil, newProblem(raffle.CodeUnauthenticated, "")
	}
	ctx, user, err := a.options.Authenticate(r.Context(), token)
	if err != nil {
		return nil, problemOf(err)
	}
	x.user = user
	return ctx, nil
}

// bearerToken takes the token out of an Authorization header; the scheme is case-insensitive.
func bearerToken(header string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// readsBody says whether the body is read. Where nothing is asked in one it is left unread, unless requests may
// have a key: another body under the same key is another request.
func (o *operation) readsBody() bool { return o.takesBody || o.keyed() }

// takeBody reads the body once and leaves it to huma in memory. Where a body may be left out, null is no
// body: some clients send it for nothing.
func takeBody(o *operation, r *http.Request, x *exchange) *Problem {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, p := readBody(r)
	if p != nil {
		return p
	}
	if len(body) > 0 && !(isJSON(r.Header.Get("Content-Type")) && r.Header.Get("Content-Encoding") == "") {
		return newProblem(codeUnsupportedMedia, "")
	}
	if !o.needsBody && string(bytes.TrimSpace(body)) == "null" {
		body = nil
	}
	if !o.takesBody && len(body) > 0 { // nobody else reads it
		if _, err := parseJSON(body); err != nil {
			return newProblem(codeUnreadableBody, err.Error())
		}
	}
	x.raw = body
	r.Body = newMemoryBody(body)
	if len(body) > 0 {
		r.Header.Set("Content-Type", mediaJSON)
	}
	return nil
}
