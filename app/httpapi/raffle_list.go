package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type listRafflesInput struct {
	Page
	Status string      `query:"status" enum:"draft,open,published,closed,drawn,cancelled" doc:"Only raffles of this status; published is an old name of open."`
	Owner  ownerFilter `query:"owner_id" format:"uuid" doc:"Only raffles of this organiser."`
	Text   string      `query:"q" maxLength:"120" doc:"Part of the title, upper or lower case."`
}

// ownerFilter is an account's id that may be missing, which is not the id of zeros.
type ownerFilter struct {
	id   uuid.UUID `format:"uuid"`
	sent bool
}

// Schema is that of the id.
func (f ownerFilter) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeOf(f.id))
}

// Receiver is where the id goes.
func (f *ownerFilter) Receiver() reflect.Value { return reflect.ValueOf(&f.id).Elem() }

// OnParamSet learns whether there is one.
func (f *ownerFilter) OnParamSet(isSet bool, _ any) { f.sent = isSet }

type listRafflesOutput struct {
	Link string `header:"Link" doc:"rel=next while there is more."`
	Body []raffleAnswer
}

var listRafflesOperation = operation{
	method: http.MethodGet, path: "/v2/raffles", id: "list-raffles", tag: "Raffles", access: optional, cache: 2 * time.Second,
	summary:     "List raffles, newest first",
	description: "Drafts and cancelled raffles are listed only to their owner.",
	response:    []any{exampleRaffle},
}

// listRaffles handles GET /rifaapp/v2/raffles.
func (a *API) listRaffles(ctx context.Context, in *listRafflesInput) (*listRafflesOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	list := query.ListRaffles{
		Caller: callerOrNil(ctx), Status: raffle.ParseStatus(in.Status), Text: in.Text,
		After: positionOf(after), Limit: in.Limit,
	}
	if in.Owner.sent {
		list.OwnerID = &in.Owner.id
	}
	raffles, more, err := a.options.Queries.Raffles(ctx, list)
	if err != nil {
		return nil, err
	}
	out := &listRafflesOutput{Body: make([]raffleAnswer, len(raffles))}
	for i, r := range raffles {
		out.Body[i] = raffleOf(r)
	}
	if more {
		last := raffles[len(raffles)-1]
		out.Link = nextLink(ctx, "cursor", cursor{At: last.CreatedAt, ID: last.ID}.String())
	}
	return out, nil
}

func positionOf(c *cursor) *query.Position {
	if c == nil {
		return nil
	}
	return &query.Position{CreatedAt: c.At, ID: c.ID}
}
