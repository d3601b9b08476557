package command

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// shop is a database with one organiser, for tests of the commands on raffles.
type shop struct {
	t     *testing.T
	db    *pgxpool.Pool
	owner uuid.UUID
	*Raffles
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return openShop(t, testdb.New(t).Pool)
}

func openShop(t *testing.T, db *pgxpool.Pool) *shop {
	t.Helper()
	s := &shop{t: t, db: db, owner: uuid.New(), Raffles: &Raffles{DB: db}}
	s.exec(`INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'ana@example.com', 'ana@example.com', '')`, s.owner)
	return s
}

// exec changes the database behind the commands' back, for instance to let time pass.
func (s *shop) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) raffle(total int, change ...func(*CreateRaffle)) uuid.UUID {
	s.t.Helper()
	in := CreateRaffle{Title: "Moto", TicketPrice: 500_000, Currency: "COP", TotalTickets: total, NumberStart: 1,
		Status: raffle.Open, Confirmation: raffle.ConfirmSelf, OwnerID: s.owner}
	for _, c := range change {
		c(&in)
	}
	id, err := s.Create(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *shop) hold(raffleID uuid.UUID, numbers ...int32) Reservation {
	s.t.Helper()
	r, err := s.tryHold(s.t.Context(), raffleID, numbers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *shop) tryHold(ctx context.Context, raffleID uuid.UUID, numbers ...int32) (Reservation, error) {
	return s.Reserve(ctx, ReserveNumbers{RaffleID: raffleID, Name: new("Luz"), Numbers: numbers, Minutes: 10})
}

func (s *shop) sell(r Reservation) Purchase {
	s.t.Helper()
	p, err := s.trySell(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *shop) trySell(ctx context.Context, r Reservation) (Purchase, error) {
	return s.Confirm(ctx, ConfirmPurchase{RaffleID: r.RaffleID, ReservationID: r.ID, PaymentMethod: "demo"})
}

// expire lets the time of a hold pass.
func (s *shop) expire(r Reservation) {
	s.t.Helper()
	s.exec(`UPDATE tickets SET reserved_until = now() - interval '1 second' WHERE reservation_id = $1`, r.ID)
	s.exec(`UPDATE raffle_numbers_read SET reserved_until = t.reserved_until FROM tickets t
		WHERE t.reservation_id = $1 AND (t.raffle_id, t.number) = (raffle_numbers_read.raffle_id, raffle_numbers_read.number)`, r.ID)
	s.exec(`UPDATE reservations SET expires_at = now() - interval '1 second' WHERE id = $1`, r.ID)
}

// consistent stops the test when the read model is not as its definition says.
func (s *shop) consistent() {
	s.t.Helper()
	differences, err := projection.Check(s.t.Context(), s.db, func(d projection.Difference) { s.t.Error(d) })
	if err != nil || differences > 0 {
		s.t.Fatalf("%d differences between read model and definition, %v", differences, err)
	}
}

// record is what is stored of the raffle's draw now.
func (s *shop) record(raffleID uuid.UUID) record {
	s.t.Helper()
	tx, err := s.db.Begin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(s.t.Context()) }()
	r, err := loadRecord(s.t.Context(), tx, raffleID)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *shop) status(raffleID uuid.UUID) (status raffle.Status) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), `SELECT status FROM raffles_read WHERE id = $1`, raffleID).Scan(&status); err != nil {
		s.t.Fatal(err)
	}
	return status
}

// refused stops the test unless err is a refusal with the code.
func refused(t *testing.T, err error, code raffle.Code) *raffle.Error {
	t.Helper()
	refusal, ok := errors.AsType[*raffle.Error](err)
	if !ok || refusal.Code != code {
		t.Fatalf("got %v, want a refusal with %s", err, code)
	}
	return refusal
}
