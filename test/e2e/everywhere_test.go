package e2e

import (
	"sync"
	"testing"
)

// A token that is not valid is refused wherever a token may be sent, also where none is needed.
func TestBadTokensAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	held := reserve(t, id, 1)
	for _, o := range []struct {
		method, address string
		body            object
	}{
		{"GET", "/auth/me", nil},
		{"GET", "/v2/raffles", nil},
		{"POST", "/v2/raffles", object{"title": "Moto", "ticket_price": 1, "total_tickets": 1}},
		{"GET", "/v2/raffles/" + id, nil},
		{"PATCH", "/v2/raffles/" + id, object{"title": "Robada"}},
		{"DELETE", "/v2/raffles/" + id, nil},
		{"GET", path("/v2/raffles/%s/numbers", id), nil},
		{"POST", path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Luz"}, "quantity": 1}},
		{"POST", path("/v2/raffles/%s/confirm", id), object{"reservation_id": held["reservation_id"]}},
		{"POST", path("/v2/raffles/%s/release", id), object{"reservation_id": held["reservation_id"]}},
		{"GET", path("/v2/participants/%s/purchases", held["participant_id"]), nil},
		{"POST", path("/v2/raffles/%s/draw", id), nil},
		{"GET", path("/v2/raffles/%s/draw", id), nil},
		{"POST", path("/v2/raffles/%s/seal", id), nil},
		{"POST", path("/v2/raffles/%s/lottery-result", id), object{}},
		{"GET", path("/v2/raffles/%s/draw/rules", id), nil},
		{"GET", path("/v2/raffles/%s/draw/entries.csv", id), nil},
		{"GET", path("/v2/raffles/%s/draw/inclusion/1", id), nil},
		{"GET", path("/v2/raffles/%s/purchases/%s/receipt", id, id), nil},
	} {
		for _, token := range []string{"x", u.refresh, u.token[:len(u.token)-2] + "xx"} {
			var body any
			if o.body != nil {
				body = o.body
			}
			client{t, token}.call(o.method, o.address, body).refused(401, "unauthenticated")
		}
	}
	expect(t, u.get("/v2/raffles/"+id).want(200).object(), object{"title": "Moto 0 km", "tickets_reserved": 1, "tickets_sold": 0})
}

// Every read answers 304 to a client that has what it asks for.
func TestEveryReadKnowsNotModified(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id := u.raffleIn("drawn")
	open, _ := u.newRaffle()
	purchase := buy(t, open, 1)["purchase_id"]
	for _, address := range []string{
		"/", "/health", "/ready", "/version", "/docs", "/redoc", "/openapi.json", "/openapi.yaml", "/auth/me", "/v2/raffles", "/v2/raffles/" + id,
		path("/v2/raffles/%s/numbers", id), path("/v2/raffles/%s/draw", id),
		"/.well-known/rifa-keys.json", path("/v2/raffles/%s/draw/rules", id), path("/v2/raffles/%s/draw/entries.csv", id),
		path("/v2/raffles/%s/draw/inclusion/1", id), path("/v2/raffles/%s/draw/verify", id), path("/v2/raffles/%s/purchases/%s/receipt", open, purchase),
	} {
		if r := u.get(address, "If-None-Match", "*").want(304); len(r.body) != 0 {
			t.Errorf("%s: 304 with a body", address)
		}
	}
}

// Whoever comes with a key whose first request is still being answered is told so at once.
func TestKeyInUse(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle(object{"total_tickets": 1000})
	held := reserve(t, id, 1)
	sold := reserve(t, id, 2)
	drawn, _ := u.newRaffle()
	buy(t, drawn, 1)
	for address, body := range map[string]any{
		"/v2/raffles":                           object{"title": "Moto", "ticket_price": 1, "total_tickets": 1},
		path("/v2/raffles/%s/reservations", id): object{"quantity": 1},
		path("/v2/raffles/%s/confirm", id):      object{"reservation_id": sold["reservation_id"]},
		path("/v2/raffles/%s/release", id):      object{"reservation_id": held["reservation_id"]},
		path("/v2/raffles/%s/draw", drawn):      nil,
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			c := client{t, u.token}
			for range 200 { // the two must meet; usually they do at the first try
				key := "k-" + unique()
				answers := make([]reply, 8)
				var group sync.WaitGroup
				for i := range answers {
					group.Go(func() { answers[i] = c.post(address, body, "Idempotency-Key", key) })
				}
				group.Wait()
				for _, r := range answers {
					if r.status == 409 && r.text("code") == "idempotency_key_in_use" {
						return
					}
				}
			}
			t.Error("200 rounds of 8 requests with one key never met")
		})
	}
}
