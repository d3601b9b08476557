package e2e

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	u, other := newUser(t), newUser(t)
	id, _ := u.newRaffle(object{"total_tickets": 100})
	key := "k-" + unique()
	body := object{"quantity": 2}
	address := path("/v2/raffles/%s/reservations", id)
	first := u.post(address, body, "Idempotency-Key", key).want(201)
	again := u.post(address, body, "Idempotency-Key", key).want(201)
	if !bytes.Equal(first.body, again.body) || again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("the replay differs:\n%s\n%s", first.body, again.body)
	}
	shouted := path("/v2/raffles/%s/reservations", strings.ToUpper(id)) // is the same address
	if replay := u.post(shouted, body, "Idempotency-Key", key).want(201); !bytes.Equal(first.body, replay.body) {
		t.Errorf("the id in capitals makes another key:\n%s\n%s", first.body, replay.body)
	}
	u.post(path("/v2/raffles/x%sx/reservations", id), body, "Idempotency-Key", key+"x").want(422) // is none
	u.post(address, body, "Idempotency-Key", key+"x").want(201)
	u.post(address, object{"quantity": 3}, "Idempotency-Key", key).refused(422, "idempotency_key_reused")
	if theirs := other.post(address, body, "Idempotency-Key", key).want(201); theirs.text("reservation_id") == first.text("reservation_id") {
		t.Error("another caller's key was answered")
	}
	expect(t, u.get("/v2/raffles/"+id).want(200).object(), object{"tickets_reserved": 6})

	refused := u.post(address, object{"numbers": []int{100}}, "Idempotency-Key", key+"r").invalid("body.numbers")
	if replay := u.post(address, object{"numbers": []int{100}}, "Idempotency-Key", key+"r"); !bytes.Equal(replay.body, refused.body) {
		t.Errorf("the refusal's replay differs:\n%s\n%s", refused.body, replay.body)
	}
	for _, media := range []string{"application/problem+json", "application/json"} {
		replay := u.post(address, object{"numbers": []int{100}}, "Idempotency-Key", key+"r", "Accept", media)
		if !bytes.Equal(replay.body, refused.body) || replay.header.Get("Content-Type") != media {
			t.Errorf("asked for %s, the refusal's replay is %s: %s", media, replay.header.Get("Content-Type"), replay.body)
		}
	}
	u.post(address, body, "Idempotency-Key", strings.Repeat("k", 255)).want(201)
	u.post(address, body, "Idempotency-Key", strings.Repeat("k", 256)).invalid("header.Idempotency-Key")

	sold, _ := u.newRaffle()
	buy(t, sold, 1)
	seal := path("/v2/raffles/%s/seal", sold) // which asks for no body: one that comes is a part of the request all the same
	u.post(seal, nil, "Idempotency-Key", key).want(200)
	u.post(seal, nil, "Idempotency-Key", key).want(200)
	u.post(seal, object{"again": true}, "Idempotency-Key", key).refused(422, "idempotency_key_reused")

	create := object{"title": "Moto", "ticket_price": 1, "total_tickets": 1}
	raffle := u.post("/v2/raffles", create, "Idempotency-Key", key).want(201)
	replay := u.post("/v2/raffles", create, "Idempotency-Key", key).want(201)
	if replay.header.Get("Location") != raffle.header.Get("Location") || raffle.text("id") != replay.text("id") {
		t.Error("the replay of a creation differs")
	}
}

func TestOneEffectPerKey(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle(object{"total_tickets": 100})
	address, key := path("/v2/raffles/%s/reservations", id), "k-"+unique()
	const callers = 40
	answers := make([]reply, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for {
				answers[i] = anonymous(t).post(address, object{"participant": object{"name": "Luz"}, "quantity": 1}, "Idempotency-Key", key)
				if answers[i].status != 409 || answers[i].text("code") != "idempotency_key_in_use" {
					return
				}
			}
		})
	}
	group.Wait()
	for _, r := range answers {
		if r.status != 201 || !bytes.Equal(r.body, answers[0].body) {
			t.Errorf("got %d %s", r.status, r.body)
		}
	}
	expect(t, u.get("/v2/raffles/"+id).want(200).object(), object{"tickets_reserved": 1})
}
