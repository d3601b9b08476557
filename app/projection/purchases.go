package projection

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// purchases_read joins sales_read, which is kept here, with the purchase's raffle in raffles_read: what
// changes a raffle's title, status or draw time changes it for all purchases at once.

const saleColumns = `id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at, owner`

// PurchaseMade adds a new purchase, whose raffle is not drawn yet. sale is the row that confirm_purchase
// answered; nothing happens when it made no purchase.
func PurchaseMade(sale, raffleID, method string) string {
	return fmt.Sprintf("purchase_made(%[1]s.made, %[2]s, %[1]s.participant_id, %[1]s.numbers, %[1]s.total_price, %[1]s.currency, %[1]s.status, "+
		"%[3]s, %[1]s.created_at, %[1]s.owner)", sale, raffleID, method)
}

// PurchasesWon marks the purchases of the numbers that won a prize.
func PurchasesWon(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`
		UPDATE sales_read SET winner = true
		WHERE NOT winner AND id IN (
			SELECT t.purchase_id FROM raffles r
			JOIN tickets t ON t.raffle_id = r.id AND t.number = ANY (r.winning_numbers)
			WHERE r.id = $1)`, raffleID)
}

// BuyersAdopted brings the owners of a raffle's purchases up to date: those that were sold by a version
// that knew no draws have none.
func BuyersAdopted(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`
		UPDATE sales_read s SET owner = o.owner
		FROM draw_owners o
		WHERE s.raffle_id = $1 AND s.owner IS NULL AND o.raffle_id = $1 AND o.participant_id = s.participant_id`, raffleID)
}
