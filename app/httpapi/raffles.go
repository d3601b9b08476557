package httpapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// raffleAnswer is RAFFLE of the contract.
type raffleAnswer struct {
	ID              uuid.UUID  `json:"id" format:"uuid"`
	Title           string     `json:"title"`
	Description     *string    `json:"description" nullable:"true"`
	TicketPrice     string     `json:"ticket_price" doc:"Decimal with two decimals." example:"5000.00"`
	Currency        string     `json:"currency" doc:"ISO 4217." example:"COP"`
	TotalTickets    int        `json:"total_tickets"`
	TicketsSold     int        `json:"tickets_sold"`
	TicketsReserved int        `json:"tickets_reserved" doc:"Held at this moment; expired holds do not count."`
	Status          string     `json:"status" enum:"draft,open,closed,drawn,cancelled"`
	DrawAt          *time.Time `json:"draw_at" nullable:"true"`
	WinnerTicketID  *uuid.UUID `json:"winner_ticket_id" format:"uuid" nullable:"true"`
	WinningNumber   *int       `json:"winning_number" nullable:"true"`
	NumberStart     int        `json:"number_start"`
	NumberEnd       int        `json:"number_end"`
	NumberPadding   *int       `json:"number_padding" nullable:"true"`
	OwnerID         *uuid.UUID `json:"owner_id" format:"uuid" nullable:"true" doc:"The organiser's account; null for raffles older than accounts."`
	Confirmation    string     `json:"confirmation" enum:"self,organizer"`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
	DrawMethod      *string    `json:"draw_method" enum:"beacon,commit_reveal,lottery" nullable:"true" doc:"How the winners are chosen. Null, as what follows, for raffles drawn before this was published." example:"beacon"`
	RulesHash       *string    `json:"rules_hash" nullable:"true" doc:"SHA-256 of …/draw/rules." example:"023904715df877baddff76a760ac78c5cf6dc6fe3ada149b0074b64a4be257ce"`
	Commitment      *string    `json:"commitment" nullable:"true" doc:"Binds the rules, and the secret where there is one, before sales begin." example:"ab93058a54b537880a11ac0bd6a3a0a32ba1172cfdf52c78f5669054ede397f2"`
	Seal            *string    `json:"seal" nullable:"true" doc:"Once sales have ended: copy it before the draw, it is your witness." example:"67f73d288abac985a8eb26d97af710487897aa8f531a50e9d0bf34ca8b050364"`
	SealedAt        *time.Time `json:"sealed_at" nullable:"true"`
}

func raffleOf(r query.Raffle) raffleAnswer {
	return raffleAnswer{
		ID: r.ID, Title: r.Title, Description: r.Description, TicketPrice: r.TicketPrice.String(), Currency: r.Currency,
		TotalTickets: r.TotalTickets, TicketsSold: r.TicketsSold, TicketsReserved: r.TicketsReserved,
		Status: string(r.Status), DrawAt: utc(r.DrawAt), WinnerTicketID: r.WinnerTicketID, WinningNumber: r.WinningNumber,
		NumberStart: r.NumberStart, NumberEnd: r.NumberEnd, NumberPadding: r.NumberPadding,
		OwnerID: r.OwnerID, Confirmation: string(r.Confirmation),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		DrawMethod: r.DrawMethod, RulesHash: hexOrNil(r.RulesHash), Commitment: hexOrNil(r.Commitment), Seal: hexOrNil(r.Seal), SealedAt: utc(r.SealedAt),
	}
}

func hexOrNil(hash []byte) *string {
	if hash == nil {
		return nil
	}
	return new(hex.EncodeToString(hash))
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

var exampleRaffle = map[string]any{
	"id": exampleRaffleID, "title": "Moto 0 km", "description": "Entrega en Medellín",
	"ticket_price": "5000.00", "currency": "COP", "total_tickets": 100, "tickets_sold": 12, "tickets_reserved": 3,
	"status": "open", "draw_at": "2030-12-24T20:00:00Z", "winner_ticket_id": nil, "winning_number": nil,
	"number_start": 0, "number_end": 99, "number_padding": 2, "owner_id": exampleUserID, "confirmation": "self",
	"created_at": "2030-01-15T14:30:00Z", "updated_at": "2030-01-15T14:30:00Z",
	"draw_method": "beacon", "rules_hash": exampleRulesHash, "commitment": exampleCommitment, "seal": nil, "sealed_at": nil,
}

const (
	exampleRaffleID      = "0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"
	exampleUserID        = "0192f7a9-0b1c-7d2e-8f30-415263748596"
	exampleParticipantID = "0192f7aa-1c2d-7e3f-9041-526374859607"
	exampleReservationID = "0192f7ab-2d3e-7f40-a152-637485960718"
	examplePurchaseID    = "0192f7ac-3e4f-7051-b263-748596071829"
	exampleTicketID      = "5d3c6f1e-9a7b-4c2d-8e1f-0a1b2c3d4e5f"
)

type raffleOutput struct{ Body raffleAnswer }

type createRaffleInput struct {
	Body struct {
		Title         string     `json:"title" minLength:"3" maxLength:"120" doc:"Spaces around it are dropped; it has no control characters." example:"Moto 0 km"`
		Description   *string    `json:"description,omitempty" nullable:"true" maxLength:"1000" example:"Entrega en Medellín"`
		TicketPrice   amount     `json:"ticket_price" doc:"More than 0 and at most 99999999.99."`
		Currency      string     `json:"currency,omitempty" minLength:"3" maxLength:"3" default:"COP" doc:"ISO 4217." example:"COP"`
		TotalTickets  int        `json:"total_tickets" minimum:"1" maximum:"100000" example:"100"`
		DrawAt        *instant   `json:"draw_at,omitempty" nullable:"true" doc:"In the future, before the year 9999. Sales end by themselves then, and no draw is made before." example:"2030-12-24T20:00:00Z"`
		NumberStart   int        `json:"number_start,omitempty" minimum:"0" maximum:"1000000000" default:"1" example:"0"`
		NumberPadding *int       `json:"number_padding,omitempty" nullable:"true" minimum:"1" maximum:"6" doc:"Labels are zero-padded to so many digits." example:"2"`
		Status        string     `json:"status,omitempty" enum:"draft,open,published" default:"open" doc:"published is an old name of open." example:"open"`
		OwnerID       *uuid.UUID `json:"owner_id,omitempty" format:"uuid" nullable:"true" doc:"Must be the caller when sent."`
		Confirmation  string     `json:"confirmation,omitempty" enum:"self,organizer" default:"self" doc:"Who turns a held number into a sold one: the buyer, or only the organiser after seeing the money." example:"self"`
		Draw          *drawBody  `json:"draw,omitempty" doc:"How the winners will be chosen; published at once and frozen at the first hold, with the draw_at it promises. Without it: one prize."`
	}
}

type createRaffleOutput struct {
	Location string `header:"Location" doc:"Address of the new raffle."`
	Body     raffleAnswer
}

var createRaffleOperation = operation{
	method: http.MethodPost, path: "/v2/raffles", id: "create-raffle", tag: "Raffles", access: bearer, status: http.StatusCreated,
	summary:     "Create a raffle",
	description: "The caller becomes the organiser. Price, size and numbering are frozen from the start.",
	refusals:    []raffle.Code{raffle.CodeForbidden},
	request: map[string]any{
		"title": "Moto 0 km", "description": "Entrega en Medellín", "ticket_price": "5000.00", "currency": "COP", "total_tickets": 100,
		"number_start": 0, "number_padding": 2, "draw_at": "2030-12-24T20:00:00Z",
		"draw": map[string]any{"method": "beacon", "prizes": []any{"Moto 0 km", map[string]any{"name": "Casco"}}, "alternates": 1, "exclude": "participant"},
	},
	response: exampleRaffle,
}

// createRaffle handles POST /rifaapp/v2/raffles.
func (a *API) createRaffle(ctx context.Context, in *createRaffleInput) (*createRaffleOutput, error) {
	caller, _ := CallerFrom(ctx)
	body := &in.Body
	if body.OwnerID != nil && *body.OwnerID != caller {
		return nil, raffle.Refuse(raffle.CodeForbidden, "owner_id must be your own id; leave it out.")
	}
	id, err := a.options.Raffles.Create(ctx, command.CreateRaffle{
		Title: body.Title, Description: body.Description, TicketPrice: body.TicketPrice.value, Currency: body.Currency,
		TotalTickets: body.TotalTickets, NumberStart: body.NumberStart, NumberPadding: body.NumberPadding,
		Status: raffle.ParseStatus(body.Status), Confirmation: raffle.Confirmation(body.Confirmation),
		DrawAt: body.DrawAt.time(), OwnerID: caller, Draw: body.Draw.rules(),
	})
	if err != nil {
		return nil, err
	}
	created, err := a.options.Queries.Raffle(ctx, id, &caller)
	if err != nil {
		return nil, err
	}
	return &createRaffleOutput{Location: URLPath(ctx, root+"/v2/raffles/"+id.String()), Body: raffleOf(created)}, nil
}

// RaffleInput names the raffle in the path. It is exported because huma passes over embedded types
// that are not.
type RaffleInput struct {
	ID uuid.UUID `path:"id" format:"uuid" doc:"The raffle."`
}

var getRaffleOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}", id: "get-raffle", tag: "Raffles", access: optional, cache: 2 * time.Second,
	summary:     "Get a raffle",
	description: "A draft exists only for its owner; everybody else gets 404.",
	refusals:    []raffle.Code{raffle.CodeNotFound},
	response:    exampleRaffle,
}

// getRaffle handles GET /rifaapp/v2/raffles/{id}.
func (a *API) getRaffle(ctx context.Context, in *RaffleInput) (*raffleOutput, error) {
	r, err := a.options.Queries.Raffle(ctx, in.ID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	return &raffleOutput{raffleOf(r)}, nil
}

func callerOrNil(ctx context.Context) *uuid.UUID {
	if caller, ok := CallerFrom(ctx); ok {
		return &caller
	}
	return nil
}

type updateRaffleInput struct {
	RaffleInput
	Body struct {
		Title       patch[string]  `json:"title,omitempty" minLength:"3" maxLength:"120" example:"Moto 0 km, segunda vuelta"`
		Description patch[string]  `json:"description,omitempty" nullable:"true" maxLength:"1000" doc:"null clears it."`
		DrawAt      patch[instant] `json:"draw_at,omitempty" nullable:"true" doc:"In the future, before the year 9999; null clears it." example:"2030-12-31T20:00:00Z"`
		Status      patch[string]  `json:"status,omitempty" enum:"draft,open,published,closed,drawn,cancelled" doc:"drawn is where only a draw leads." example:"closed"`
		Draw        *drawBody      `json:"draw,omitempty" doc:"The whole draw block anew; until the first hold."`
	}
}

var updateRaffleOperation = operation{
	method: http.MethodPatch, path: "/v2/raffles/{id}", id: "update-raffle", tag: "Raffles", access: bearer,
	summary: "Change a raffle's title, description, draw time or status",
	description: "Only what is sent changes. The lifecycle is draft → open → closed → drawn; draft, open and closed may become cancelled, and closed may become open again " +
		"while the raffle is neither sealed nor drawn. Price, size and numbering cannot change.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeInvalidTransition, raffle.CodeFrozen},
	request:  map[string]any{"title": "Moto 0 km, segunda vuelta", "status": "closed"},
	response: exampleRaffle,
}

// updateRaffle handles PATCH /rifaapp/v2/raffles/{id}.
func (a *API) updateRaffle(ctx context.Context, in *updateRaffleInput) (*raffleOutput, error) {
	caller, _ := CallerFrom(ctx)
	status := command.Change[raffle.Status]{Sent: in.Body.Status.sent}
	if in.Body.Status.value != nil {
		status.Value = new(raffle.ParseStatus(*in.Body.Status.value))
	}
	err := a.options.Raffles.Update(ctx, command.UpdateRaffle{
		RaffleID: in.ID, Caller: caller,
		Title: in.Body.Title.change(), Description: in.Body.Description.change(), DrawAt: command.Change[time.Time]{Sent: in.Body.DrawAt.sent, Value: in.Body.DrawAt.value.time()}, Status: status,
		Draw: in.Body.Draw.rules(),
	})
	if err != nil {
		return nil, err
	}
	r, err := a.options.Queries.Raffle(ctx, in.ID, &caller)
	if err != nil {
		return nil, err
	}
	return &raffleOutput{raffleOf(r)}, nil
}

type deleteRaffleOutput struct {
	Body struct {
		Status   string    `json:"status" enum:"deleted"`
		RaffleID uuid.UUID `json:"raffle_id" format:"uuid"`
	}
}

var deleteRaffleOperation = operation{
	method: http.MethodDelete, path: "/v2/raffles/{id}", id: "delete-raffle", tag: "Raffles", access: bearer,
	summary:     "Delete a raffle of which nothing was sold",
	description: "Its holds go with it. Once a number was sold the raffle can only be cancelled: history stays.",
	refusals:    []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeHasSales},
	response:    map[string]any{"status": "deleted", "raffle_id": exampleRaffleID},
}

// deleteRaffle handles DELETE /rifaapp/v2/raffles/{id}.
func (a *API) deleteRaffle(ctx context.Context, in *RaffleInput) (*deleteRaffleOutput, error) {
	caller, _ := CallerFrom(ctx)
	if err := a.options.Raffles.Delete(ctx, in.ID, caller); err != nil {
		return nil, err
	}
	out := &deleteRaffleOutput{}
	out.Body.Status, out.Body.RaffleID = "deleted", in.ID
	return out, nil
}
