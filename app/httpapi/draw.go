package httpapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// drawAnswer is what sealing and drawing answer: where the raffle stands now.
type drawAnswer struct {
	RaffleID            uuid.UUID      `json:"raffle_id" format:"uuid"`
	WinnerTicketID      *uuid.UUID     `json:"winner_ticket_id" format:"uuid" nullable:"true" doc:"Of the first prize; null before the draw, and when the rules say that nobody wins."`
	WinnerParticipantID *uuid.UUID     `json:"winner_participant_id" format:"uuid" nullable:"true" doc:"For the organiser only."`
	WinningNumber       *int           `json:"winning_number" nullable:"true" example:"7"`
	Winners             []winnerAnswer `json:"winners" nullable:"false" doc:"Of all prizes, then their alternates, in draw order."`
	Seal                string         `json:"seal" doc:"E of the protocol: keep it as your witness." example:"67f73d288abac985a8eb26d97af710487897aa8f531a50e9d0bf34ca8b050364"`
	SealedAt            time.Time      `json:"sealed_at"`
	Round               uint64         `json:"round" doc:"The drand quicknet round that decides; 0 where none does." example:"35000000"`
	BeaconPath          string         `json:"beacon_path" doc:"Where every public drand endpoint serves that round; empty where none decides."`
	AvailableAt         time.Time      `json:"available_at" doc:"From when on the raffle can be drawn."`
}

type drawOutput struct{ Body drawAnswer }

var (
	exampleDrawAnswer = map[string]any{
		"raffle_id": exampleRaffleID, "winner_ticket_id": exampleTicketID, "winner_participant_id": exampleParticipantID, "winning_number": 7,
		"winners": []any{exampleWinner}, "seal": exampleSeal, "sealed_at": "2030-12-24T20:00:00Z", "round": 0, "beacon_path": "", "available_at": "2030-12-24T20:00:00Z",
	}
	exampleSealAnswer = map[string]any{
		"raffle_id": exampleRaffleID, "winner_ticket_id": nil, "winner_participant_id": nil, "winning_number": nil, "winners": []any{},
		"seal": exampleSeal, "sealed_at": "2030-12-24T20:00:00Z", "round": 77241012,
		"beacon_path": "/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971/public/77241012", "available_at": "2030-12-24T20:01:00Z",
	}
)

var sealOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/seal", id: "seal-raffle", tag: "Draw", access: bearer,
	summary: "End the sales for good and seal the list of sold numbers",
	description: "From closed, or from open with at least one number sold, which closes it and drops its holds first; draw_at need not have come. The seal fixes the list and what will decide, " +
		"and cannot be taken back. Repeating it returns the same seal. A raffle seals itself when its last number is sold and when its draw_at passes.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeInvalidTransition, raffle.CodeNothingSold, raffle.CodeSealTooLate},
	response: exampleSealAnswer,
}

// sealRaffle handles POST /rifaapp/v2/raffles/{id}/seal.
func (a *API) sealRaffle(ctx context.Context, in *RaffleInput) (*drawOutput, error) {
	caller, _ := CallerFrom(ctx)
	if err := a.options.Raffles.Seal(ctx, in.ID, caller); err != nil {
		return nil, err
	}
	return a.drawOutput(ctx, in.ID)
}

type drawInput struct {
	RaffleInput
	Body *struct {
		Round     *uint64 `json:"round,omitempty" minimum:"1" maximum:"1099511627776" doc:"The quicknet round that the seal fixed." example:"77241012"`
		Signature string  `json:"signature,omitempty" pattern:"^[0-9a-f]{96}$" patternDescription:"the 96 lower-case hexadecimal digits of the round's signature" example:"b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"`
	}
}

var drawOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/draw", id: "draw-raffle", tag: "Draw", access: optional,
	summary: "Draw the winners",
	description: "Anybody may draw a sealed raffle: nothing is left to choose. For beacon, bring round and signature as any public drand endpoint serves them at beacon_path; the server only checks them. " +
		"Where the committed secret decides (commit_reveal), the organiser may draw without sealing first: from closed, or from open with at least one number sold. Repeating it returns the same winners.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeInvalidTransition, raffle.CodeNothingSold,
		raffle.CodeDrawNotDue, raffle.CodeNotSealed, raffle.CodeResultMissing},
	request:  map[string]any{"round": 1000, "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"},
	response: exampleDrawAnswer,
}

// drawRaffle handles POST /rifaapp/v2/raffles/{id}/draw.
func (a *API) drawRaffle(ctx context.Context, in *drawInput) (*drawOutput, error) {
	d := command.DrawRaffle{RaffleID: in.ID, Caller: callerOrNil(ctx)}
	if in.Body != nil {
		if (in.Body.Round == nil) != (in.Body.Signature == "") {
			return nil, raffle.Invalid(raffle.FieldError{Location: "body", Message: "must have both round and signature, or neither"})
		}
		d.Round = in.Body.Round
		d.Signature, _ = hex.DecodeString(in.Body.Signature) // its pattern was checked
	}
	if err := a.options.Raffles.Draw(ctx, d); err != nil {
		return nil, err
	}
	return a.drawOutput(ctx, in.ID)
}

// drawOutput reads where the raffle stands. Who won is a secret of the winner and the organiser.
func (a *API) drawOutput(ctx context.Context, raffleID uuid.UUID) (*drawOutput, error) {
	caller := callerOrNil(ctx)
	d, err := a.options.Queries.Draw(ctx, raffleID, caller)
	if err != nil {
		return nil, err
	}
	answer := drawAnswer{
		RaffleID: raffleID, WinnerTicketID: d.WinnerTicketID, WinningNumber: d.WinningNumber, Winners: winnersOf(d),
		Round: d.Proof.Round, BeaconPath: d.BeaconPath(), AvailableAt: d.AvailableAt,
	}
	if d.Sealed {
		answer.Seal, answer.SealedAt = d.Proof.Seal.String(), d.Proof.SealedAt
	}
	if d.WinningNumber != nil && caller != nil && d.OwnerID != nil && *caller == *d.OwnerID {
		winner, err := a.options.Queries.WinnerOf(ctx, raffleID, *d.WinningNumber)
		if err != nil {
			return nil, err
		}
		answer.WinnerParticipantID = &winner
	}
	return &drawOutput{answer}, nil
}

type lotteryResultInput struct {
	RaffleInput
	Body struct {
		Digits     string `json:"digits,omitempty" maxLength:"12" doc:"The whole result as the lottery published it; empty when the draw was suspended." example:"4821"`
		Suspended  bool   `json:"suspended,omitempty" doc:"The lottery did not hold this draw."`
		DrawNumber string `json:"draw_number" minLength:"1" maxLength:"120" doc:"The lottery's own number of the draw; the same one again corrects the result." example:"4562"`
		Date       string `json:"date" format:"date" doc:"Of the draw, where the lottery draws: the day in the rules, or a later one after a draw on record that was suspended or drew an unsold number and by the rules left it to the next." example:"2030-12-21"`
		SourceURL  string `json:"source_url" maxLength:"500" doc:"Where the lottery published it." example:"https://lottery.example/4562"`
		Evidence   string `json:"evidence_sha256" pattern:"^[0-9a-f]{64}$" patternDescription:"the 64 lower-case hexadecimal digits of a SHA-256" doc:"Of a file that shows the result, kept by the organiser." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
		Confirm    bool   `json:"confirm,omitempty" doc:"The second time: the result is exactly the one entered last. The objection window begins."`
	}
}

type lotteryResultOutput struct {
	Body struct {
		RaffleID        uuid.UUID             `json:"raffle_id" format:"uuid"`
		Outcome         string                `json:"outcome" enum:"unresolved,winner,beacon,next_draw,void" doc:"What the results lead to by the rules, once confirmed and shown."`
		WinningNumber   *int                  `json:"winning_number" nullable:"true" example:"21"`
		Confirmed       bool                  `json:"confirmed"`
		ObjectionsUntil *time.Time            `json:"objections_until" nullable:"true" doc:"The raffle can be drawn from then on; null until the result is confirmed."`
		Results         []lotteryResultAnswer `json:"lottery_results" nullable:"false"`
	}
}

var lotteryResultOperation = operation{
	method: http.MethodPost, path: "/v2/raffles/{id}/lottery-result", id: "enter-lottery-result", tag: "Draw", access: bearer,
	summary: "Enter the official result of the lottery, then confirm it",
	description: "After the official draw. Send the result once to enter it, and once more with confirm true; 24 hours for objections follow before the raffle can be drawn. " +
		"A result is never overwritten: a correction, with the same draw_number, is added, confirmed and shown for 24 hours in turn. A raffle takes 50 entries.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeForbidden, raffle.CodeInvalidTransition, raffle.CodeNotSealed, raffle.CodeNotLottery,
		raffle.CodeResultDiffers, raffle.CodeTooManyResults, raffle.CodeDrawNotDue},
	request: map[string]any{
		"digits": "4821", "draw_number": "4562", "date": "2030-12-21", "source_url": "https://lottery.example/4562",
		"evidence_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "confirm": true,
	},
	response: map[string]any{
		"raffle_id": exampleRaffleID, "outcome": "winner", "winning_number": 21, "confirmed": true, "objections_until": "2030-12-23T03:45:00Z",
		"lottery_results": []any{exampleLotteryResult},
	},
}

// enterLotteryResult handles POST /rifaapp/v2/raffles/{id}/lottery-result.
func (a *API) enterLotteryResult(ctx context.Context, in *lotteryResultInput) (*lotteryResultOutput, error) {
	caller, _ := CallerFrom(ctx)
	result, err := in.result()
	if err != nil {
		return nil, err
	}
	err = a.options.Raffles.EnterLotteryResult(ctx, command.EnterLotteryResult{RaffleID: in.ID, Caller: caller, Result: result, Confirm: in.Body.Confirm})
	if err != nil {
		return nil, err
	}
	decision, err := a.options.Queries.LotteryDecision(ctx, in.ID, &caller)
	if err != nil {
		return nil, err
	}
	out := &lotteryResultOutput{}
	body := &out.Body
	body.RaffleID, body.Outcome, body.WinningNumber = in.ID, string(decision.Outcome), decision.Number
	body.Results = lotteryResultsOf(decision.Draw)
	if body.Confirmed = decision.Confirmed(); body.Confirmed {
		body.ObjectionsUntil = &decision.AvailableAt
	}
	return out, nil
}

func (in *lotteryResultInput) result() (draw.LotteryResult, error) {
	b := in.Body
	evidence, err := draw.ParseHash(b.Evidence)
	return draw.LotteryResult{
		Digits: b.Digits, Suspended: b.Suspended, DrawNumber: b.DrawNumber, Date: b.Date, SourceURL: b.SourceURL, Evidence: evidence,
	}, err // its pattern was checked
}
