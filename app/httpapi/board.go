package httpapi

import (
	"context"
	_ "embed"
	"encoding/binary"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type boardInput struct {
	RaffleInput
	Since       string `query:"since" maxLength:"512" doc:"The ETag of an earlier answer, quotes and all: only numbers that may have changed since are answered, with the state they have now. When the moment is too long ago, or the changes would be longer than the board, the whole board is answered." example:"\"cd8e7f6.2.0.0.a.0.0.1.0.0.0.0.0.0.0.0.0.0.o\""`
	Accept      string `header:"Accept" hidden:"true"`
	IfNoneMatch string `header:"If-None-Match" hidden:"true"`
}

// boardAnswer is the JSON form.
type boardAnswer struct {
	RaffleID     uuid.UUID     `json:"raffle_id" format:"uuid"`
	NumberStart  int           `json:"number_start"`
	TotalNumbers int           `json:"total_numbers"`
	Board        string        `json:"board,omitempty" doc:"Two bits a number, in base64. Absent where changes says all." example:"BAk="`
	Changes      *boardChanges `json:"changes,omitempty" doc:"With since: the numbers that may have changed, each with the state it has now. Absent where board has all."`
}

type boardChanges struct {
	Available []int `json:"available" nullable:"false"`
	Reserved  []int `json:"reserved" nullable:"false"`
	Sold      []int `json:"sold" nullable:"false"`
}

type boardOutput struct {
	ETag        string `header:"ETag"`
	ContentType string `header:"Content-Type"`
	Body        []byte `contentType:"application/json"`
}

// boardDecoder is shown beside the operation; test/e2e runs it.
//
//go:embed assets/board.js
var boardDecoder string

// The first byte of an answer to since, in the binary form: what follows it.
const (
	wholeFollows   = 0
	changesFollow  = 1
	bytesPerChange = 4
)

var boardOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/board", id: "get-board", tag: "Board", access: optional, cache: time.Second,
	answer: reflect.TypeFor[boardAnswer](), binary: "The packed board; see the description.",
	summary: "The compact board: two bits a number",
	description: "As application/octet-stream, or as JSON when Accept names application/json. " +
		"The number at position i of the board, number_start + i, has two bits of byte i / 4 (rounded down): bits 2 · (i mod 4) and the next, counted from the lowest. " +
		"They are 0 for available, 1 for reserved, 2 for sold; the bits left over in the last byte are 0. A board of 100 000 numbers has 25 000 bytes. " +
		"A hold whose time is up reads as available at once.\n\n" +
		"With since, the first byte says what follows: 0 the whole board, packed as above; 1 changes, four bytes each, little-endian: position · 4 + state. " +
		"Setting those positions brings the board of that ETag up to the ETag of this answer. In JSON the member changes lists the numbers instead.",
	refusals: []raffle.Code{raffle.CodeNotFound},
	sample:   boardDecoder,
	response: map[string]any{"raffle_id": exampleRaffleID, "number_start": 0, "total_numbers": 8, "board": "BAk="},
}

// getBoard handles GET /rifaapp/v2/raffles/{id}/board.
func (a *API) getBoard(ctx context.Context, in *boardInput) (*boardOutput, error) {
	board, err := a.options.Queries.CompactHead(ctx, in.ID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	asJSON := prefersJSON(in.Accept)
	varyByAccept(ctx)
	out := &boardOutput{ETag: clockTag(board, asJSON), ContentType: mediaBinary}
	if NotModified(ctx, in.IfNoneMatch, out.ETag) {
		return out, nil
	}
	if board, err = a.boardSince(ctx, board, in.Since); err != nil {
		return nil, err
	}
	out.ETag = clockTag(board, asJSON)
	if asJSON {
		out.ContentType = mediaJSON
		out.Body, err = boardJSON(board)
		return out, err
	}
	out.Body = boardBytes(board, in.Since != "")
	return out, nil
}

// boardSince answers the changes since the moment of an entity tag where they are known and shorter
// than the board, and the whole board otherwise.
func (a *API) boardSince(ctx context.Context, head query.CompactBoard, tag string) (query.CompactBoard, error) {
	if since, ok := parseClockTag(head.RaffleID, tag); ok {
		board, known, err := a.options.Queries.BoardChanges(ctx, head, since)
		if err != nil {
			return board, err
		}
		if known && len(board.Changes)*bytesPerChange <= (board.TotalNumbers+3)/4+bytesPerChange {
			return board, nil
		}
	}
	return a.options.Queries.CompactBoard(ctx, head)
}

// boardBytes is the binary form.
func boardBytes(board query.CompactBoard, marked bool) []byte {
	if !marked {
		return board.Packed
	}
	if board.Packed != nil {
		return append([]byte{wholeFollows}, board.Packed...)
	}
	b := make([]byte, 0, 1+bytesPerChange*len(board.Changes))
	b = append(b, changesFollow)
	for _, change := range board.Changes {
		b = binary.LittleEndian.AppendUint32(b, uint32(change.Number-board.NumberStart)<<2|uint32(change.State))
	}
	return b
}

// varyByAccept tells caches that there are two forms.
func varyByAccept(ctx context.Context) {
	if x := exchangeFrom(ctx); x != nil {
		x.Header().Add("Vary", "Accept")
	}
}

// prefersJSON says whether an Accept header names JSON, and not the binary form with a higher weight.
// A wildcard does not count: the binary form is the usual one.
func prefersJSON(accept string) bool {
	json, packed := 0.0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case mediaJSON:
			json = quality(parameters)
		case mediaBinary:
			packed = quality(parameters)
		}
	}
	return json > packed
}
