// Package chaos lets many buyers and an organiser work on a few raffles through several API processes,
// breaks processes and connections meanwhile, and compares what everybody was told with what the
// database holds. Its tests run one after the other: each brings a load of its own, and would otherwise
// judge the others'.
package chaos

import (
	"strconv"
	"testing"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// Nothing is sold twice and nothing acknowledged is lost, whatever is killed (R1 to R4 of the
// promises in .github/SECURITY.md).
func TestChaos(t *testing.T) {
	seed := trust.Seed(t)
	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	// Each outrage makes every process connect anew: in the small size with few connections, lest it is mostly that.
	pool := "DB_POOL_SIZE=" + strconv.Itoa(trust.Size(8, 16))
	w := newWorld(t, startPostgres(t), options{binary: binary, processes: 3, env: []string{pool}})
	r, findings := start(t, w, sizes{
		buyers: trust.Size(100, 500), attempts: trust.Size(5_000, 50_000), raffles: trust.Size(20, 100),
		apiKills: trust.Size(3, 30), postgresKills: trust.Size(2, 20), storms: trust.Size(2, 20), cuts: trust.Size(1, 10), lostAnswers: trust.Size(2, 20),
		buys: float64(trust.Size(30, 6)) / 1000, keyless: 0.1, roundsPerStorm: 5, attemptsPerOutrage: 5,
		rounds: trust.Size(1, 8),
	}, seed)
	report(t, r, findings)
	if len(findings) > 0 {
		t.Errorf("%d findings; replay with %s=%d", len(findings), trust.EnvSeed, seed)
	}
	for _, finding := range findings[:min(len(findings), 30)] {
		t.Error(finding)
	}
}

// report leaves the figures, and fails a run that was too tame to prove anything.
func report(t *testing.T, r *run, findings []string) {
	t.Helper()
	operations, rivals := 0, r.buyers
	for _, each := range r.raffles {
		operations += len(each.history)
		rivals = min(rivals, each.fewestRivals())
	}
	trust.Figure(t, "R1", "buyers", r.buyers, "attempts", r.attempts, "hot numbers", len(r.raffles)*boardSize, "rivals at least for each", rivals, "sales", r.sales.Load())
	trust.Figure(t, "R2", "kills of API", r.apiKills, "kills of PostgreSQL", r.postgresKills, "backends terminated in storms", r.terminated, "connections cut", r.cutOff)
	trust.Figure(t, "R3", "verdicts", r.verdicts, "requests", r.clients.requests.Load(), "answered 503 with Retry-After", r.clients.unavailable.Load(),
		"not answered", r.clients.unanswered.Load(), "findings", len(findings))
	trust.Figure(t, "R4", "operations judged", operations, "histories", len(r.raffles), "seals", r.seals.Load(), "draws and repetitions", r.draws.Load(),
		"receipts held against sealed lists", r.receipts)
	for what, enough := range map[string]bool{
		"20 rivals for each number": rivals >= 20, "5 000 operations": operations >= 5_000, "a sale": r.sales.Load() > 0, "a seal": r.seals.Load() > 0, "a draw": r.draws.Load() > 1, "a receipt of what was sealed": r.receipts > 0,
		"a terminated backend": r.terminated > 0, "a cut connection": r.cutOff > 0, "an unavailable database": r.clients.unavailable.Load() > 0,
	} {
		if !enough {
			t.Errorf("the run was too tame: it lacks %s", what)
		}
	}
}
