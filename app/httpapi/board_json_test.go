package httpapi

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzip"

	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// The board is written out by hand, and comes out as encoding/json writes what numbersAnswer says.
func TestBoardIsWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		board, in := randomBoard(random)
		var want bytes.Buffer
		if err := encode(&want, answerOf(board, in)); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := (boardPieces{board, in}).WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("%v: got  %s\nwant %s", err, got.Bytes(), want.Bytes())
		}
	}
}

// A board that is larger than a piece is the same bytes whether it is packed on its way or not.
func TestBoardInPieces(t *testing.T) {
	t.Parallel()
	board, in := largeBoard(), &numbersInput{}
	var want bytes.Buffer
	if err := encode(&want, answerOf(board, in)); err != nil {
		t.Fatal(err)
	}
	a := New(Options{})
	register(a, operation{method: "GET", path: "/pieces", id: "pieces", tag: "Meta", summary: "Answer"},
		func(ctx context.Context, _ *struct{}) (*numbersOutput, error) {
			writePieces(ctx, boardPieces{board, in})
			return &numbersOutput{ETag: `"b1"`, ContentType: mediaJSON}, nil
		})
	plain := call(a, "GET", "/rifaapp/pieces", "")
	packed := call(a, "GET", "/rifaapp/pieces", "", "Accept-Encoding", "gzip")
	if got := plain.Body.Bytes(); !bytes.Equal(got, want.Bytes()) || plain.Header().Get("Content-Length") != strconv.Itoa(len(got)) {
		t.Errorf("%d bytes in plain, Content-Length %s, want %d", len(got), plain.Header().Get("Content-Length"), want.Len())
	}
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes packed, %v; want %d", len(got), err, want.Len())
	}
	if head := call(a, "HEAD", "/rifaapp/pieces", ""); head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(want.Len()) {
		t.Errorf("HEAD answers %d bytes and Content-Length %s", head.Body.Len(), head.Header().Get("Content-Length"))
	}
}

// randomBoard is what a query answers to a request of any kind.
func randomBoard(random *rand.Rand) (query.Board, *numbersInput) {
	total := 1 + random.IntN(60)
	board := query.Board{
		BoardHead: query.BoardHead{RaffleID: uuid.New(), NumberStart: random.IntN(2000), TotalNumbers: total, Reserved: random.IntN(total), Sold: random.IntN(total)},
	}
	if random.IntN(2) == 0 {
		board.NumberPadding = new(1 + random.IntN(6))
	}
	in := &numbersInput{Offset: random.IntN(total + 2), Status: []string{"", "available", "reserved", "sold"}[random.IntN(4)]}
	if random.IntN(2) == 0 {
		in.Limit = 1 + random.IntN(total)
	}
	first, count := 0, total // with a status the query answers the whole board
	if in.Status == "" {
		first, count = in.Offset, min(in.limit(board.BoardHead), max(0, total-in.Offset))
	}
	board.First = board.NumberStart + first
	for number := board.First; number < board.First+count; number++ {
		state, until := query.NumberState(random.IntN(3)), time.Time{}
		if state == query.Reserved {
			until = time.UnixMicro(random.Int64N(1 << 51)).In(time.FixedZone("Bogotá", -5*3600))
		}
		board.States, board.Until = append(board.States, state), append(board.Until, until)
	}
	return board, in
}

// answerOf is the plain way from the same board to the answer.
func answerOf(board query.Board, in *numbersInput) numbersAnswer {
	answer := numbersAnswer{
		RaffleID: board.RaffleID, NumberStart: board.NumberStart, NumberEnd: board.NumberStart + board.TotalNumbers - 1,
		NumberPadding: board.NumberPadding, TotalNumbers: board.TotalNumbers, Offset: in.Offset, Numbers: []numberAnswer{},
		Counts: numberCounts{Available: board.TotalNumbers - board.Reserved - board.Sold, Reserved: board.Reserved, Sold: board.Sold},
	}
	if in.Limit > 0 {
		answer.Limit = &in.Limit
	}
	padding := 0
	if board.NumberPadding != nil {
		padding = *board.NumberPadding
	}
	for i, state := range board.States {
		number := board.First + i
		entry := numberAnswer{Number: number, Label: string(raffle.AppendLabel(nil, number, padding)), Status: state.String()}
		if state == query.Reserved {
			entry.ReservedUntil = new(board.Until[i].UTC())
		}
		if in.Status == "" || in.Status == entry.Status {
			answer.Numbers = append(answer.Numbers, entry)
		}
	}
	if in.Status != "" {
		answer.Numbers = answer.Numbers[min(in.Offset, len(answer.Numbers)):]
		answer.Numbers = answer.Numbers[:min(in.limit(board.BoardHead), len(answer.Numbers))]
	}
	return answer
}
