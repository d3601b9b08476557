package projection

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const purchaseColumns = `id, raffle_id, raffle_title, raffle_status, raffle_draw_at, participant_id, numbers, total_price, currency,
	status, payment_method, winner, created_at, owner`

// PurchaseMade adds a purchase. A purchase id that was never used, as when a confirm is repeated,
// adds nothing.
func PurchaseMade(b *pgx.Batch, purchaseID uuid.UUID) {
	b.Queue(`INSERT INTO purchases_read (`+purchaseColumns+`)
		SELECT `+purchaseColumns+` FROM purchases_definition WHERE id = $1`, purchaseID)
}

// purchasesOfRaffle brings what purchases repeat of their raffle up to date: title, status, draw
// time, and who won. Rows that would not change are not written.
func purchasesOfRaffle(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`
		UPDATE purchases_read p
		SET raffle_title = r.title, raffle_status = r.status, raffle_draw_at = r.draw_at,
			winner = COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false)
		FROM raffles r
		WHERE r.id = $1 AND p.raffle_id = $1
			AND (p.raffle_title, p.raffle_status, p.raffle_draw_at, p.winner)
				IS DISTINCT FROM (r.title, r.status, r.draw_at,
					COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false))`,
		raffleID)
}

// BuyersAdopted brings the owners of a raffle's purchases up to date: those that were sold by a version
// that knew no draws have none.
func BuyersAdopted(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`
		UPDATE purchases_read p SET owner = o.owner
		FROM draw_owners o
		WHERE p.raffle_id = $1 AND p.owner IS NULL AND o.raffle_id = $1 AND o.participant_id = p.participant_id`, raffleID)
}
