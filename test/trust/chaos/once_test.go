package chaos

import (
	"bytes"
	"sync"
	"testing"

	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust"
)

// A thousand calls with one key, at once and through several processes, have one effect; the answers
// are the same byte for byte, and nobody else sees them (R6).
func TestOneKeyHasOneEffect(t *testing.T) {
	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, startPostgres(t), options{binary: binary, processes: 2})
	r := w.newRaffle()
	seed := trust.Seed(t)
	call := request{method: "POST", path: "/v2/raffles/" + r.ID + "/reservations", key: "one key for all", token: w.organiser,
		body: map[string]any{"participant": map[string]any{"name": "Luz"}, "quantity": 1}}
	const callers = 1_000
	answers := make([]answer, callers)
	var everybody sync.WaitGroup
	gate := make(chan struct{})
	for i := range callers {
		everybody.Go(func() {
			<-gate
			answers[i] = w.clients.settle(t.Context(), trust.Rand(seed, i), call)
		})
	}
	close(gate)
	everybody.Wait()
	first := 0
	for _, a := range answers {
		if !a.replayed {
			first++
		}
		if a.status != 201 || !bytes.Equal(a.body, answers[0].body) {
			t.Errorf("an answer differs: %d %s", a.status, a.body)
		}
	}
	if first > 1 { // none, when a first answer got lost on its way
		t.Errorf("%d answers do not say that they are replays", first)
	}
	var effects int64
	count := func(want int64) {
		t.Helper()
		var n int64
		if err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM reservations WHERE raffle_id = $1`, r.ID).Scan(&n); err != nil || n != want {
			t.Errorf("%d reservations (%v), want %d", n, err, want)
		}
		effects = n
	}
	count(1)

	other := call
	other.token = "" // another caller, the same key
	if a := w.clients.settle(t.Context(), trust.Rand(seed, callers), other); a.status != 201 || a.replayed || bytes.Equal(a.body, answers[0].body) {
		t.Errorf("another caller's same key gets %d, replayed %t: %s", a.status, a.replayed, a.body)
	}
	count(2)
	changed := call
	changed.body = map[string]any{"participant": map[string]any{"name": "Luz"}, "quantity": 2}
	if a := w.clients.settle(t.Context(), trust.Rand(seed, callers), changed); a.status != 422 || a.code != "idempotency_key_reused" {
		t.Errorf("the same key with another body gets %d %s", a.status, a.code)
	}
	count(2)
	for _, fault := range append(w.clients.found(), w.leaks()...) {
		t.Error(fault)
	}
	trust.Figure(t, "R6", "concurrent calls with one key", callers, "requests", w.clients.requests.Load(), "effects", effects-1, "equal answers", callers)
}
