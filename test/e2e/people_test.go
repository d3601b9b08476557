package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"testing"
)

// password is that of every account.
var password string

// unique is a text that no other test and no other run uses.
func unique() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// user is an account with its tokens.
type user struct {
	client
	id      string
	email   string
	refresh string
}

func newUser(t *testing.T) user {
	t.Helper()
	email := canaries.New("e-mail " + unique())
	r := anonymous(t).post("/auth/register", object{"name": "Ana Torres", "email": email, "password": password}).want(201)
	return user{client: client{t, r.text("access_token")}, id: r.text("id"), email: email, refresh: r.text("refresh_token")}
}

// newRaffle creates a raffle of 10 numbers from 0 on; changes are merged into the request.
func (u user) newRaffle(changes ...object) (id string, raffle object) {
	u.t.Helper()
	body := merge(object{"title": "Moto 0 km", "ticket_price": "5000.00", "total_tickets": 10, "number_start": 0, "number_padding": 2}, changes...)
	r := u.post("/v2/raffles", body).want(201)
	return r.text("id"), r.object()
}

// reserve holds numbers without an account and returns the reservation.
func reserve(t *testing.T, raffle string, numbers ...int) object {
	t.Helper()
	return anonymous(t).post(path("/v2/raffles/%s/reservations", raffle), object{"participant": object{"name": canaries.Get("buyer name 1")}, "numbers": numbers}).want(201).object()
}

// buy reserves and confirms numbers without an account and returns the purchase.
func buy(t *testing.T, raffle string, numbers ...int) object {
	t.Helper()
	held := reserve(t, raffle, numbers...)
	return anonymous(t).post(path("/v2/raffles/%s/confirm", raffle), object{"reservation_id": held["reservation_id"]}).want(200).object()
}
