package projection

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const raffleColumns = `id, title, description, ticket_price, currency, total_tickets, number_start, number_end, number_padding,
	status, confirmation, draw_at, winner_ticket_id, winning_number, created_at, updated_at, owner_id`

// RaffleCreated adds the raffle and its counters.
func RaffleCreated(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`INSERT INTO raffles_read (`+raffleColumns+`)
		SELECT `+raffleColumns+` FROM raffles_definition WHERE id = $1`, raffleID)
	b.Queue(`INSERT INTO raffle_counts_read (raffle_id, slot)
		SELECT $1, slot FROM generate_series(0, $2::integer - 1) AS slot`, raffleID, countSlots)
}

// RaffleChanged brings the raffle's title, description, times, status and winner up to date, for its
// purchases too. Which of those won is PurchasesWon's.
func RaffleChanged(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`UPDATE raffles_read
		SET (`+raffleColumns+`) = (SELECT `+raffleColumns+` FROM raffles_definition WHERE id = $1)
		WHERE id = $1`, raffleID)
}

// RaffleDeleted removes the raffle with its board.
func RaffleDeleted(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`DELETE FROM raffle_numbers_read WHERE raffle_id = $1`, raffleID)
	b.Queue(`DELETE FROM raffle_counts_read WHERE raffle_id = $1`, raffleID)
	b.Queue(`DELETE FROM board_changes_read WHERE raffle_id = $1`, raffleID)
	b.Queue(`DELETE FROM draws_read WHERE raffle_id = $1`, raffleID)
	b.Queue(`DELETE FROM raffles_read WHERE id = $1`, raffleID)
}
