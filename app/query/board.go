package query

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
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
	Until  []time.Time // Until[i] is when the hold of a reserved number ends; nil when none is held
}

// selectHead, fromHead and whereHead find the head of the board of raffle $1, a draft's only for its owner $2, for
// BoardHead.scan; what is selected beside it sees the same moment.
const selectHead = `
	r.number_start, r.total_tickets, r.number_padding, c.reserved - e.expired, c.sold, c.version, e.expired`

const fromHead = `
	raffles_read r
	CROSS JOIN LATERAL (
		SELECT COALESCE(sum(reserved), 0) AS reserved, COALESCE(sum(sold), 0) AS sold, COALESCE(sum(version), 0)::bigint AS version
		FROM raffle_counts_read WHERE raffle_id = r.id) c
	CROSS JOIN LATERAL (
		SELECT count(*) AS expired
		FROM raffle_numbers_read WHERE raffle_id = r.id AND reserved_until <= now()) e`

const whereHead = `r.id = $1 AND (r.status <> 'draft' OR r.owner_id = $2)`

func (h *BoardHead) scan(row pgx.Row, beside ...any) error {
	var version, expired int64
	head := []any{&h.NumberStart, &h.TotalNumbers, &h.NumberPadding, &h.Reserved, &h.Sold, &version, &expired}
	err := row.Scan(append(head, beside...)...)
	h.Version = fmt.Sprintf("%x.%x", version, expired)
	return found(err)
}

// BoardHead answers the head of a raffle's board; a draft's only to its owner.
func (q *Queries) BoardHead(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (BoardHead, error) {
	head := BoardHead{RaffleID: raffleID}
	err := head.scan(postgres.Reader(ctx, q.DB).QueryRow(ctx,
		`SELECT`+selectHead+` FROM`+fromHead+` WHERE `+whereHead, raffleID, caller))
	return head, err
}

// selectBoard is the head of a board with its numbers, which where narrows. The server aggregates the
// rows that exist into arrays: a board of 100 000 numbers comes in one row.
func selectBoard(where string) string {
	return `
		SELECT` + selectHead + `, n.sold, n.held, n.until
		FROM` + fromHead + `
		CROSS JOIN LATERAL (
			SELECT array_agg(number) FILTER (WHERE reserved_until IS NULL) AS sold,
				array_agg(number) FILTER (WHERE reserved_until > now()) AS held,
				array_agg(reserved_until) FILTER (WHERE reserved_until > now()) AS until
			FROM raffle_numbers_read WHERE raffle_id = $1` + where + `) n
		WHERE ` + whereHead
}

// stretch narrows a board down to $4 numbers after the first $3.
const stretch = ` AND number >= r.number_start + $3 AND number < r.number_start + $3 + $4`

// Board answers the numbers of a raffle's board, at most limit of them after the first offset ones, with
// the head of the same moment; limit 0 is as many as there are. A draft's only to its owner.
func (q *Queries) Board(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID, offset, limit int) (Board, error) {
	board := Board{BoardHead: BoardHead{RaffleID: raffleID}}
	var (
		sold, held []int32
		until      []time.Time
	)
	scan := func(row pgx.Row) error { return board.scan(row, &sold, &held, &until) }
	whole := offset == 0 && limit == 0
	if limit == 0 {
		limit = raffle.MaxTickets
	}
	reader := postgres.Reader(ctx, q.DB)
	var err error
	if whole {
		err = inPageOrder(ctx, reader, scan, selectBoard(""), raffleID, caller)
	} else {
		err = scan(reader.QueryRow(ctx, selectBoard(stretch), raffleID, caller, offset, limit))
	}
	if err != nil {
		return Board{}, err
	}
	first := board.NumberStart + offset
	board.First = first
	count := min(limit, board.TotalNumbers-offset)
	if count <= 0 {
		return board, nil
	}
	board.States = make([]NumberState, count)
	for _, number := range sold {
		board.States[int(number)-first] = Sold
	}
	if len(held) > 0 {
		board.Until = make([]time.Time, len(board.States))
	}
	for i, number := range held {
		board.States[int(number)-first] = Reserved
		board.Until[int(number)-first] = until[i]
	}
	return board, nil
}

// pageOrder, in the transaction of a query over a whole board, makes the planner gather the rows first
// and fetch them in the order in which they lie on disk. It knows a board's size no better than as the
// mean of all, and would fetch each row of a large one by itself, which takes twice as long.
const pageOrder = `SELECT set_config('enable_indexscan', 'off', true)`

// inPageOrder reads the one row of a query over a whole board, in one trip. In a transaction, whose other
// queries it would change, it leaves the planner alone.
func inPageOrder(ctx context.Context, reader postgres.Querier, scan func(row pgx.Row) error, query string, args ...any) error {
	db, ok := reader.(*pgxpool.Pool)
	if !ok {
		return postgres.Translate(scan(reader.QueryRow(ctx, query, args...)))
	}
	batch := &pgx.Batch{}
	batch.Queue(pageOrder)
	batch.Queue(query, args...).QueryRow(scan)
	return postgres.Translate(db.SendBatch(ctx, batch).Close())
}
