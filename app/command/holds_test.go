package command

import (
	"context"
	"slices"
	"testing"

	"github.com/rifaapp/rifaapp/app/raffle"
)

func TestExpiredHoldIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	first := s.hold(id, 3, 4)
	s.expire(first)
	second := s.hold(id, 4, 5)
	s.consistent()
	lost := refused(t, lateSale(s, first), raffle.CodeReservationExpired)
	if got, _ := lost.Members["numbers"].([]int32); !slices.Equal(got, []int32{4}) {
		t.Errorf("the lost numbers are %v, want 4", lost.Members)
	}
	if released, err := s.Release(t.Context(), id, first.ID, nil); err != nil || released != 1 {
		t.Errorf("the first buyer still held 3: released %d, %v", released, err)
	}
	s.sell(second)
	s.consistent()
}

// Of free, expired and held numbers only the held ones stand in a buyer's way.
func TestOnlyTakenNumbersAreNamed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	s.expire(s.hold(id, 2, 5))
	s.hold(id, 4, 9)
	s.sell(s.hold(id, 7))
	_, err := s.tryHold(t.Context(), id, 1, 2, 4, 5, 6, 7)
	if got, _ := refused(t, err, raffle.CodeNumbersUnavailable).Members["numbers"].([]int32); !slices.Equal(got, []int32{4, 7}) {
		t.Errorf("taken are %v, want 4 and 7", got)
	}
	if r := s.hold(id, 1, 2, 3, 5); !slices.Equal(r.Numbers, []int32{1, 2, 3, 5}) {
		t.Errorf("held %v", r.Numbers)
	}
	s.consistent()
}

// A number that its holder gives back after a rival has found it held is the rival's.
func TestReleasedWhileARivalLooks(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	first := s.hold(id, 3, 4)
	// An advisory lock in the way of who has just tried to insert tickets.
	s.exec(`CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$`)
	s.exec(`CREATE TRIGGER gate AFTER INSERT ON tickets FOR EACH STATEMENT EXECUTE FUNCTION gate()`)
	keeper, err := s.db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Release()
	if _, err := keeper.Exec(t.Context(), `SELECT pg_advisory_lock(42)`); err != nil {
		t.Fatal(err)
	}
	rival := make(chan error, 1)
	go func() {
		_, err := s.tryHold(t.Context(), id, 4, 5)
		rival <- err
	}()
	for waits := false; !waits && len(rival) == 0; {
		if err := keeper.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted)`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if released, err := s.Release(t.Context(), id, first.ID, nil); err != nil || released != 2 {
		t.Errorf("released %d, %v", released, err)
	}
	if _, err := keeper.Exec(t.Context(), `SELECT pg_advisory_unlock(42)`); err != nil {
		t.Fatal(err)
	}
	if err := <-rival; err != nil {
		t.Errorf("the rival was refused: %v", err)
	}
	s.consistent()
}

func lateSale(s *shop, r Reservation) error {
	_, err := s.trySell(s.t.Context(), r)
	return err
}

func TestLateConfirmSucceedsWhileNobodyTookTheNumbers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	unswept, swept := s.hold(id, 1, 2), s.hold(id, 3)
	s.expire(unswept)
	s.sell(unswept)
	s.expire(swept)
	if freed, err := s.Sweep(t.Context()); err != nil || freed != 1 {
		t.Fatalf("swept %d, %v", freed, err)
	}
	s.consistent()
	if p := s.sell(swept); !slices.Equal(p.Numbers, []int32{3}) {
		t.Errorf("sold %v", p.Numbers)
	}
	s.consistent()
}

func TestSweepLeavesLiveHoldsAndSales(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(2000)
	for i := range int32(12) { // more than one batch
		numbers := make([]int32, 50)
		for n := range int32(50) {
			numbers[n] = 1 + i*50 + n
		}
		s.expire(s.hold(id, numbers...))
	}
	s.hold(id, 1001)
	s.sell(s.hold(id, 1002))
	freed, err := s.Sweep(t.Context())
	if err != nil || freed != 600 {
		t.Errorf("swept %d, %v; want 600", freed, err)
	}
	s.consistent()
	var held, sold int
	err = s.db.QueryRow(t.Context(), `SELECT sum(reserved), sum(sold) FROM raffle_counts_read WHERE raffle_id = $1`, id).Scan(&held, &sold)
	if err != nil || held != 1 || sold != 1 {
		t.Errorf("%d held and %d sold are left, %v", held, sold, err)
	}
}

// A row of the board that no ticket stands behind, which only a rebuild mends, keeps no other raffle from its sweep;
// nor does the sweep begin what it has no time to end.
func TestSweepGoesOnPastADrift(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	drifted, sound := s.raffle(10), s.raffle(10)
	s.exec(`INSERT INTO raffle_numbers_read (raffle_id, number, status, reserved_until) VALUES ($1, 1, 'reserved', now() - interval '1 hour')`, drifted)
	s.expire(s.hold(sound, 3, 4))
	short, cancel := context.WithTimeout(t.Context(), minuteSpare)
	defer cancel()
	if freed, err := s.Sweep(short); err != nil || freed != 0 {
		t.Errorf("with no time to spare %d were swept, %v", freed, err)
	}
	if freed, err := s.Sweep(t.Context()); err != nil || freed != 2 {
		t.Errorf("swept %d, %v; want both", freed, err)
	}
}

func TestQuantityFindsTheLastFreeNumbers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(100)
	var taken []int32
	for n := int32(1); n <= 100; n++ {
		if n != 17 && n != 98 {
			taken = append(taken, n)
		}
	}
	for chunk := range slices.Chunk(taken, 50) {
		s.hold(id, chunk...)
	}
	r, err := s.Reserve(t.Context(), ReserveNumbers{RaffleID: id, Name: new("Luz"), Quantity: new(2), Minutes: 1})
	if err != nil || !slices.Equal(r.Numbers, []int32{17, 98}) {
		t.Errorf("got %v, %v", r.Numbers, err)
	}
	_, err = s.Reserve(t.Context(), ReserveNumbers{RaffleID: id, Name: new("Luz"), Quantity: new(1), Minutes: 1})
	refused(t, err, raffle.CodeNumbersUnavailable)
	s.consistent()
}
