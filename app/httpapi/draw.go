package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type drawOutput struct {
	Body struct {
		RaffleID            uuid.UUID `json:"raffle_id" format:"uuid"`
		WinnerTicketID      uuid.UUID `json:"winner_ticket_id" format:"uuid"`
		WinnerParticipantID uuid.UUID `json:"winner_participant_id" format:"uuid"`
		WinningNumber       int       `json:"winning_number" example:"7"`
	}
}

var drawOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/draw", id: "draw-raffle", tag: "Draw", access: bearer,
	summary:     "Draw the winner",
	description: "From closed, or from open with at least one number sold, which closes it and drops its holds first. Repeating it returns the same winner.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeInvalidTransition, raffle.CodeNothingSold,
		raffle.CodeDrawNotDue},
	response: map[string]any{
		"raffle_id": exampleRaffleID, "winner_ticket_id": exampleTicketID, "winner_participant_id": exampleParticipantID, "winning_number": 7,
	},
}

// drawRaffle handles POST /rifaapp/v2/raffles/{id}/draw.
func (a *API) drawRaffle(ctx context.Context, in *RaffleInput) (*drawOutput, error) {
	caller, _ := CallerFrom(ctx)
	if err := a.options.Raffles.Draw(ctx, command.DrawRaffle{RaffleID: in.ID, Caller: &caller}); err != nil {
		return nil, err
	}
	d, err := a.options.Queries.Draw(ctx, in.ID, &caller)
	if err != nil {
		return nil, err
	}
	out := &drawOutput{}
	out.Body.RaffleID, out.Body.WinnerTicketID, out.Body.WinningNumber = d.RaffleID, *d.WinnerTicketID, *d.WinningNumber
	if out.Body.WinnerParticipantID, err = a.options.Queries.WinnerOf(ctx, in.ID, *d.WinningNumber); err != nil {
		return nil, err
	}
	return out, nil
}

type drawRecordOutput struct {
	Body struct {
		RaffleID       uuid.UUID `json:"raffle_id" format:"uuid"`
		WinnerTicketID uuid.UUID `json:"winner_ticket_id" format:"uuid"`
		WinningNumber  int       `json:"winning_number" example:"7"`
	}
}

var drawRecordOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/draw", id: "get-draw", tag: "Draw", access: optional, cache: 2 * time.Second,
	summary:     "The public record of the draw",
	description: "It names no participant: a participant's id is known to the participant and the organiser only.",
	refusals:    []raffle.Code{raffle.CodeNotFound, raffle.CodeNotDrawn},
	response:    map[string]any{"raffle_id": exampleRaffleID, "winner_ticket_id": exampleTicketID, "winning_number": 7},
}

// getDraw handles GET /rifaapp/v2/raffles/{id}/draw.
func (a *API) getDraw(ctx context.Context, in *RaffleInput) (*drawRecordOutput, error) {
	d, err := a.options.Queries.Draw(ctx, in.ID, callerOrNil(ctx))
	if err == nil && d.WinningNumber == nil {
		err = raffle.Refuse(raffle.CodeNotDrawn, "This raffle has not been drawn yet.")
	}
	if err != nil {
		return nil, err
	}
	out := &drawRecordOutput{}
	out.Body.RaffleID, out.Body.WinnerTicketID, out.Body.WinningNumber = d.RaffleID, *d.WinnerTicketID, *d.WinningNumber
	return out, nil
}
