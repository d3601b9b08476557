package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type numbersInput struct {
	RaffleInput
	Offset      int    `query:"offset" minimum:"0" maximum:"100000" default:"0" doc:"So many numbers are passed over."`
	Limit       int    `query:"limit" minimum:"1" maximum:"200" doc:"At most so many numbers. Without it the whole board is answered."`
	Status      string `query:"status" enum:"available,reserved,sold" doc:"Only numbers of this status."`
	IfNoneMatch string `header:"If-None-Match" hidden:"true"`
}

// numbersAnswer describes what boardPieces write.
type numbersAnswer struct {
	RaffleID      uuid.UUID      `json:"raffle_id" format:"uuid"`
	NumberStart   int            `json:"number_start"`
	NumberEnd     int            `json:"number_end"`
	NumberPadding *int           `json:"number_padding" nullable:"true"`
	TotalNumbers  int            `json:"total_numbers"`
	Offset        int            `json:"offset"`
	Limit         *int           `json:"limit" nullable:"true" doc:"As asked; null for the whole board."`
	Counts        numberCounts   `json:"counts" doc:"Of the whole raffle."`
	Numbers       []numberAnswer `json:"numbers" nullable:"false"`
}

type numberCounts struct {
	Available int `json:"available"`
	Reserved  int `json:"reserved"`
	Sold      int `json:"sold"`
}

type numberAnswer struct {
	Number        int        `json:"number" example:"7"`
	Label         string     `json:"label" doc:"Zero-padded." example:"07"`
	Status        string     `json:"status" enum:"available,reserved,sold"`
	ReservedUntil *time.Time `json:"reserved_until" nullable:"true" doc:"When the hold ends; null unless reserved."`
}

type numbersOutput struct {
	ETag        string `header:"ETag"`
	Link        string `header:"Link" doc:"rel=help: how the draw works, in English and Spanish; with limit, rel=next while there is more."`
	ContentType string `header:"Content-Type"`
	Body        []byte `contentType:"application/json"`
}

var numbersOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/numbers", id: "list-numbers", tag: "Board", access: optional, cache: time.Second,
	answer:      reflect.TypeFor[numbersAnswer](),
	summary:     "The numbers of a raffle and their status",
	description: "Without limit the whole board is answered, up to 100 000 numbers. A hold whose time is up reads as available at once.",
	refusals:    []raffle.Code{raffle.CodeNotFound, codeAnswerTooLarge},
	response: map[string]any{
		"raffle_id": exampleRaffleID, "number_start": 0, "number_end": 99, "number_padding": 2, "total_numbers": 100, "offset": 7, "limit": 2,
		"counts": map[string]any{"available": 85, "reserved": 3, "sold": 12},
		"numbers": []any{
			map[string]any{"number": 7, "label": "07", "status": "reserved", "reserved_until": "2030-01-15T14:40:00Z"},
			map[string]any{"number": 8, "label": "08", "status": "available", "reserved_until": nil},
		},
	},
}

// listNumbers handles GET /rifaapp/v2/raffles/{id}/numbers.
func (a *API) listNumbers(ctx context.Context, in *numbersInput) (*numbersOutput, error) {
	out := &numbersOutput{ContentType: mediaJSON}
	if in.IfNoneMatch != "" { // the tag comes from the board's version: who has the board costs two index reads
		head, err := a.options.Queries.BoardHead(ctx, in.ID, callerOrNil(ctx))
		if err != nil {
			return nil, err
		}
		out.next(ctx, head, in)
		if out.ETag = boardTag(head, in); NotModified(ctx, in.IfNoneMatch, out.ETag) {
			return out, nil
		}
	}
	offset, limit := in.Offset, in.Limit
	if in.Status != "" {
		offset, limit = 0, 0 // they count the numbers of that status, which only the whole board tells
	}
	board, err := a.options.Queries.Board(ctx, in.ID, callerOrNil(ctx), offset, limit)
	if err != nil {
		return nil, err
	}
	out.ETag = boardTag(board.BoardHead, in)
	out.next(ctx, board.BoardHead, in)
	pieces := boardPieces{board, in}
	if len(board.States) > smallBoard {
		writePieces(ctx, pieces)
		return out, nil
	}
	var body bytes.Buffer
	_, err = pieces.WriteTo(&body)
	out.Body = body.Bytes()
	return out, err
}

// smallBoard is how many numbers are answered from memory: a page, or a small raffle.
const smallBoard = 200

// next leads to the next page, where there is one.
func (out *numbersOutput) next(ctx context.Context, head query.BoardHead, in *numbersInput) {
	all := head.TotalNumbers
	switch in.Status {
	case query.Available.String():
		all -= head.Reserved + head.Sold
	case query.Reserved.String():
		all = head.Reserved
	case query.Sold.String():
		all = head.Sold
	}
	out.Link = helpLink(ctx)
	if in.Limit > 0 && in.Offset+in.Limit < all {
		out.Link = nextLink(ctx, "offset", strconv.Itoa(in.Offset+in.Limit)) + ", " + out.Link
	}
}

// limit is how many numbers are answered at most.
func (in *numbersInput) limit(head query.BoardHead) int {
	if in.Limit > 0 {
		return in.Limit
	}
	return head.TotalNumbers
}
