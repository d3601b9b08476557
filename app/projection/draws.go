package projection

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	drawColumns = `raffle_id, method, rules, rules_hash, commitment, secret, sealed_at, n, root, checkpoints, ref, round, seal,
	void_seals, lottery_results, outcome, draw_key, signature, winners, drawn_at`
	entryColumns = `raffle_id, chunk, first_number, entries`
)

// RulesPublished adds the public record of a raffle's draw: so far, its rules and commitment.
func RulesPublished(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`INSERT INTO draws_read (`+drawColumns+`)
		SELECT `+drawColumns+` FROM draws_definition WHERE raffle_id = $1`, raffleID)
}

// DrawChanged brings the public record up to date: rules, seal, lottery results, winners.
func DrawChanged(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`UPDATE draws_read
		SET (`+drawColumns+`) = (SELECT `+drawColumns+` FROM draws_definition WHERE raffle_id = $1)
		WHERE raffle_id = $1`, raffleID)
}

// ListSealed publishes the sealed list.
func ListSealed(b *pgx.Batch, raffleID uuid.UUID) {
	b.Queue(`INSERT INTO draw_entries_read (`+entryColumns+`)
		SELECT `+entryColumns+` FROM draw_entries_definition WHERE raffle_id = $1`, raffleID)
}

// ReceiptKeyMade publishes a key that signs receipts.
func ReceiptKeyMade(b *pgx.Batch, keyID string) {
	b.Queue(`INSERT INTO receipt_keys_read (key_id, public_key, created_at)
		SELECT key_id, public_key, created_at FROM receipt_keys_definition WHERE key_id = $1
		ON CONFLICT (key_id) DO NOTHING`, keyID)
}
