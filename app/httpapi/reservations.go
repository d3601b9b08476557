package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type participantBody struct {
	Name  string  `json:"name" minLength:"2" maxLength:"120" example:"Luz Marina"`
	Email *string `json:"email,omitempty" nullable:"true" format:"idn-email" maxLength:"254" example:"luz@example.com"`
}

type reserveInput struct {
	RaffleInput
	Body struct {
		Participant   *participantBody `json:"participant,omitempty" doc:"Who buys; required unless a token or participant_id says so."`
		Numbers       []int32          `json:"numbers,omitempty" minItems:"1" maxItems:"50" uniqueItems:"true" doc:"Either these or quantity." example:"[7,13]"`
		Quantity      *int             `json:"quantity,omitempty" minimum:"1" maximum:"50" doc:"So many random free numbers." example:"2"`
		ParticipantID *uuid.UUID       `json:"participant_id,omitempty" format:"uuid" nullable:"true" doc:"The participant of an earlier reservation of yours. With a token the account's participant is used."`
		TTLMinutes    int              `json:"ttl_minutes,omitempty" minimum:"1" maximum:"60" default:"10" doc:"How long the numbers are held." example:"10"`
	}
}

type reservationAnswer struct {
	ReservationID uuid.UUID `json:"reservation_id" format:"uuid" doc:"Confirm or release with it; keep it to yourself."`
	ParticipantID uuid.UUID `json:"participant_id" format:"uuid" doc:"Lists what you bought; keep it to yourself."`
	RaffleID      uuid.UUID `json:"raffle_id" format:"uuid"`
	Numbers       []int32   `json:"numbers" nullable:"false"`
	ExpiresAt     time.Time `json:"expires_at"`
	TicketPrice   string    `json:"ticket_price" example:"5000.00"`
	Currency      string    `json:"currency" example:"COP"`
	TotalPrice    string    `json:"total_price" example:"10000.00"`
}

type reserveOutput struct{ Body reservationAnswer }

var reserveOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/reservations", id: "reserve-numbers", tag: "Buying", access: optional, status: http.StatusCreated,
	summary: "Hold numbers for some minutes",
	description: "All the numbers or none. With a token they are held for the one participant of that account; without, for a new participant or for the one " +
		"whose participant_id is sent. When some numbers are taken the answer is 409 with the taken numbers.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeRaffleNotOpen, raffle.CodeNumbersUnavailable},
	request:  map[string]any{"participant": map[string]any{"name": "Luz Marina", "email": "luz@example.com"}, "numbers": []int{7, 13}},
	response: map[string]any{
		"reservation_id": exampleReservationID, "participant_id": exampleParticipantID, "raffle_id": exampleRaffleID, "numbers": []int{7, 13},
		"expires_at": "2030-01-15T14:40:00Z", "ticket_price": "5000.00", "currency": "COP", "total_price": "10000.00",
	},
}

// reserveNumbers handles POST /rifaapp/v2/raffles/{id}/reservations.
func (a *API) reserveNumbers(ctx context.Context, in *reserveInput) (*reserveOutput, error) {
	body := &in.Body
	reserve := command.ReserveNumbers{
		RaffleID: in.ID, Caller: callerOrNil(ctx), ParticipantID: body.ParticipantID,
		Numbers: body.Numbers, Quantity: body.Quantity, Minutes: body.TTLMinutes,
	}
	if body.Participant != nil {
		reserve.Name, reserve.Email = &body.Participant.Name, body.Participant.Email
	}
	r, err := a.options.Raffles.Reserve(ctx, reserve)
	if err != nil {
		return nil, err
	}
	return &reserveOutput{reservationAnswer{
		ReservationID: r.ID, ParticipantID: r.ParticipantID, RaffleID: r.RaffleID, Numbers: r.Numbers, ExpiresAt: r.ExpiresAt.UTC(),
		TicketPrice: r.TicketPrice.String(), Currency: r.Currency, TotalPrice: r.TotalPrice.String(),
	}}, nil
}

type confirmInput struct {
	RaffleInput
	Body struct {
		ReservationID    uuid.UUID        `json:"reservation_id" format:"uuid"`
		ParticipantID    *uuid.UUID       `json:"participant_id,omitempty" format:"uuid" nullable:"true" doc:"Must be the reservation's when sent."`
		Participant      *participantBody `json:"participant,omitempty" doc:"Accepted from old clients; the participant was made by the reservation."`
		PaymentMethod    string           `json:"payment_method,omitempty" minLength:"1" maxLength:"30" default:"demo" example:"nequi"`
		PaymentReference *string          `json:"payment_reference,omitempty" nullable:"true" minLength:"1" maxLength:"120" doc:"Unique in the raffle." example:"NQ-20300115-0042"`
	}
}

type purchaseAnswer struct {
	PurchaseID    uuid.UUID `json:"purchase_id" format:"uuid"`
	RaffleID      uuid.UUID `json:"raffle_id" format:"uuid"`
	ParticipantID uuid.UUID `json:"participant_id" format:"uuid"`
	Numbers       []int32   `json:"numbers" nullable:"false"`
	TotalPrice    string    `json:"total_price" example:"10000.00"`
	Currency      string    `json:"currency" example:"COP"`
	Status        string    `json:"status" enum:"confirmed"`
	CreatedAt     time.Time `json:"created_at"`

	Receipt *receiptAnswer `json:"receipt,omitempty" doc:"Signed; keep it. A sale older than receipts has none."`
}

type confirmOutput struct{ Body purchaseAnswer }

var confirmOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/confirm", id: "confirm-purchase", tag: "Buying", access: optional,
	summary: "Buy the numbers of a reservation",
	description: "Repeating it returns the same purchase. After the hold has expired it still succeeds when nobody took any of its numbers; else it is 409 with the numbers lost. " +
		"Where the raffle's confirmation is organizer only its owner may confirm. A reservation of an account needs that account's token.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeRaffleNotOpen, raffle.CodeReservationExpired, raffle.CodeReservationGone, raffle.CodePaymentReference},
	request:  map[string]any{"reservation_id": exampleReservationID, "payment_method": "nequi", "payment_reference": "NQ-20300115-0042"},
	response: map[string]any{
		"purchase_id": examplePurchaseID, "raffle_id": exampleRaffleID, "participant_id": exampleParticipantID, "numbers": []int{7, 13},
		"total_price": "10000.00", "currency": "COP", "status": "confirmed", "created_at": "2030-01-15T14:32:00Z",
		"receipt": exampleReceipt,
	},
}

// confirmPurchase handles POST /rifaapp/v2/raffles/{id}/confirm.
func (a *API) confirmPurchase(ctx context.Context, in *confirmInput) (*confirmOutput, error) {
	p, err := a.options.Raffles.Confirm(ctx, command.ConfirmPurchase{
		RaffleID: in.ID, ReservationID: in.Body.ReservationID, Caller: callerOrNil(ctx), ParticipantID: in.Body.ParticipantID,
		PaymentMethod: in.Body.PaymentMethod, PaymentReference: in.Body.PaymentReference,
	})
	if err != nil {
		return nil, err
	}
	out := &confirmOutput{purchaseAnswer{
		PurchaseID: p.ID, RaffleID: p.RaffleID, ParticipantID: p.ParticipantID, Numbers: p.Numbers,
		TotalPrice: p.TotalPrice.String(), Currency: p.Currency, Status: p.Status, CreatedAt: p.CreatedAt.UTC(),
	}}
	if p.Receipt != nil {
		signed, err := a.options.Receipts.Sign(ctx, *p.Receipt)
		if err != nil {
			return nil, err
		}
		out.Body.Receipt = receiptOf(signed)
	}
	return out, nil
}

type releaseInput struct {
	RaffleInput
	Body struct {
		ReservationID uuid.UUID `json:"reservation_id" format:"uuid"`
	}
}

type releaseOutput struct {
	Body struct {
		Status   string `json:"status" enum:"released"`
		Released int    `json:"released" doc:"How many numbers went back on the board; 0 when it is repeated." example:"2"`
	}
}

var releaseOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/release", id: "release-reservation", tag: "Buying", access: optional,
	summary:     "Give held numbers back",
	description: "Repeating it answers 0. A reservation of an account needs that account's token or the organiser's.",
	refusals:    []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden},
	request:     map[string]any{"reservation_id": exampleReservationID},
	response:    map[string]any{"status": "released", "released": 2},
}

// releaseReservation handles POST /rifaapp/v2/raffles/{id}/release.
func (a *API) releaseReservation(ctx context.Context, in *releaseInput) (*releaseOutput, error) {
	released, err := a.options.Raffles.Release(ctx, in.ID, in.Body.ReservationID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	out := &releaseOutput{}
	out.Body.Status, out.Body.Released = "released", released
	return out, nil
}
