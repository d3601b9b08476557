package httpapi

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// Once /ready says so, the next request passes, whatever was refused a moment before.
func TestReadyOpensTheGate(t *testing.T) {
	t.Parallel()
	var migrated atomic.Bool
	a := setup(t, func(o *Options) {
		o.Ready = func(context.Context) error {
			if !migrated.Load() {
				return errors.New("a change is missing")
			}
			return nil
		}
	})
	sample := func() int {
		return call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"Moto 0 km"}`, "Authorization", "Bearer good").Code
	}
	if got := sample(); got != 503 {
		t.Fatalf("before the migration: %d", got)
	}
	migrated.Store(true)
	if got := call(a, "GET", "/rifaapp/ready", "").Code; got != 200 {
		t.Fatalf("ready: %d", got)
	}
	if got := sample(); got != 201 {
		t.Errorf("ready, and yet refused: %d", got)
	}
}

// The first request of a process waits for its connection as long as connecting may take, and is answered
// within its own time; /ready answers sooner.
func TestGateWaitsForAConnection(t *testing.T) {
	t.Parallel()
	var left time.Duration
	a := setup(t, func(o *Options) {
		o.Ready = func(ctx context.Context) error {
			end, _ := ctx.Deadline()
			left = time.Until(end)
			return errors.New("a change is missing")
		}
	})
	call(a, "POST", "/rifaapp/v2/samples/"+sampleID, `{"title":"Moto 0 km"}`, "Authorization", "Bearer good")
	if left < postgres.ConnectTimeout || left > defaultTimeout-time.Second {
		t.Errorf("a request waits %s, want more than the %s of a connection and less than its own %s", left, postgres.ConnectTimeout, defaultTimeout)
	}
	call(a, "GET", "/rifaapp/ready", "")
	if left > 2*time.Second {
		t.Errorf("/ready waits %s", left)
	}
}
