package projection

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A board row exists only for a number that is held or sold; "available" is its absence. What moves
// numbers is written in SQL (migration sold_by_purchase), each function moving the raffle's counters by
// exactly what it changed on the board, and their version, from which entity tags are made. The slot of
// the counters is one of Slot's.

// NumbersHeld puts the numbers of a new reservation on the board until the time given. fresh of them were free;
// the others' hold was over: it keeps its row and changes hands.
func NumbersHeld(raffleID, numbers, fresh, until, slot string) string {
	return "numbers_held(" + raffleID + ", " + numbers + ", " + fresh + ", " + until + ", " + slot + ")"
}

// NumbersSold marks the numbers of a purchase as sold. Repeating it changes nothing.
func NumbersSold(raffleID, numbers, slot string) string {
	return "numbers_sold(" + raffleID + ", " + numbers + ", " + slot + ")"
}

// NumbersFreed takes numbers whose hold was removed off the board.
func NumbersFreed(raffleID, numbers, slot string) string {
	return "numbers_freed(" + raffleID + ", " + numbers + ", " + slot + ")"
}

// HoldsDropped takes every hold off the board. It needs the raffle locked alone. The versions move
// without a change being written down, which makes every client read the whole board once.
func HoldsDropped(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`DELETE FROM raffle_numbers_read WHERE raffle_id = $1 AND status = 'reserved'`, raffleID)
	b.Queue(`UPDATE raffle_counts_read SET reserved = 0, version = version + 1, recent = '{}' WHERE raffle_id = $1`, raffleID)
	b.Queue(`DELETE FROM board_changes_read WHERE raffle_id = $1`, raffleID)
}
