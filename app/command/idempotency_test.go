package command

import (
	"context"
	"testing"
)

// An answer is kept for 24 hours, whatever sweeps meanwhile; after the sweep that follows, its key
// counts as new.
func TestAnswersAreKeptForADay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	keys := &Idempotency{DB: s.db}
	runs := 0
	ask := func(wantReplayed bool) {
		t.Helper()
		request := KeyedRequest{Route: "POST /release", Key: "one", Body: []byte("{}")}
		answer, replayed, err := keys.Once(t.Context(), request, func(context.Context) (Answer, error) {
			runs++
			return Answer{Status: 200, Header: map[string]string{}, Body: []byte(`{"released":1}`)}, nil
		})
		if err != nil || replayed != wantReplayed || string(answer.Body) != `{"released":1}` {
			t.Errorf("got %s, replayed %t, %v; want replayed %t", answer.Body, replayed, err, wantReplayed)
		}
	}
	swept := func(age string, want int) {
		t.Helper()
		s.exec(`UPDATE idempotency_keys SET created_at = now() - $1::interval`, age)
		if removed, err := keys.Sweep(t.Context()); err != nil || removed != want {
			t.Errorf("at the age of %s the sweep removes %d, %v; want %d", age, removed, err, want)
		}
	}
	ask(false)
	swept("23 hours 59 minutes", 0)
	ask(true)
	swept("24 hours 1 minute", 1)
	ask(false)
	if runs != 2 {
		t.Errorf("it ran %d times, want twice", runs)
	}
	s.exec(`INSERT INTO idempotency_keys (key_hash, request_hash, status, header, body) SELECT int4send(n), '', 200, '{}', '' FROM generate_series(1, $1) AS n`, removeBatch)
	swept("25 hours", removeBatch+1) // all of what piled up while nobody swept
}
