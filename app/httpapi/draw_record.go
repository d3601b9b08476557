package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

const (
	exampleSeal       = "67f73d288abac985a8eb26d97af710487897aa8f531a50e9d0bf34ca8b050364"
	exampleRoot       = "c6ae96cf01b7b2671a93f07dd6169020080277f6fa6f1a1847f5bf788351eaef"
	exampleRulesHash  = "023904715df877baddff76a760ac78c5cf6dc6fe3ada149b0074b64a4be257ce"
	exampleCommitment = "ab93058a54b537880a11ac0bd6a3a0a32ba1172cfdf52c78f5669054ede397f2"
	exampleOwner      = "3b9c1f0e5d2a4c6b8e7f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d"
)

var (
	exampleWinner        = map[string]any{"prize": 0, "alternate": 0, "number": 7, "owner": exampleOwner}
	exampleLotteryResult = map[string]any{
		"digits": "4821", "suspended": false, "draw_number": "4562", "date": "2030-12-21", "source_url": "https://lottery.example/4562",
		"evidence_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "entered_at": "2030-12-22T03:40:00Z", "confirmed_at": "2030-12-22T03:45:00Z",
	}
)

type winnerAnswer struct {
	Prize     int    `json:"prize" doc:"From 0, in the order of the rules."`
	Alternate int    `json:"alternate" doc:"0 is the winner; 1, 2, … follow when nobody answers."`
	Number    int    `json:"number" example:"7"`
	Owner     string `json:"owner" doc:"What stands for the buyer in the public list; the buyer's receipt names it."`
}

type lotteryResultAnswer struct {
	Digits      string     `json:"digits"`
	Suspended   bool       `json:"suspended"`
	DrawNumber  string     `json:"draw_number"`
	Date        string     `json:"date"`
	SourceURL   string     `json:"source_url"`
	Evidence    string     `json:"evidence_sha256"`
	EnteredAt   time.Time  `json:"entered_at"`
	ConfirmedAt *time.Time `json:"confirmed_at" nullable:"true"`
}

type voidSealAnswer struct {
	Seal     string    `json:"seal"`
	Round    uint64    `json:"round"`
	SealedAt time.Time `json:"sealed_at"`
	VoidAt   time.Time `json:"void_at"`
}

// drawRecordAnswer is the proof of a draw: everything but the list that is needed to repeat it.
type drawRecordAnswer struct {
	RaffleID       uuid.UUID             `json:"raffle_id" format:"uuid"`
	WinnerTicketID *uuid.UUID            `json:"winner_ticket_id" format:"uuid" nullable:"true" doc:"Of the first prize. The proof does not cover it: compare winning_number."`
	WinningNumber  *int                  `json:"winning_number" nullable:"true" example:"7" doc:"The first winner's; null before the draw, and when the rules say that nobody wins."`
	Protocol       string                `json:"protocol" enum:"rifa/v1" nullable:"false"`
	Method         string                `json:"method" enum:"beacon,commit_reveal,lottery"`
	Rules          string                `json:"rules" doc:"The rules document as a text, byte for byte."`
	RulesHash      string                `json:"rules_hash"`
	Commitment     string                `json:"commitment" doc:"C, shown since the raffle was published."`
	Secret         string                `json:"secret" doc:"S of commit_reveal, once drawn; otherwise empty."`
	N              int                   `json:"n" doc:"How many numbers were sold."`
	Root           string                `json:"root" doc:"Of the tree over the list (RFC 6962)."`
	SealedAt       time.Time             `json:"sealed_at"`
	Ref            string                `json:"ref" doc:"Names the entropy to come."`
	Seal           string                `json:"seal" doc:"E. Copy it before the draw: it is your witness against a list made up later."`
	Round          uint64                `json:"round" doc:"Of drand quicknet; 0 where none decides."`
	BeaconPath     string                `json:"beacon_path" doc:"Where every public drand endpoint serves that round; empty where none decides."`
	AvailableAt    time.Time             `json:"available_at" doc:"From when on the raffle can be drawn. For a lottery it moves with the objection window."`
	Signature      string                `json:"signature" doc:"Of the round, once drawn."`
	DrawKey        *string               `json:"draw_key" nullable:"true" doc:"D, once drawn."`
	LotteryResults []lotteryResultAnswer `json:"lottery_results" nullable:"false" doc:"All that were entered, corrections too."`
	LotteryOutcome string                `json:"lottery_outcome" doc:"What they led to, once drawn; otherwise empty."`
	Winners        []winnerAnswer        `json:"winners" nullable:"false" doc:"All prizes, then the alternates of each, in draw order; empty before the draw."`
	DrawnAt        *time.Time            `json:"drawn_at" nullable:"true" doc:"Null before the draw. The proof shows only that it is not before available_at."`
	VoidSeals      []voidSealAnswer      `json:"void_seals" nullable:"false" doc:"Seals that were committed too late for their round and replaced."`
}

type drawRecordOutput struct{ Body drawRecordAnswer }

var drawRecordOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/draw", id: "get-draw", tag: "Draw", access: optional, cache: 2 * time.Second,
	summary: "The public record of the draw, to be verified by anybody",
	description: "From the seal on; the winners come with the draw. With …/draw/entries.csv it is all that `rifaapp verify-draw` needs, and …/draw/verify checks it in a browser. " +
		"The proof does not cover winner_ticket_id and void_seals, nor what a lottery's results say besides digits, suspended and date. " +
		"It names no participant: a participant's id is known to the participant and the organiser only. How it works: /rifaapp/verify/draw.en.html, en español /rifaapp/verify/draw.es.html.",
	refusals: []raffle.Code{raffle.CodeNotFound, raffle.CodeNotDrawn},
	response: map[string]any{
		"raffle_id": exampleRaffleID, "winner_ticket_id": exampleTicketID, "winning_number": 7, "protocol": draw.Protocol, "method": "beacon",
		"rules": `{"v":1,"method":"beacon","numbers":{"start":0,"total":100},"prizes":1,"alternates":0,"exclude":"ticket","draw_at":null}`, "rules_hash": exampleRulesHash,
		"commitment": exampleCommitment, "secret": "", "n": 10, "root": exampleRoot, "sealed_at": "2023-08-23T15:58:24Z",
		"ref": draw.ChainHashHex + "00000000000003e8", "seal": exampleSeal, "round": 1000, "beacon_path": draw.BeaconPath(1000), "available_at": "2023-08-23T15:59:24Z",
		"signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
		"draw_key":  "dc944517397cbc8277a074a7178945fd81886e6f25870bdcd4c3a7a10fc1a448", "lottery_results": []any{}, "lottery_outcome": "",
		"winners": []any{exampleWinner}, "drawn_at": "2023-08-23T16:00:02Z", "void_seals": []any{},
	},
}

// getDraw handles GET /rifaapp/v2/raffles/{id}/draw.
func (a *API) getDraw(ctx context.Context, in *RaffleInput) (*drawRecordOutput, error) {
	d, err := a.options.Queries.Draw(ctx, in.ID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	if !d.Sealed {
		return nil, raffle.Refuse(raffle.CodeNotFound, "This raffle was drawn before draws could be proved; its winning number is in the raffle.")
	}
	p := d.Proof
	answer := drawRecordAnswer{
		RaffleID: d.RaffleID, WinnerTicketID: d.WinnerTicketID, WinningNumber: d.WinningNumber,
		Protocol: p.Protocol, Method: string(p.Method), Rules: p.Rules, RulesHash: p.RulesHash.String(), Commitment: p.Commitment.String(),
		Secret: p.Secret.String(), N: p.N, Root: p.Root.String(), SealedAt: p.SealedAt, Ref: p.Ref.String(), Seal: p.Seal.String(),
		Round: p.Round, BeaconPath: d.BeaconPath(), AvailableAt: d.AvailableAt, Signature: p.Signature.String(),
		LotteryResults: lotteryResultsOf(d), LotteryOutcome: string(p.Outcome), Winners: winnersOf(d), DrawnAt: utc(d.DrawnAt), VoidSeals: []voidSealAnswer{},
	}
	if p.DrawKey != nil {
		answer.DrawKey = new(p.DrawKey.String())
	}
	for _, v := range d.VoidSeals {
		answer.VoidSeals = append(answer.VoidSeals, voidSealAnswer{Seal: v.Seal.String(), Round: v.Round, SealedAt: v.SealedAt, VoidAt: v.VoidAt})
	}
	return &drawRecordOutput{answer}, nil
}

func winnersOf(d query.Draw) []winnerAnswer {
	winners := make([]winnerAnswer, len(d.Proof.Winners))
	for i, w := range d.Proof.Winners {
		winners[i] = winnerAnswer{Prize: w.Prize, Alternate: w.Alternate, Number: w.Number, Owner: w.Owner.String()}
	}
	return winners
}

func lotteryResultsOf(d query.Draw) []lotteryResultAnswer {
	results := make([]lotteryResultAnswer, len(d.Results))
	for i, r := range d.Results {
		results[i] = lotteryResultAnswer{
			Digits: r.Digits, Suspended: r.Suspended, DrawNumber: r.DrawNumber, Date: r.Date, SourceURL: r.SourceURL,
			Evidence: r.Evidence.String(), EnteredAt: r.EnteredAt, ConfirmedAt: r.ConfirmedAt,
		}
	}
	return results
}

var drawRulesOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/draw/rules", id: "get-draw-rules", tag: "Draw", access: optional, cache: 2 * time.Second, media: mediaJSON,
	summary:     "The rules document of the draw, byte for byte",
	description: "Its SHA-256 is the raffle's rules_hash. It is published with the raffle and frozen at the first hold.",
	refusals:    []raffle.Code{raffle.CodeNotFound},
	response: map[string]any{
		"v": 1, "method": "beacon", "numbers": map[string]any{"start": 0, "total": 100, "padding": 2}, "prizes": 1, "prize_names": []string{"Moto 0 km"},
		"alternates": 1, "exclude": "participant", "draw_at": "2030-12-24T20:00:00Z",
	},
}

// getDrawRules handles GET /rifaapp/v2/raffles/{id}/draw/rules.
func (a *API) getDrawRules(ctx context.Context, in *RaffleInput) (*document, error) {
	rules, err := a.options.Queries.DrawRules(ctx, in.ID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	return &document{ContentType: mediaJSON, Body: rules}, nil
}

var entriesOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/draw/entries.csv", id: "get-draw-entries", tag: "Draw", access: optional, cache: 2 * time.Second, media: "text/csv",
	summary:     "The sealed list of sold numbers",
	description: "A header, then number,owner lines in ascending order. The owner stands for the buyer without naming anybody.",
	refusals:    []raffle.Code{raffle.CodeNotFound, raffle.CodeNotDrawn, codeAnswerTooLarge},
	response:    draw.EntriesHeader + "\n7," + exampleOwner + "\n",
}

// getDrawEntries handles GET /rifaapp/v2/raffles/{id}/draw/entries.csv.
func (a *API) getDrawEntries(ctx context.Context, in *RaffleInput) (*document, error) {
	entries, err := a.options.Queries.SealedEntries(ctx, in.ID, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	const line = 72 // characters of the longest line
	body := draw.AppendEntries(make([]byte, 0, line*(len(entries)+1)), entries)
	return &document{ContentType: "text/csv; charset=utf-8", Body: body}, nil
}

type inclusionInput struct {
	RaffleInput
	Number int `path:"number" minimum:"0" maximum:"1000100000" doc:"A sold number."`
}

type inclusionOutput struct {
	Body struct {
		RaffleID uuid.UUID `json:"raffle_id" format:"uuid"`
		Number   int       `json:"number"`
		Owner    string    `json:"owner"`
		Index    int       `json:"index" doc:"The number's place in the ascending list, from 0."`
		N        int       `json:"n"`
		Leaf     string    `json:"leaf"`
		Path     []string  `json:"path" nullable:"false" doc:"Siblings on the way to the root, the lowest first (RFC 6962)."`
		Root     string    `json:"root"`
	}
}

var inclusionOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/draw/inclusion/{number}", id: "get-draw-inclusion", tag: "Draw", access: optional, cache: 2 * time.Second,
	summary:     "Show that one number is in the sealed list",
	description: "The audit path from the number and its owner to the root that the seal fixed. 404 for a number that was not sold.",
	refusals:    []raffle.Code{raffle.CodeNotFound, raffle.CodeNotDrawn},
	response: map[string]any{
		"raffle_id": exampleRaffleID, "number": 7, "owner": exampleOwner, "index": 1, "n": 2, "leaf": exampleRulesHash, "path": []string{exampleCommitment}, "root": exampleRoot,
	},
}

// getInclusion handles GET /rifaapp/v2/raffles/{id}/draw/inclusion/{number}.
func (a *API) getInclusion(ctx context.Context, in *inclusionInput) (*inclusionOutput, error) {
	proof, err := a.options.Queries.Inclusion(ctx, in.ID, in.Number, callerOrNil(ctx))
	if err != nil {
		return nil, err
	}
	out := &inclusionOutput{}
	b := &out.Body
	b.RaffleID, b.Number, b.Owner, b.Index, b.N = proof.RaffleID, proof.Number, proof.Owner.String(), proof.Index, proof.N
	b.Leaf, b.Root, b.Path = proof.Leaf.String(), proof.Root.String(), make([]string, len(proof.Path))
	for i, h := range proof.Path {
		b.Path[i] = h.String()
	}
	return out, nil
}
