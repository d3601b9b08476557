package query

import (
	"context"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Draw is the result of a drawn raffle.
type Draw struct {
	RaffleID            uuid.UUID
	WinnerTicketID      uuid.UUID
	WinnerParticipantID uuid.UUID
	WinningNumber       int
}

// Draw answers the result of a raffle's draw, CodeNotDrawn before there is one.
func (q *Queries) Draw(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (Draw, error) {
	r, err := q.Raffle(ctx, raffleID, caller)
	if err != nil {
		return Draw{}, err
	}
	if r.WinningNumber == nil || r.WinnerTicketID == nil {
		return Draw{}, raffle.Refuse(raffle.CodeNotDrawn, "This raffle has not been drawn yet.")
	}
	draw := Draw{RaffleID: raffleID, WinnerTicketID: *r.WinnerTicketID, WinningNumber: *r.WinningNumber}
	err = postgres.Reader(ctx, q.DB).
		QueryRow(ctx, `SELECT participant_id FROM purchases_read WHERE raffle_id = $1 AND winner`, raffleID).
		Scan(&draw.WinnerParticipantID)
	return draw, postgres.Translate(err)
}
