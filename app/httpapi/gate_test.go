package httpapi

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
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
