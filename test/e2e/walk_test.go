package e2e

import (
	"slices"
	"testing"
	"time"
)

// The story of a raffle: organiser, buyers, sold out, draw, winner.
func TestFromOrganiserToWinner(t *testing.T) {
	t.Parallel()
	organiser := newUser(t)
	id, created := organiser.newRaffle(object{"title": "Bicicleta", "total_tickets": 6, "number_start": 1})
	expect(t, created, object{"status": "open", "tickets_sold": 0, "tickets_reserved": 0, "number_end": 6, "owner_id": organiser.id, "confirmation": "self"})

	// The first buyer picks numbers, the second takes what is left at random.
	first := buy(t, id, 2, 5)
	expect(t, first, object{"raffle_id": id, "numbers": []int{2, 5}, "total_price": "10000.00", "currency": "COP", "status": "confirmed"})
	buyer := anonymous(t)
	buyer.post(path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Juan"}, "numbers": []int{5, 6}}).
		refused(409, "numbers_unavailable")
	rest := buyer.post(path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Juan"}, "quantity": 4}).want(201)
	if got := ints(t, rest.object()["numbers"]); !slices.Equal(got, []int{1, 3, 4, 6}) {
		t.Fatalf("the numbers left are %v", got)
	}
	expect(t, buyer.get("/v2/raffles/"+id).want(200).object(), object{"tickets_sold": 2, "tickets_reserved": 4, "status": "open"})
	second := buyer.post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": rest.text("reservation_id"), "payment_method": "nequi", "payment_reference": "N-1"}).want(200).object()

	// Sold out: the raffle has closed by itself, and purchases know.
	expect(t, buyer.get("/v2/raffles/"+id).want(200).object(), object{"tickets_sold": 6, "tickets_reserved": 0, "status": "closed"})
	mine := buyer.get(path("/v2/participants/%s/purchases", second["participant_id"])).want(200).list()
	if len(mine) != 1 {
		t.Fatalf("one purchase, got %v", mine)
	}
	expect(t, mine[0], object{"raffle_title": "Bicicleta", "raffle_status": "closed", "payment_method": "nequi", "winner": false, "numbers": []int{1, 3, 4, 6}})

	// The draw, twice: one winner.
	drawn := organiser.post(path("/v2/raffles/%s/draw", id), nil).want(200).object()
	again := organiser.post(path("/v2/raffles/%s/draw", id), nil).want(200).object()
	expect(t, again, object{"winning_number": drawn["winning_number"], "winner_ticket_id": drawn["winner_ticket_id"], "winner_participant_id": drawn["winner_participant_id"]})
	number := int(drawn["winning_number"].(float64))
	winner, loser := first, second
	if slices.Contains([]int{1, 3, 4, 6}, number) {
		winner, loser = second, first
	}
	expect(t, drawn, object{"raffle_id": id, "winner_participant_id": winner["participant_id"]})
	expect(t, buyer.get("/v2/raffles/"+id).want(200).object(), object{"status": "drawn", "winning_number": number, "winner_ticket_id": drawn["winner_ticket_id"]})
	won := buyer.get(path("/v2/participants/%s/purchases", winner["participant_id"])).want(200).list()
	lost := buyer.get(path("/v2/participants/%s/purchases", loser["participant_id"])).want(200).list()
	expect(t, won[0], object{"winner": true, "raffle_status": "drawn"})
	expect(t, lost[0], object{"winner": false, "raffle_status": "drawn"})
	record := buyer.get(path("/v2/raffles/%s/draw", id)).want(200)
	if record.number("winning_number") != number {
		t.Errorf("the public record says %s", record.body)
	}
	if record.object()["winner_participant_id"] != nil {
		t.Errorf("the public record names a participant: %s", record.body)
	}
}

// An organiser who wants to see the money confirms for the buyers.
func TestOrganiserConfirms(t *testing.T) {
	t.Parallel()
	organiser, buyer := newUser(t), newUser(t)
	id, _ := organiser.newRaffle(object{"confirmation": "organizer"})
	held := reserve(t, id, 3)
	confirm := object{"reservation_id": held["reservation_id"]}
	anonymous(t).post(path("/v2/raffles/%s/confirm", id), confirm).refused(401, "unauthenticated")
	buyer.post(path("/v2/raffles/%s/confirm", id), confirm).refused(403, "forbidden")
	organiser.post(path("/v2/raffles/%s/confirm", id), confirm).want(200)
}

// A raffle closes by itself when its draw_at passes: nobody can buy, and only then can it be drawn.
func TestDrawTimePasses(t *testing.T) {
	t.Parallel()
	organiser := newUser(t)
	at := time.Now().Add(4 * time.Second)
	id, _ := organiser.newRaffle(object{"draw_at": at.Format(time.RFC3339Nano)})
	sold := buy(t, id, 1)
	held := reserve(t, id, 2)
	early := organiser.post(path("/v2/raffles/%s/draw", id), nil).refused(409, "draw_not_due")
	if available, err := time.Parse(time.RFC3339Nano, early.text("available_at")); err != nil || available.Sub(at).Abs() > time.Millisecond {
		t.Errorf("available_at is %s, want %s", early.text("available_at"), at)
	}
	for organiser.get("/v2/raffles/"+id).want(200).text("status") != "closed" {
		if time.Since(at) > 10*time.Second {
			t.Fatal("the raffle is still open")
		}
	}
	if time.Now().Before(at.Add(-100 * time.Millisecond)) {
		t.Error("the raffle closed before its draw_at")
	}
	purchases := organiser.get(path("/v2/participants/%s/purchases", sold["participant_id"])).want(200).list()
	expect(t, purchases[0], object{"raffle_status": "closed"})
	anonymous(t).post(path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Juan"}, "numbers": []int{3}}).refused(409, "raffle_not_open")
	anonymous(t).post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": held["reservation_id"]}).refused(409, "raffle_not_open")
	organiser.call("PATCH", "/v2/raffles/"+id, object{"status": "open"}).refused(409, "invalid_transition")
	drawn := organiser.post(path("/v2/raffles/%s/draw", id), nil).want(200)
	if drawn.number("winning_number") != 1 {
		t.Errorf("only number 1 was sold: %s", drawn.body)
	}
}
