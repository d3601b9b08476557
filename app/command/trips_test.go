package command

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// Between API and database lies a network, on AWS 0.65 ms of it: what a buyer waits for is mostly how often
// a command crosses it. A refused rival makes nobody's next command cross it more often.
func TestCommandsTakeFewTrips(t *testing.T) {
	t.Parallel()
	db, trips := testdb.CountTrips(t, testdb.New(t).Pool)
	s, keys := openShop(t, db), &Idempotency{DB: db}
	accounts := &Accounts{DB: db, Tokens: auth.NewTokens(auth.GenerateKeySet(), nil), Passwords: auth.NewCheapPasswords(0)}
	moto := s.raffle(1000)
	session, err := accounts.Register(t.Context(), RegisterInput{Name: "Luz", Email: "luz@example.com", Password: "tarde de mayo 42"})
	if err != nil {
		t.Fatal(err)
	}
	free := int32(0)
	next := func() int32 { free++; return free }
	keyed := func(key string, number int32) {
		_, _, err := keys.Once(t.Context(), KeyedRequest{Route: "reserve", Key: key}, func(ctx context.Context) (Answer, error) {
			held, err := s.tryHold(ctx, moto, number)
			if _, refused := errors.AsType[*raffle.Error](err); refused {
				return Answer{Status: 409, Header: map[string]string{}, Body: []byte("{}")}, nil
			}
			body, _ := json.Marshal(held)
			return Answer{Status: 201, Header: map[string]string{}, Body: body}, err
		})
		if err != nil {
			t.Error(err)
		}
	}
	var held []Reservation
	for range 4 {
		held = append(held, s.hold(moto, next()))
	}
	take := func() (r Reservation) {
		r, held = held[0], held[1:]
		return r
	}
	commands := []struct {
		what string
		do   func()
		want int
	}{
		{"a reservation", func() { s.hold(moto, next()) }, 1},
		{"a refused one", func() {
			if _, err := s.tryHold(t.Context(), moto, free); err == nil {
				t.Error("a number is held twice")
			}
		}, 1},
		{"a purchase after it", func() { s.sell(take()) }, 1},
		{"a release", func() {
			if _, err := s.Release(t.Context(), moto, take().ID, nil); err != nil {
				t.Error(err)
			}
		}, 1},
		{"a reservation with a key", func() { keyed(uuid.NewString(), next()) }, 3},
		{"a refused one with a key", func() { keyed(uuid.NewString(), free) }, 4},
		{"a reservation with a key after it", func() { keyed(uuid.NewString(), next()) }, 3},
		{"its repetition", func() { keyed("the same", 999) }, 2},
		{"a login", func() {
			if session, err = accounts.Login(t.Context(), LoginInput{Email: "luz@example.com", Password: "tarde de mayo 42", Address: "192.0.2.1"}); err != nil {
				t.Error(err)
			}
		}, 3},
		{"a wrong password", func() {
			if _, err := accounts.Login(t.Context(), LoginInput{Email: "luz@example.com", Password: "another", Address: "192.0.2.1"}); !errors.As(err, new(*raffle.Error)) {
				t.Error(err)
			}
		}, 3},
		{"a refresh", func() {
			if session.TokenPair, err = accounts.Refresh(t.Context(), session.RefreshToken); err != nil {
				t.Error(err)
			}
		}, 2},
	}
	for _, c := range commands { // their statements are prepared now
		c.do()
	}
	for _, c := range commands { // each meets what the one before it left
		if made := trips(c.do); made != c.want {
			t.Errorf("%s takes %d trips, want %d", c.what, made, c.want)
		}
	}
}
