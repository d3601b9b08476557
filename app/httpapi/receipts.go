package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// receiptAnswer is the signed receipt of a purchase. With it a buyer can prove that a sold number was
// left out of the sealed list.
type receiptAnswer struct {
	Protocol   string    `json:"protocol" enum:"rifa/v1"`
	RaffleID   uuid.UUID `json:"raffle_id" format:"uuid"`
	Commitment string    `json:"commitment"`
	PurchaseID uuid.UUID `json:"purchase_id" format:"uuid"`
	Owner      string    `json:"owner" doc:"What stands for you in the public list."`
	Numbers    []int     `json:"numbers" nullable:"false" doc:"Ascending."`
	IssuedAt   time.Time `json:"issued_at"`
	KeyID      string    `json:"key_id" doc:"Of a key in /rifaapp/.well-known/rifa-keys.json."`
	PublicKey  string    `json:"public_key"`
	Signature  string    `json:"signature" doc:"Ed25519."`
}

var exampleReceipt = map[string]any{
	"protocol": draw.Protocol, "raffle_id": exampleRaffleID, "commitment": exampleCommitment, "purchase_id": examplePurchaseID, "owner": exampleOwner,
	"numbers": []int{7, 13}, "issued_at": "2030-01-15T14:32:00Z", "key_id": exampleKeyID,
	"public_key": "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
	"signature":  "5e2fd4fb3c8a1a7f9d0b6e4c2a8f7d6e5c4b3a291807f6e5d4c3b2a190817263544536271809f8e7d6c5b4a392817060504f3e2d1c0b9a8978695a4b3c2d1e0f",
}

const exampleKeyID = "139e3940e64b5491"

func receiptOf(r draw.Receipt) *receiptAnswer {
	return &receiptAnswer{
		Protocol: r.Protocol, RaffleID: r.RaffleID, Commitment: r.Commitment.String(), PurchaseID: r.PurchaseID, Owner: r.Owner.String(),
		Numbers: r.Numbers, IssuedAt: r.IssuedAt, KeyID: r.KeyID, PublicKey: r.PublicKey.String(), Signature: r.Signature.String(),
	}
}

type receiptInput struct {
	RaffleInput
	PurchaseID uuid.UUID `path:"purchase_id" format:"uuid" doc:"From the confirm; a secret of the buyer."`
}

type receiptOutput struct{ Body receiptAnswer }

var receiptOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/purchases/{purchase_id}/receipt", id: "get-receipt", tag: "Buying", access: optional,
	summary: "The signed receipt of a purchase",
	description: "It names the numbers and what stands for the buyer in the public list: keep it until the prize is handed over. " +
		"A purchase of an account needs that account's token, or the organiser's.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden},
	response: exampleReceipt,
}

// getReceipt handles GET /rifaapp/v2/raffles/{id}/purchases/{purchase_id}/receipt.
func (a *API) getReceipt(ctx context.Context, in *receiptInput) (*receiptOutput, error) {
	unsigned, err := a.options.Queries.Receipt(ctx, in.ID, in.PurchaseID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	signed, err := a.options.Receipts.Sign(ctx, unsigned)
	if err != nil {
		return nil, err
	}
	return &receiptOutput{*receiptOf(signed)}, nil
}

type receiptKeysOutput struct{ Body receiptKeysAnswer }

type receiptKeysAnswer struct {
	Keys []receiptKeyAnswer `json:"keys" nullable:"false"`
}

type receiptKeyAnswer struct {
	Type  string `json:"kty" enum:"OKP"`
	Curve string `json:"crv" enum:"Ed25519"`
	ID    string `json:"kid"`
	X     string `json:"x" doc:"The public key in base64url."`
	Use   string `json:"use" enum:"sig"`
	Alg   string `json:"alg" enum:"EdDSA"`
}

var receiptKeysOperation = operation{
	method: http.MethodGet, path: "/.well-known/rifa-keys.json", id: "get-receipt-keys", tag: "Draw", access: public, cache: time.Minute,
	summary:     "The public keys that sign, or signed, receipts",
	description: "A JSON Web Key Set (RFC 7517, RFC 8037). Keys that no longer sign stay in it.",
	response: map[string]any{"keys": []any{map[string]any{
		"kty": "OKP", "crv": "Ed25519", "kid": exampleKeyID, "x": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik", "use": "sig", "alg": "EdDSA",
	}}},
}

// getReceiptKeys handles GET /rifaapp/.well-known/rifa-keys.json.
func (a *API) getReceiptKeys(ctx context.Context, _ *struct{}) (*receiptKeysOutput, error) {
	public, err := a.options.Queries.ReceiptKeys(ctx)
	if err != nil {
		return nil, err
	}
	out := &receiptKeysOutput{receiptKeysAnswer{Keys: []receiptKeyAnswer{}}}
	for _, key := range draw.NewKeys(public...).Keys {
		out.Body.Keys = append(out.Body.Keys, receiptKeyAnswer(key))
	}
	return out, nil
}
