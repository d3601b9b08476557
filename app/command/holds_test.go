package command

import (
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
