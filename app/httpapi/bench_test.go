package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// serveMany measures what HTTP costs around a handler, one request after the other.
func serveMany(b *testing.B, a *API, method, path, body string, header ...string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		a.ServeHTTP(discard{http.Header{}}, r)
	}
}

var sampleHeader = []string{"Content-Type", "application/json", "Authorization", "Bearer good"}

func BenchmarkOperation(b *testing.B) {
	serveMany(b, setup(b), "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"Moto 0 km","quantity":2}`, sampleHeader...)
}

func BenchmarkOperationWithLog(b *testing.B) {
	a := setup(b, func(o *Options) { o.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil)) })
	serveMany(b, a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"Moto 0 km","quantity":2}`, sampleHeader...)
}

func BenchmarkConflict(b *testing.B) {
	serveMany(b, setup(b), "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"taken"}`, sampleHeader...)
}

func BenchmarkValidationFault(b *testing.B) {
	serveMany(b, setup(b), "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"a"}`, sampleHeader...)
}

func BenchmarkRead(b *testing.B) {
	serveMany(b, echo(b, Options{}, fixed("x")), "GET", "/rifaapp/echo", "")
}

// A board of 100 000 numbers is about 7 MB of JSON, which its handler makes as bytes.
func BenchmarkReadBoardGzip(b *testing.B) {
	board := []byte(strings.Repeat(`{"number":12345,"label":"12345","status":"available","reserved_until":null},`, 100_000))
	a := New(Options{})
	register(a, operation{method: "GET", path: "/echo", id: "echo", tag: "Meta", summary: "Answer"},
		func(context.Context, *struct{}) (*document, error) {
			return &document{ContentType: mediaJSON, Body: board}, nil
		})
	serveMany(b, a, "GET", "/rifaapp/echo", "", "Accept-Encoding", "gzip")
}

func BenchmarkProblemOf(b *testing.B) {
	faults := []error{
		raffle.Refuse(raffle.CodeNumbersUnavailable, "Number 7 is taken.").With("numbers", []int{7}),
		postgres.ErrUnavailable, context.DeadlineExceeded,
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		problemOf(faults[i%len(faults)])
	}
}

// largeBoard is a board of 100 000 numbers, half of them taken.
func largeBoard() query.Board {
	board := query.Board{
		BoardHead: query.BoardHead{NumberStart: 0, TotalNumbers: 100_000, NumberPadding: new(5), Reserved: 10_000, Sold: 40_000},
		States:    make([]query.NumberState, 100_000), Until: make([]time.Time, 100_000),
	}
	for i := range board.States {
		switch i % 10 {
		case 0:
			board.States[i], board.Until[i] = query.Reserved, time.Unix(1_900_000_000, 0)
		case 2, 4, 6, 8:
			board.States[i] = query.Sold
		}
	}
	return board
}

func BenchmarkBoardJSON(b *testing.B) {
	board := largeBoard()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = boardPieces{board, &numbersInput{}}.WriteTo(io.Discard)
	}
}

// Routing alone: chi finds one of the product's own operations.
func BenchmarkRouter(b *testing.B) {
	a := New(Options{})
	context := chi.NewRouteContext()
	b.ReportAllocs()
	for b.Loop() {
		context.Reset()
		if !a.mux.Match(context, http.MethodPost, "/rifaapp/v2/raffles/"+sampleID+"/reservations") {
			b.Fatal("the operation is not found")
		}
	}
}

func BenchmarkBoardChanges(b *testing.B) {
	board := query.CompactBoard{TotalNumbers: 100_000, Changes: make([]query.NumberChange, 1000)}
	b.ReportAllocs()
	for b.Loop() {
		boardBytes(board, true)
	}
}

func BenchmarkBoardTag(b *testing.B) {
	tag := clockTag(query.CompactBoard{Clock: query.BoardClock{Slots: make([]int64, 16), Ended: 1_900_000_000_000_000}}, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := parseClockTag(uuid.Nil, tag); !ok {
			b.Fatal(tag)
		}
	}
}
