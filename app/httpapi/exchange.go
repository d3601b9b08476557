package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// exchange is one request and its answer. It buffers the answer, so that entity tag, length and
// compression are known before the first byte leaves, and a panic can still become a problem.
type exchange struct {
	api    *API
	out    http.ResponseWriter
	status int
	body   *bytes.Buffer
	whole  []byte      // the body instead, when the handler made it as bytes: they are not copied
	pieces io.WriterTo // the body instead, when it is too large to be in memory; see writePieces

	started    time.Time
	method     string
	requestID  string
	accept     string
	address    *url.URL // of the request, without the stage
	base       string   // the stage prefix that was stripped from the path, if any
	operation  *operation
	pattern    string // the route, never the path: it carries no ids
	code       string // of the problem, if any
	fault      error  // what went wrong inside, for the log
	user       uuid.UUID
	raw        []byte // the body as it came
	route      chi.Context
	unmodified bool // the handler found that the client has the answer already
	wait       *postgres.Wait
	passwords  *time.Duration // that they took; nil where none is checked
}

// buffers hold answers up to maxKeptBuffer; larger ones, such as whole boards, are left to the
// collector so that one of them does not stay in memory for good.
var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 4<<10)) }}

const maxKeptBuffer = 128 << 10

func release(b *bytes.Buffer) {
	if b.Cap() <= maxKeptBuffer {
		b.Reset()
		buffers.Put(b)
	}
}

// Header is the header of the answer.
func (x *exchange) Header() http.Header { return x.out.Header() }

// WriteHeader keeps the status until the answer is whole; the last one counts.
func (x *exchange) WriteHeader(status int) { x.status = status }

// Write keeps the bytes until the answer is whole.
func (x *exchange) Write(p []byte) (int, error) { return x.body.Write(p) }

// WriteString keeps the text until the answer is whole.
func (x *exchange) WriteString(s string) (int, error) { return x.body.WriteString(s) }

// awaitAnswer lets the answer leave up to d from now, whatever the server allows other answers.
func (x *exchange) awaitAnswer(d time.Duration) {
	// Where there is no connection, as on Lambda, there is no limit to move.
	_ = http.NewResponseController(x.out).SetWriteDeadline(time.Now().Add(d))
}

// content is the body of the answer.
func (x *exchange) content() []byte {
	if x.whole != nil {
		return x.whole
	}
	if x.pieces != nil {
		pieces := x.pieces
		x.pieces = nil
		if _, err := pieces.WriteTo(x.body); err != nil {
			x.fault = err // nothing that writes to memory fails
		}
	}
	return x.body.Bytes()
}

// writePieces answers with a body that is written piece by piece, straight into the packed answer where
// the client takes one. The handler sets an entity tag and leaves its own body empty.
func writePieces(ctx context.Context, body io.WriterTo) {
	if x := exchangeFrom(ctx); x != nil {
		x.pieces = body
	}
}

type exchangeKey struct{}

// exchangeFrom returns the exchange that ctx belongs to; nil outside a request.
func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// headersOfAnswer describe the answer that a handler made; what happens to every request sets the rest.
var headersOfAnswer = []string{"Content-Encoding", "Content-Security-Policy", "Etag", "Link", "Location"}

// refuse throws away what was written and answers with the problem.
func (x *exchange) refuse(p *Problem) {
	x.body.Reset()
	x.whole, x.pieces = nil, nil
	for _, name := range headersOfAnswer {
		x.Header().Del(name)
	}
	_ = p.complete(x)
	x.Header().Set("Content-Type", p.ContentType(""))
	x.status = p.Status
	if err := encode(x.body, p); err != nil {
		x.fault = err
	}
}

// RawBody is the body of the request exactly as it came, for Idempotency-Key; nil without one. It is
// valid until the request has been answered.
func RawBody(ctx context.Context) []byte {
	if x := exchangeFrom(ctx); x != nil {
		return x.raw
	}
	return nil
}

// URLPath is a path of this API as the client must write it: with the gateway's stage in front when
// the client used one. Location and Link headers need it.
func URLPath(ctx context.Context, path string) string {
	if x := exchangeFrom(ctx); x != nil {
		return x.base + path
	}
	return path
}
