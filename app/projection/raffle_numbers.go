package projection

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A board row exists only for a number that is held or sold; "available" is its absence. Each
// function below moves the raffle's counters by exactly what it changed on the board, and its version,
// from which entity tags are made. The row of the counters' slot is locked from then until the commit:
// that is why a slot's versions have no gaps (see changed).

// reserved are the numbers of reservation $2, read once: joined with, the planner may look the
// reservation up for every row of the board instead.
const reserved = `(SELECT numbers FROM reservations WHERE id = $2)::integer[]`

// NumbersHeld puts the numbers of a new reservation on the board. A hold that was taken over after
// its time keeps its row and changes hands. Nobody else writes these rows meanwhile: whoever did
// would hold the same tickets.
func NumbersHeld(b *pgx.Batch, raffleID, reservationID uuid.UUID) {
	b.Queue(`
		WITH again AS (
			UPDATE raffle_numbers_read SET reserved_until = (SELECT expires_at FROM reservations WHERE id = $2)
			WHERE raffle_id = $1 AND number = ANY (`+reserved+`)
			RETURNING number),
		fresh AS (
			INSERT INTO raffle_numbers_read (raffle_id, number, status, reserved_until)
			SELECT $1, number, 'reserved', (SELECT expires_at FROM reservations WHERE id = $2)
			FROM unnest(`+reserved+`) AS number
			WHERE number NOT IN (SELECT number FROM again)
			RETURNING number),
		moved AS (
			UPDATE raffle_counts_read
			SET reserved = reserved + (SELECT count(*) FROM fresh), version = version + 1
			WHERE raffle_id = $1 AND slot = $3
			RETURNING slot, version),
		touched AS (SELECT number FROM again UNION ALL SELECT number FROM fresh)`+changed("touched"),
		raffleID, reservationID, anySlot())
}

// NumbersSold marks the numbers of a confirmed reservation as sold; they are on the board unless the
// hold was over and swept. Repeating it changes nothing.
func NumbersSold(b *pgx.Batch, raffleID, reservationID uuid.UUID) {
	b.Queue(`
		WITH sold AS (
			UPDATE raffle_numbers_read SET status = 'sold', reserved_until = NULL
			WHERE raffle_id = $1 AND number = ANY (`+reserved+`) AND status = 'reserved'
			RETURNING number),
		late AS (
			INSERT INTO raffle_numbers_read (raffle_id, number, status)
			SELECT $1, unnest(`+reserved+`), 'sold'
			ON CONFLICT (raffle_id, number) DO NOTHING
			RETURNING number),
		moved AS (
			UPDATE raffle_counts_read
			SET sold = sold + (SELECT count(*) FROM sold) + (SELECT count(*) FROM late),
				reserved = reserved - (SELECT count(*) FROM sold), version = version + 1
			WHERE raffle_id = $1 AND slot = $3
			RETURNING slot, version),
		touched AS (SELECT number FROM sold UNION ALL SELECT number FROM late)`+changed("touched"),
		raffleID, reservationID, anySlot())
}

// NumbersReleased takes the numbers that a released reservation still held off the board; numbers
// that somebody else took over meanwhile stay.
func NumbersReleased(b *pgx.Batch, raffleID, reservationID uuid.UUID) {
	b.Queue(`
		WITH freed AS (
			DELETE FROM raffle_numbers_read n
			WHERE n.raffle_id = $1 AND n.number = ANY (`+reserved+`)
				AND NOT EXISTS (SELECT FROM tickets t WHERE t.raffle_id = $1 AND t.number = n.number)
			RETURNING n.number),
		moved AS (
			UPDATE raffle_counts_read
			SET reserved = reserved - (SELECT count(*) FROM freed), version = version + 1
			WHERE raffle_id = $1 AND slot = $3
			RETURNING slot, version)`+changed("freed"),
		raffleID, reservationID, anySlot())
}

// NumbersFreed takes numbers whose hold was removed off the board.
func NumbersFreed(b *pgx.Batch, raffleID uuid.UUID, numbers []int32) {
	b.Queue(`
		WITH freed AS (
			DELETE FROM raffle_numbers_read WHERE raffle_id = $1 AND number = ANY ($2) AND status = 'reserved'
			RETURNING number),
		moved AS (
			UPDATE raffle_counts_read
			SET reserved = reserved - (SELECT count(*) FROM freed), version = version + 1
			WHERE raffle_id = $1 AND slot = $3
			RETURNING slot, version)`+changed("freed"),
		raffleID, numbers, anySlot())
}

// HoldsDropped takes every hold off the board. It needs the raffle locked alone. The versions move
// without a change being written down, which makes every client read the whole board once.
func HoldsDropped(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`DELETE FROM raffle_numbers_read WHERE raffle_id = $1 AND status = 'reserved'`, raffleID)
	b.Queue(`UPDATE raffle_counts_read SET reserved = 0, version = version + 1 WHERE raffle_id = $1`, raffleID)
	b.Queue(`DELETE FROM board_changes_read WHERE raffle_id = $1`, raffleID)
}

// changed ends a statement: it writes the numbers that the relation names into the ring of the last
// changes, at the turn of the version that "moved" gave the slot. 256 turns in each of 16 slots keep
// about the last 4 000 changes of a board.
func changed(relation string) string {
	return `
		INSERT INTO board_changes_read (raffle_id, slot, turn, version, numbers)
		SELECT $1, slot, version % 256, version, ARRAY(SELECT number FROM ` + relation + `) FROM moved
		ON CONFLICT (raffle_id, slot, turn) DO UPDATE SET version = excluded.version, numbers = excluded.numbers`
}
