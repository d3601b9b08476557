package projection

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ParticipantReserved adds the participant of a reservation when it is a new one. One that is not new
// was committed together with its row here, so looking for that row is enough.
func ParticipantReserved(b *pgx.Batch, reservationID uuid.UUID) {
	b.Queue(`INSERT INTO participants_read (id, user_id)
		SELECT p.id, p.user_id FROM reservations r JOIN participants p ON p.id = r.participant_id
		WHERE r.id = $1 AND NOT EXISTS (SELECT FROM participants_read WHERE id = p.id)`, reservationID)
}
