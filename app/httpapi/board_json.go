package httpapi

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// boardTag names what a board request answers: its version and what was asked of it.
func boardTag(head query.BoardHead, in *numbersInput) string {
	return fmt.Sprintf(`"b%s-%d-%d-%s"`, head.Version, in.Offset, in.Limit, in.Status)
}

// boardPieces writes numbersAnswer as JSON, piece by piece: the 7 MB of a board of 100 000 numbers are
// never in memory at once when they are packed on their way. It is written out by hand because
// encoding/json takes ten times as long; a test compares it with encoding/json.
type boardPieces struct {
	board query.Board
	in    *numbersInput
}

const pieceSize = 32 << 10

// WriteTo writes the answer in pieces of about pieceSize.
func (p boardPieces) WriteTo(w io.Writer) (written int64, err error) {
	flush := func(b []byte) []byte {
		if err == nil {
			var n int
			n, err = w.Write(b)
			written += int64(n)
		}
		return b[:0]
	}
	b := appendBoardHead(make([]byte, 0, pieceSize+512), p.board, p.in)
	b = appendNumbers(b, p.board, p.in, flush)
	flush(append(b, "]}\n"...))
	return written, err
}

func appendBoardHead(b []byte, board query.Board, in *numbersInput) []byte {
	end := raffle.NumberEnd(board.NumberStart, board.TotalNumbers)
	b = append(b, `{"raffle_id":"`...)
	b = append(b, board.RaffleID.String()...)
	b = appendInt(b, `","number_start":`, board.NumberStart)
	b = appendInt(b, `,"number_end":`, end)
	b = appendOptional(b, `,"number_padding":`, board.NumberPadding)
	b = appendInt(b, `,"total_numbers":`, board.TotalNumbers)
	b = appendInt(b, `,"offset":`, in.Offset)
	var limit *int
	if in.Limit > 0 {
		limit = &in.Limit
	}
	b = appendOptional(b, `,"limit":`, limit)
	b = appendInt(b, `,"counts":{"available":`, board.TotalNumbers-board.Reserved-board.Sold)
	b = appendInt(b, `,"reserved":`, board.Reserved)
	b = appendInt(b, `,"sold":`, board.Sold)
	return append(b, `},"numbers":[`...)
}

// appendNumbers writes the entries and gives b away whenever it is a piece. With a status the whole board
// is at hand and offset counts the numbers of that status.
func appendNumbers(b []byte, board query.Board, in *numbersInput, flush func([]byte) []byte) []byte {
	padding := 0
	if board.NumberPadding != nil {
		padding = *board.NumberPadding
	}
	skip, left, comma := 0, in.limit(board.BoardHead), false
	if in.Status != "" {
		skip = in.Offset
	}
	for i, state := range board.States {
		if in.Status != "" && state.String() != in.Status {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if left == 0 {
			break
		}
		left--
		if comma {
			b = append(b, ',')
		}
		comma = true
		if b = appendNumber(b, board, i, padding); len(b) >= pieceSize {
			b = flush(b)
		}
	}
	return b
}

// The texts around what changes, by state: what is written a hundred thousand times is written in few steps.
var afterLabel = [...]string{
	query.Available: `","status":"available","reserved_until":null}`,
	query.Reserved:  `","status":"reserved","reserved_until":"`,
	query.Sold:      `","status":"sold","reserved_until":null}`,
}

func appendNumber(b []byte, board query.Board, i, padding int) []byte {
	number, state := board.First+i, board.States[i]
	b = appendInt(b, `{"number":`, number)
	b = append(b, `,"label":"`...)
	b = raffle.AppendLabel(b, number, padding)
	b = append(b, afterLabel[state]...)
	if state == query.Reserved {
		b = board.Until[i].UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `"}`...)
	}
	return b
}

func appendInt(b []byte, name string, value int) []byte {
	return strconv.AppendInt(append(b, name...), int64(value), 10)
}

func appendOptional(b []byte, name string, value *int) []byte {
	if value == nil {
		return append(append(b, name...), "null"...)
	}
	return appendInt(b, name, *value)
}
