package command

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// deployTo deploys the plan up to a change, all of it when that is empty.
func deployTo(t *testing.T, database *testdb.Database, to string) {
	t.Helper()
	project, err := migrate.Open(sqitch.Files)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(database.DSN)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.New(project, migrate.Static(config), migrate.Options{}).Deploy(t.Context(), migrate.DeployOptions{To: to}); err != nil {
		t.Fatal(err)
	}
}

// A raffle that was sold before draws could be verified gets rules and owners from the migration, and
// its draw verifies as any other.
func TestRafflesOlderThanTheDrawVerify(t *testing.T) {
	t.Parallel()
	database := testdb.NewEmpty(t)
	s := &shop{t: t, db: database.Pool, owner: uuid.New(), Raffles: &Raffles{DB: database.Pool}}
	deploy := func(to string) { deployTo(t, database, to) }
	deploy("board_changes") // the last change before draw
	raffle, luz, purchase, reservation := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	s.exec(`INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'ana@example.com', 'ana@example.com', '')`, s.owner)
	s.exec(`INSERT INTO participants (id, name) VALUES ($1, 'Luz')`, luz)
	s.exec(`INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, number_padding, status, owner_id)
		VALUES ($1, 'Moto', 1, 'COP', 100, 0, 2, 'open', $2)`, raffle, s.owner)
	s.exec(`INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at) VALUES ($1, $2, $3, '{7,13}', now())`, reservation, raffle, luz)
	s.exec(`INSERT INTO purchases (id, raffle_id, reservation_id, participant_id, numbers, total_price, currency, payment_method)
		VALUES ($1, $2, $3, $4, '{7,13}', 2, 'COP', 'demo')`, purchase, raffle, reservation, luz)
	s.exec(`INSERT INTO tickets (raffle_id, number, status, reservation_id, purchase_id) SELECT $1, n, 'sold', $2, $3 FROM unnest('{7,13}'::integer[]) AS n`,
		raffle, reservation, purchase)
	for _, table := range []string{"raffles", "raffle_numbers", "purchases", "participants"} {
		s.exec(`INSERT INTO ` + table + `_read SELECT * FROM ` + table + `_definition`)
	}
	s.exec(`INSERT INTO raffle_counts_read (raffle_id, slot, sold) SELECT $1, slot, CASE slot WHEN 0 THEN 2 ELSE 0 END FROM generate_series(0, 15) AS slot`, raffle)
	deploy("")
	s.consistent()
	again, err := s.trySell(t.Context(), Reservation{ID: reservation, RaffleID: raffle})
	if err != nil || again.Receipt == nil {
		t.Fatalf("the confirm repeated gives %+v, %v", again, err)
	}
	if err := s.Draw(t.Context(), DrawRaffle{RaffleID: raffle, Caller: &s.owner}); err != nil {
		t.Fatal(err)
	}
	if proof := s.verified(raffle, s.receipt(again)); proof.N != 2 || proof.Rules != `{"v":1,"method":"commit_reveal","numbers":{"start":0,"total":100,"padding":2},"prizes":1,"alternates":0,"exclude":"ticket","draw_at":null}` {
		t.Errorf("the proof is %+v", proof)
	}
	s.consistent()
}
