package command

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
)

var releaseStatement = `
	SELECT cardinality(r.numbers), ` + projection.NumbersFreed("$1", "r.numbers", "$4") + `
	FROM release_reservation($1, $2, $3) AS r`

// Release puts the numbers that a reservation still holds back on the board and answers how many
// they were; repeating it answers 0. It shares the raffle's lock and holds the reservation's row, so it
// comes wholly before or wholly after a confirm of the same reservation. caller is the account of the token, nil without one.
func (c *Raffles) Release(ctx context.Context, raffleID, reservationID uuid.UUID, caller *uuid.UUID) (released int, err error) {
	scan := func(row pgx.Row) error { return row.Scan(&released, nil) }
	err = postgres.InOneStatement(ctx, c.DB, postgres.RerunIsSafe, scan, releaseStatement, raffleID, reservationID, caller, projection.Slot())
	return released, refusal(err)
}
