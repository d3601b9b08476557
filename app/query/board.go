package query

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// NumberState is what a number of the board is at this moment.
type NumberState uint8

// The states, with the codes that the compact board uses for them.
const (
	Available NumberState = iota
	Reserved
	Sold
)

func (s NumberState) String() string {
	return [...]string{"available", "reserved", "sold"}[s]
}

// BoardHead is what is known of a board without looking at its numbers.
type BoardHead struct {
	RaffleID      uuid.UUID
	NumberStart   int
	TotalNumbers  int
	NumberPadding *int
	Reserved      int
	Sold          int
	// Version is another text whenever anything on the board is another: it names the sum of all
	// changes so far and the number of holds that ended by themselves since the last of them.
	Version string
}

// Board is a stretch of a board: States[i] belongs to number First+i.
type Board struct {
	BoardHead
	First  int
	States []NumberState
	Until  map[int]time.Time // when the hold of a reserved number ends
}

// BoardHead answers the head of a raffle's board; a draft's only to its owner.
func (q *Queries) BoardHead(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (BoardHead, error) {
	head := BoardHead{RaffleID: raffleID}
	var version, expired int64
	err := postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		SELECT r.number_start, r.total_tickets, r.number_padding, c.reserved - e.expired, c.sold, c.version, e.expired
		FROM raffles_read r
		CROSS JOIN LATERAL (
			SELECT COALESCE(sum(reserved), 0) AS reserved, COALESCE(sum(sold), 0) AS sold, COALESCE(sum(version), 0)::bigint AS version
			FROM raffle_counts_read WHERE raffle_id = r.id) c
		CROSS JOIN LATERAL (
			SELECT count(*) AS expired
			FROM raffle_numbers_read WHERE raffle_id = r.id AND reserved_until <= now()) e
		WHERE r.id = $1 AND (r.status <> 'draft' OR r.owner_id = $2)`, raffleID, caller).
		Scan(&head.NumberStart, &head.TotalNumbers, &head.NumberPadding, &head.Reserved, &head.Sold, &version, &expired)
	head.Version = fmt.Sprintf("%x.%x", version, expired)
	return head, found(err)
}

// Board answers the numbers from first on, at most count of them, under the head that the caller has
// just read. The server aggregates the rows that exist into arrays: a board of 100 000 numbers comes
// in one row.
func (q *Queries) Board(ctx context.Context, head BoardHead, first, count int) (Board, error) {
	board := Board{BoardHead: head, First: first}
	end := min(first+count, head.NumberStart+head.TotalNumbers)
	if end <= first {
		return board, nil
	}
	var (
		sold, held []int32
		until      []time.Time
	)
	err := postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		SELECT array_agg(number) FILTER (WHERE reserved_until IS NULL),
			array_agg(number) FILTER (WHERE reserved_until > now()),
			array_agg(reserved_until) FILTER (WHERE reserved_until > now())
		FROM raffle_numbers_read WHERE raffle_id = $1 AND number >= $2 AND number < $3`, head.RaffleID, first, end).
		Scan(&sold, &held, &until)
	if err != nil {
		return Board{}, postgres.Translate(err)
	}
	board.States = make([]NumberState, end-first)
	board.Until = make(map[int]time.Time, len(held))
	for _, number := range sold {
		board.States[int(number)-first] = Sold
	}
	for i, number := range held {
		board.States[int(number)-first] = Reserved
		board.Until[int(number)] = until[i]
	}
	return board, nil
}
