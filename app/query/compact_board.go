package query

import (
	"bytes"
	"context"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// BoardClock tells moments of one board apart: two equal clocks saw the same board. It holds the
// version of each slot of the raffle's counters, which every change of the board moves, and the end
// of the last hold that ended by itself, which changes the board without a write.
type BoardClock struct {
	Slots []int64
	Ended int64 // microseconds since 1970; 0: no hold that is on the board has ended
}

// CompactBoard is a board with two bits a number, at one moment.
type CompactBoard struct {
	RaffleID     uuid.UUID
	NumberStart  int
	TotalNumbers int
	Clock        BoardClock
	// Packed has number NumberStart+i in byte i/4, at the bits 2·(i%4) and 2·(i%4)+1 counted from the
	// lowest: its NumberState. It is nil where only changes were asked for.
	Packed []byte
	// Changes are the numbers that may be another than at the earlier moment asked for, each with the
	// state it has now, when Packed is nil.
	Changes []NumberChange
}

// NumberChange is the state that a number has come to.
type NumberChange struct {
	Number int
	State  NumberState
}

// selectClock is the clock of the board of raffle $1 in the snapshot of its statement.
const selectClock = `
	ARRAY(SELECT version FROM raffle_counts_read WHERE raffle_id = $1 ORDER BY slot),
	COALESCE((SELECT (extract(epoch FROM max(reserved_until)) * 1000000)::bigint
		FROM raffle_numbers_read WHERE raffle_id = $1 AND reserved_until <= now()), 0)`

// CompactHead answers a board without its numbers: what a client that has it already needs. A
// draft's only to its owner. It costs two index reads.
func (q *Queries) CompactHead(ctx context.Context, raffleID uuid.UUID, caller *uuid.UUID) (CompactBoard, error) {
	board := CompactBoard{RaffleID: raffleID}
	err := postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		SELECT number_start, total_tickets, `+selectClock+`
		FROM raffles_read WHERE id = $1 AND (status <> 'draft' OR owner_id = $2)`, raffleID, caller).
		Scan(&board.NumberStart, &board.TotalNumbers, &board.Clock.Slots, &board.Clock.Ended)
	return board, found(err)
}

// CompactBoard answers the whole board under the head that the caller has just read. Clock and
// numbers come from one snapshot. People who ask at the same time share one answer: leave Packed as
// it is.
func (q *Queries) CompactBoard(ctx context.Context, head CompactBoard) (CompactBoard, error) {
	reader := postgres.Reader(ctx, q.DB)
	if reader != postgres.Querier(q.DB) {
		return readCompactBoard(ctx, reader, head)
	}
	return q.boards.ask(ctx, head.RaffleID, func(ctx context.Context) (CompactBoard, error) {
		if last, ok := q.packed.get(head.RaffleID); ok {
			board, known, err := q.BoardChanges(ctx, head, last.Clock)
			if err != nil {
				return CompactBoard{}, err
			}
			if known {
				board.Packed = bytes.Clone(last.Packed)
				board.apply()
				q.packed.keep(board)
				return board, nil
			}
		}
		board, err := readCompactBoard(ctx, reader, head)
		if err == nil {
			q.packed.keep(board)
		}
		return board, err
	})
}

func readCompactBoard(ctx context.Context, reader postgres.Querier, head CompactBoard) (CompactBoard, error) {
	var sold, held []int32
	scan := func(row pgx.Row) error { return row.Scan(&head.Clock.Slots, &head.Clock.Ended, &sold, &held) }
	err := inPageOrder(ctx, reader, scan, `
		SELECT `+selectClock+`, n.sold, n.held
		FROM (
			SELECT array_agg(number) FILTER (WHERE reserved_until IS NULL) AS sold,
				array_agg(number) FILTER (WHERE reserved_until > now()) AS held
			FROM raffle_numbers_read WHERE raffle_id = $1) AS n`, head.RaffleID)
	if err != nil {
		return CompactBoard{}, err
	}
	head.Packed = make([]byte, (head.TotalNumbers+3)/4)
	head.pack(sold, Sold)
	head.pack(held, Reserved)
	return head, nil
}

// apply brings Packed up to date with Changes, and forgets these.
func (b *CompactBoard) apply() {
	for _, c := range b.Changes {
		i := c.Number - b.NumberStart
		b.Packed[i/4] = b.Packed[i/4]&^(3<<(i%4*2)) | byte(c.State)<<(i%4*2)
	}
	b.Changes = nil
}

// packedBoards are the boards that this process read last. They are never served as they are, only
// brought up to date: what changed since is read with every request, which costs a tenth of reading a
// board of 100 000 numbers anew.
type packedBoards struct {
	mu     sync.Mutex
	boards map[uuid.UUID]CompactBoard
}

// maxPackedBoards of 25 kB and less.
const maxPackedBoards = 64

func (p *packedBoards) get(raffleID uuid.UUID) (CompactBoard, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	board, ok := p.boards[raffleID]
	return board, ok
}

// keep forgets any other board when there are too many.
func (p *packedBoards) keep(board CompactBoard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.boards == nil {
		p.boards = map[uuid.UUID]CompactBoard{}
	}
	for id := range p.boards {
		if len(p.boards) < maxPackedBoards {
			break
		}
		delete(p.boards, id)
	}
	board.Packed = bytes.Clone(board.Packed)
	p.boards[board.RaffleID] = board
}

func (b *CompactBoard) pack(numbers []int32, state NumberState) {
	for _, number := range numbers {
		i := int(number) - b.NumberStart
		b.Packed[i/4] |= byte(state) << (i % 4 * 2)
	}
}

// BoardChanges answers the numbers that may have changed since an earlier moment, under the head that
// the caller has just read. known is false when the moment is not remembered any more, or not one of
// this board: then only the whole board helps.
//
// A slot's versions commit in order and without gaps, and a change is written down in the block of 16
// versions that its own is in: the last block stands with the counters, those before it in the ring. So
// the changes since are known exactly when there is one for each version that each slot has moved on.
// Holds that ended by themselves are found by their time.
func (q *Queries) BoardChanges(ctx context.Context, head CompactBoard, since BoardClock) (board CompactBoard, known bool, err error) {
	if len(since.Slots) != len(head.Clock.Slots) {
		return head, false, nil
	}
	var sold, held, free []int32
	err = postgres.Reader(ctx, q.DB).QueryRow(ctx, `
		WITH moved AS (
			SELECT c.slot, c.version, c.recent, s.version AS since
			FROM unnest($2::bigint[]) WITH ORDINALITY AS s (version, nth)
			JOIN raffle_counts_read c ON c.raffle_id = $1 AND c.slot = s.nth - 1
			WHERE c.version <> s.version),
		blocks AS (
			SELECT m.since, block, CASE WHEN block < m.version / 16 THEN b.numbers
				WHEN m.recent[1] = -1 - m.version % 16 THEN m.recent END AS entries
			FROM moved m
			CROSS JOIN generate_series(0, 16) AS nth -- constants, or the planner expects thousands and compiles
			CROSS JOIN LATERAL (SELECT (m.since + 1) / 16 + nth AS block) AS at
			LEFT JOIN board_changes_read b ON b.raffle_id = $1 AND b.slot = m.slot AND b.turn = block % 16 AND b.version = block * 16 + 15
			WHERE block <= m.version / 16),
		changes AS ( -- a block's newest are first, each behind -1 - version % 16; from that of since on they are cut off
			SELECT unnest(entries[:COALESCE(CASE WHEN block = since / 16 THEN array_position(entries, (-1 - since % 16)::integer) - 1 END,
				cardinality(entries))]) AS entry
			FROM blocks),
		touched AS (
			SELECT entry AS number FROM changes WHERE entry >= 0
			UNION
			SELECT number FROM raffle_numbers_read
			WHERE raffle_id = $1 AND reserved_until <= now() AND reserved_until > to_timestamp($3::bigint / 1000000.0)),
		states AS (
			SELECT t.number, CASE WHEN n.number IS NULL OR n.reserved_until <= now() THEN 0
				WHEN n.reserved_until IS NULL THEN 2 ELSE 1 END AS state
			FROM touched t
			LEFT JOIN LATERAL ( -- each through the primary key: the planner expects far more of them than there are
				SELECT * FROM raffle_numbers_read WHERE raffle_id = $1 AND number = t.number LIMIT 1) n ON true)
		SELECT (SELECT count(*) FROM changes WHERE entry < 0) = COALESCE((SELECT sum(version - since) FROM moved), 0)
				AND NOT EXISTS (SELECT FROM moved WHERE version < since),
			`+selectClock+`,
			ARRAY(SELECT number FROM states WHERE state = 0 ORDER BY 1),
			ARRAY(SELECT number FROM states WHERE state = 1 ORDER BY 1),
			ARRAY(SELECT number FROM states WHERE state = 2 ORDER BY 1)`,
		head.RaffleID, since.Slots, since.Ended).
		Scan(&known, &head.Clock.Slots, &head.Clock.Ended, &free, &held, &sold)
	if err != nil {
		return CompactBoard{}, false, postgres.Translate(err)
	}
	head.Changes = make([]NumberChange, 0, len(free)+len(held)+len(sold))
	for state, numbers := range [][]int32{free, held, sold} {
		for _, number := range numbers {
			head.Changes = append(head.Changes, NumberChange{Number: int(number), State: NumberState(state)})
		}
	}
	return head, known, nil
}
