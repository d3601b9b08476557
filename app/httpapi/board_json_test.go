package httpapi

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

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
		if got := appendBoard(nil, board, in); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("got  %s\nwant %s", got, want.Bytes())
		}
	}
}

// randomBoard is what a query answers to a request of any kind.
func randomBoard(random *rand.Rand) (query.Board, *numbersInput) {
	total := 1 + random.IntN(60)
	board := query.Board{
		BoardHead: query.BoardHead{RaffleID: uuid.New(), NumberStart: random.IntN(2000), TotalNumbers: total, Reserved: random.IntN(total), Sold: random.IntN(total)},
		Until:     map[int]time.Time{},
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
		state := query.NumberState(random.IntN(3))
		if state == query.Reserved {
			board.Until[number] = time.UnixMicro(random.Int64N(1 << 51)).In(time.FixedZone("Bogotá", -5*3600))
		}
		board.States = append(board.States, state)
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
		entry := numberAnswer{Number: number, Label: raffle.Label(number, padding), Status: state.String()}
		if until, held := board.Until[number]; held {
			entry.ReservedUntil = new(until.UTC())
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
