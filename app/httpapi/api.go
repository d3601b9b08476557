// Package httpapi is the product over HTTP: routes, request and answer types, problems, entity tags,
// compression, CORS and the API description. It holds no SQL and no rules.
package httpapi

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// Options are what the API needs from outside. The zero value serves the meta routes only.
type Options struct {
	BasePath         string   // prefix that a gateway's stage leaves on paths, e.g. "/v2"; stripped when present
	CORSAllowOrigins []string // "*" allows every origin; none: no CORS headers at all
	CORSAllowMethods []string // none: GET, POST, PATCH, DELETE
	CORSAllowHeaders []string // beyond those that are always accepted; "*" allows every header
	ExposeErrors     bool     // development only: 5xx problems carry the member "cause"
	DocsEnabled      bool     // serve the pages /docs and /redoc; /openapi.* is always there
	MigrationsToken  string   // bearer of POST /migrations/run; empty: only an IAM principal may
	Version          Version
	Logger           *slog.Logger  // one line per request; nil: silence
	Timeout          time.Duration // a request's time for the database; 0 means 8 s

	// Observe is called once per request, after the answer; what it returns joins the line in the log.
	// It may be nil.
	Observe func(context.Context, Observation) []slog.Attr

	// Authenticate checks an access token. It returns a context that knows the caller, and the
	// caller's id for the log; a *raffle.Error with CodeUnauthenticated refuses.
	Authenticate func(ctx context.Context, token string) (context.Context, uuid.UUID, error)
	// Ready returns nil when the database answers and its schema is deployed. Nil is always ready.
	Ready func(ctx context.Context) error
	// Migrate deploys what is missing and returns the names of the changes, in order; ErrMigrating when
	// another process is at it.
	Migrate func(ctx context.Context) (applied []string, err error)

	App // the commands and queries that the routes call; see routes.go
}

// Version says which build answers.
type Version struct {
	Version   string
	Commit    string
	BuildTime string // RFC 3339
}

const defaultTimeout = 8 * time.Second

// API is the whole product as one http.Handler. Make it with New; it is safe for concurrent use.
type API struct {
	options Options
	mux     *chi.Mux
	huma    huma.API
	gate    *gate
	cors    *corsPolicy
	logger  *slog.Logger
	now     func() time.Time
	spec    func() spec // the description as served
	staged  func() spec // the same through the gateway's stage
	migrate sync.Mutex  // held while the migrations run
}

// New builds the routes and the API description. It makes no network call.
func New(o Options) *API {
	settle()
	a := &API{options: o, mux: chi.NewMux(), gate: &gate{ready: o.Ready}, cors: newCORSPolicy(o), logger: o.Logger, now: time.Now}
	if a.logger == nil {
		a.logger = slog.New(slog.DiscardHandler)
	}
	if a.options.Timeout == 0 {
		a.options.Timeout = defaultTimeout
	}
	a.spec, a.staged = a.render(""), a.render(o.BasePath)
	a.huma = humachi.New(a.mux, a.description())
	a.mux.NotFound(a.notFound)
	a.mux.MethodNotAllowed(a.methodNotAllowed)
	a.meta()
	a.routes()
	return a
}

// ServeHTTP answers one request. Everything that happens to every request happens here, in order.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := a.begin(w, r)
	defer release(x.body)
	a.cors.decorate(w.Header(), r.Header.Get("Origin"))
	if a.cors.preflight(w.Header(), r) {
		x.status, x.pattern = http.StatusNoContent, "preflight"
	} else {
		ctx, cancel := x.context(r.Context(), a.options.Timeout)
		x.serve(r.WithContext(ctx))
		cancel()
	}
	size := x.send(r)
	a.observe(r.Context(), x, size)
}

func (a *API) begin(w http.ResponseWriter, r *http.Request) *exchange {
	joinLists(r.Header)
	body, _ := buffers.Get().(*bytes.Buffer)
	x := &exchange{
		api: a, out: w, body: body, status: http.StatusOK, started: a.now(), method: r.Method,
		requestID: requestID(r), accept: r.Header.Get("Accept"), pattern: "unmatched",
	}
	return x
}

func (a *API) notFound(_ http.ResponseWriter, r *http.Request) {
	exchangeFrom(r.Context()).refuse(a.noSuchAddress(r.Context()))
}

// noSuchAddress points to the list of addresses that is there.
func (a *API) noSuchAddress(ctx context.Context) *Problem {
	list := "/rifaapp/docs"
	if !a.options.DocsEnabled {
		list = "/rifaapp/openapi.json"
	}
	return newProblem(raffle.CodeNotFound, "There is nothing at this address; see "+URLPath(ctx, list)+".")
}

// methodNotAllowed names the methods that the address does know.
func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if !a.mux.Match(chi.NewRouteContext(), method, r.URL.Path) {
			continue
		}
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	if len(allowed) == 0 { // a method nobody knows, at an address nobody knows
		a.notFound(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	exchangeFrom(r.Context()).refuse(newProblem(codeMethodNotAllowed, ""))
}
