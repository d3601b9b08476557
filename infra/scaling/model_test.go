package main

import (
	"encoding/json"
	"os"
	"testing"
)

func measured(t *testing.T) Measured {
	t.Helper()
	var m Measured
	if err := json.Unmarshal(measuredJSON, &m); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]float64{"cycle_api_ms": m.CycleAPIMillis, "cycle_database_ms": m.CycleDatabaseMillis,
		"cycle_wal_bytes": m.CycleWALBytes, "look_api_ms": m.LookAPIMillis, "look_database_ms": m.LookDatabaseMillis} {
		if v <= 0 {
			t.Errorf("measured.json: %s is %v", name, v)
		}
	}
	return m
}

// The page says what the program reckons.
func TestPageIsCurrent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../SCALING.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := renew(string(text), report(measured(t), assumptions))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(text) {
		t.Error("infra/SCALING.md differs from the model; run: go run ./infra/scaling --write")
	}
}

// Worked by hand: 600 buyers make 10 cycles and 120 looks a second.
func TestReckon(t *testing.T) {
	t.Parallel()
	a := assumptions
	a.FunctionCore, a.RoundTripMillis, a.CommitMillis, a.Utilisation, a.Headroom = 0.5, 1, 4, 0.5, 2
	m := Measured{CycleAPIMillis: 1, CycleDatabaseMillis: 5, CycleWALBytes: 3000, LookAPIMillis: 1, LookDatabaseMillis: 1}
	n := Reckon(m, a, Load{Raffles: 2, Buyers: 600})
	// A cycle: 1/0.5 + 2·(1+4) + 5 = 17 ms; a read: 2 + 1 + 1 = 4 ms. 2·(10·0.017 + 120·0.004) = 1.3.
	// Cores: (10·5 + 120·1)/1000 = 0.17; 2·0.17/0.25/0.5 = 2.72 units, so 3.
	if n.CyclesPerSecond != 10 || n.OriginReads != 120 || n.Concurrency != 2 || n.ACU != 3 || !n.Enough || n.ConnectionsHad != 432 {
		t.Errorf("got %+v", n)
	}
	if cached := Reckon(m, a, Load{Raffles: 2, Buyers: 600, CDN: true}); cached.OriginReads != 6 || cached.ACU >= n.ACU {
		t.Errorf("with a CDN: %+v", cached)
	}
	// 16 rows, 63 % of them busy, 4 ms each, two of them for a cycle.
	if limit := HotLimit(a); limit < 1264 || limit > 1265 {
		t.Errorf("one raffle's limit is %v", limit)
	}
}

// More people never need less.
func TestMoreNeedsMore(t *testing.T) {
	t.Parallel()
	m, before := measured(t), Need{}
	for buyers := 10.0; buyers <= 1e8; buyers *= 1.5 {
		n := Reckon(m, assumptions, Load{Raffles: 10, Buyers: buyers})
		if n.Concurrency < before.Concurrency || n.ACU < before.ACU || n.CyclesPerSecond <= before.CyclesPerSecond || buyers > 10 && !before.Enough && n.Enough {
			t.Fatalf("%.0f buyers need %+v, fewer needed %+v", buyers, n, before)
		}
		before = n
	}
	if before.Enough {
		t.Error("the connections suffice for any number of people")
	}
}
