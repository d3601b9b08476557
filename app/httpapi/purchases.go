package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/raffle"
)

type purchasesInput struct {
	Page
	ParticipantID uuid.UUID `path:"participant_id" format:"uuid" doc:"From the reservation."`
}

type boughtAnswer struct {
	PurchaseID    uuid.UUID `json:"purchase_id" format:"uuid"`
	RaffleID      uuid.UUID `json:"raffle_id" format:"uuid"`
	RaffleTitle   string    `json:"raffle_title"`
	RaffleStatus  string    `json:"raffle_status" enum:"draft,open,closed,drawn,cancelled"`
	Numbers       []int     `json:"numbers" nullable:"false"`
	TotalPrice    string    `json:"total_price" example:"10000.00"`
	Currency      string    `json:"currency" example:"COP"`
	Status        string    `json:"status" enum:"confirmed"`
	PaymentMethod string    `json:"payment_method"`
	Winner        bool      `json:"winner" doc:"One of the numbers won."`
	CreatedAt     time.Time `json:"created_at"`
}

type purchasesOutput struct {
	Link string `header:"Link" doc:"rel=next while there is more."`
	Body []boughtAnswer
}

var purchasesOperation = operation{
	method: http.MethodGet, path: "/v2/participants/{participant_id}/purchases", id: "list-purchases", tag: "Buying", access: optional,
	summary:     "What a participant bought, newest first",
	description: "Title, status and winner are never stale. A participant that belongs to an account needs that account's token.",
	refusals:    []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden},
	response: []any{map[string]any{
		"purchase_id": examplePurchaseID, "raffle_id": exampleRaffleID, "raffle_title": "Moto 0 km", "raffle_status": "open", "numbers": []int{7, 13},
		"total_price": "10000.00", "currency": "COP", "status": "confirmed", "payment_method": "nequi", "winner": false, "created_at": "2030-01-15T14:32:00Z",
	}},
}

// listPurchases handles GET /rifaapp/v2/participants/{participant_id}/purchases.
func (a *API) listPurchases(ctx context.Context, in *purchasesInput) (*purchasesOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	purchases, more, err := a.options.Queries.Purchases(ctx, in.ParticipantID, callerOrNil(ctx), positionOf(after), in.Limit)
	if err != nil {
		return nil, err
	}
	out := &purchasesOutput{Body: make([]boughtAnswer, len(purchases))}
	for i, p := range purchases {
		out.Body[i] = boughtAnswer{
			PurchaseID: p.ID, RaffleID: p.RaffleID, RaffleTitle: p.RaffleTitle, RaffleStatus: string(p.RaffleStatus), Numbers: p.Numbers,
			TotalPrice: p.TotalPrice.String(), Currency: p.Currency, Status: p.Status, PaymentMethod: p.PaymentMethod,
			Winner: p.Winner, CreatedAt: p.CreatedAt.UTC(),
		}
	}
	if more {
		last := purchases[len(purchases)-1]
		out.Link = nextLink(ctx, "cursor", cursor{At: last.CreatedAt, ID: last.ID}.String())
	}
	return out, nil
}
