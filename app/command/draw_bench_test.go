package command

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// soldOut makes a raffle of 100 000 numbers, all sold in purchases of so many numbers, straight in the
// tables.
func soldOut(b *testing.B, each int) (*Raffles, uuid.UUID, uuid.UUID) {
	b.Helper()
	s := &Raffles{DB: testdb.New(b).Pool}
	owner := uuid.New()
	if _, err := s.DB.Exec(b.Context(), `INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'a@a', 'a@a', '')`, owner); err != nil {
		b.Fatal(err)
	}
	id, err := s.Create(b.Context(), CreateRaffle{Title: "Moto", TicketPrice: 1, Currency: "COP", TotalTickets: 100_000, NumberStart: 1, Status: "open", Confirmation: "self", OwnerID: owner})
	if err != nil {
		b.Fatal(err)
	}
	conn, err := s.DB.Acquire(b.Context()) // the temporary table is the connection's
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	for _, statement := range []string{
		`CREATE TEMP TABLE sale AS SELECT gen_random_uuid() AS id, gen_random_uuid() AS participant, gen_random_uuid() AS reservation,
			array_agg(n) AS numbers FROM generate_series(1, 100000) AS n WHERE $1::uuid IS NOT NULL GROUP BY n / $2::integer`,
		`INSERT INTO participants (id, name) SELECT participant, 'Luz' FROM sale WHERE $1::uuid IS NOT NULL AND $2::integer > 0`,
		`INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at) SELECT reservation, $1, participant, numbers, now() FROM sale WHERE $2::integer > 0`,
		`INSERT INTO purchases (id, raffle_id, reservation_id, participant_id, numbers, total_price, currency, payment_method)
			SELECT id, $1, reservation, participant, numbers, 1, 'COP', 'demo' FROM sale WHERE $2::integer > 0`,
		`INSERT INTO tickets (raffle_id, number, status, reservation_id, purchase_id) SELECT $1, unnest(numbers), 'sold', reservation, id FROM sale WHERE $2::integer > 0`,
		`INSERT INTO draw_owners SELECT $1, participant, draw_owner($1, participant, '\x00'), '\x00' FROM sale WHERE $2::integer > 0`,
		`INSERT INTO sales_read (id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at, owner)
			SELECT id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at, owner
			FROM purchases_definition WHERE raffle_id = $1 AND $2::integer > 0`,
		`ANALYZE`,
	} {
		args := []any{id, each}
		if statement == `ANALYZE` {
			args = nil
		}
		if _, err := conn.Exec(b.Context(), statement, args...); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
	}
	return s, id, owner
}

// BenchmarkSealAndDraw100000 seals and draws a raffle of 100 000 sold numbers, each in its one
// transaction, makes inclusion proofs of it, and gives it a new title. The bars: 2 s, 200 ms and 20 ms, and
// 100 MB.
func BenchmarkSealAndDraw100000(b *testing.B) {
	for name, each := range map[string]int{"bought by fifties": 50, "bought by fives": 5, "bought one by one": 1} {
		b.Run(name, func(b *testing.B) {
			var sealing, drawing, proving, naming time.Duration
			var allocated uint64
			took := func(total *time.Duration, do func(ctx context.Context) error) {
				started := time.Now()
				if err := do(b.Context()); err != nil {
					b.Fatal(err)
				}
				*total += time.Since(started)
			}
			for range b.N {
				b.StopTimer()
				s, id, owner := soldOut(b, each)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				took(&sealing, func(ctx context.Context) error { return s.Seal(ctx, id, owner) })
				runtime.ReadMemStats(&after)
				allocated = max(allocated, after.TotalAlloc-before.TotalAlloc)
				took(&drawing, func(ctx context.Context) error { return s.Draw(ctx, DrawRaffle{RaffleID: id}) })
				took(&naming, func(ctx context.Context) error {
					return s.Update(ctx, UpdateRaffle{RaffleID: id, Caller: owner, Title: Change[string]{Sent: true, Value: new("Otra")}})
				})
				took(&proving, func(ctx context.Context) error {
					_, err := (&query.Queries{DB: s.DB}).Inclusion(ctx, id, 77_777, nil)
					return err
				})
			}
			n := float64(b.N)
			b.ReportMetric(float64(sealing.Milliseconds())/n, "ms/seal")
			b.ReportMetric(float64(drawing.Milliseconds())/n, "ms/draw")
			b.ReportMetric(float64(naming.Milliseconds())/n, "ms/title")
			b.ReportMetric(float64(proving.Microseconds())/1000/n, "ms/inclusion")
			b.ReportMetric(float64(allocated)/1e6, "MB-allocated/seal")
			b.ReportMetric(0, "ns/op")
		})
	}
}
