package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/sqitch"
	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust"
)

// requestsPerSecond run while migrations are deployed.
const requestsPerSecond = 50

// traffic calls the API at a steady rate until it is stopped, and notes what it was told.
type traffic struct {
	w        *world
	raffle   *raffle // to reserve numbers of; nil before there is one
	requests atomic.Int64
	ready    atomic.Int64 // answers that are none of "not ready"

	mu     sync.Mutex
	starts []time.Time // of requests, in order
}

// between is how many requests began in a span of time.
func (f *traffic) between(from, to time.Time) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, start := range f.starts {
		if start.After(from) && start.Before(to) {
			n++
		}
	}
	return n
}

func (f *traffic) run(ctx context.Context) {
	ticker := time.NewTicker(time.Second / requestsPerSecond)
	defer ticker.Stop()
	var all sync.WaitGroup
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			all.Wait()
			return
		case now := <-ticker.C:
			f.mu.Lock()
			f.starts = append(f.starts, now)
			f.mu.Unlock()
			all.Go(func() { f.call(context.WithoutCancel(ctx), i) })
		}
	}
}

func (f *traffic) call(ctx context.Context, i int) {
	r := request{method: "GET", path: "/v2/raffles"}
	if f.raffle != nil && i%2 == 0 {
		r = request{method: "POST", path: "/v2/raffles/" + f.raffle.ID + "/reservations", body: map[string]any{
			"participant": map[string]any{"name": "Luz"}, "numbers": []int{i % boardSize}, "ttl_minutes": 60,
		}}
	}
	a := f.w.clients.send(ctx, r)
	f.requests.Add(1)
	if a.code != "not_ready" {
		f.ready.Add(1)
	}
	if f.raffle != nil && (a.status == 0 || a.status >= 500) {
		f.w.clients.fault("during the deployment %s %s is answered %d: %s", r.method, r.path, a.status, a.body)
	}
}

// span is a time that something took.
type span struct{ from, to time.Time }

// deploy runs the deployer again and again and kills it at random points, then lets it end. It returns
// the times of the runs that were killed.
func (w *world) deploy(t *testing.T, binary string, env []string, kills int, random interface{ IntN(int) int }) (killed []span) {
	t.Helper()
	run := func(patience time.Duration) (ended bool, said string) {
		var out testserver.Log
		command := exec.Command(binary, "migrate")
		command.Env, command.Stdout, command.Stderr = env, &out, &out
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		end := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		err := command.Wait()
		end.Stop()
		for _, leak := range w.canaries.Found(out.String()) {
			w.clients.fault("the deployer tells a secret: %s", leak)
		}
		return err == nil, out.String()
	}
	for i := range kills {
		trust.Progress(t, "kill %d of %d", i+1, kills)
		began := time.Now()
		run(time.Duration(5+random.IntN(400)) * time.Millisecond)
		killed = append(killed, span{began, time.Now()})
	}
	if ended, said := run(2 * time.Minute); !ended {
		t.Fatalf("after %d kills the deployer does not come to its end:\n%s", kills, said)
	}
	return killed
}

// extend writes a project with our plan and further changes, which only expand. Each takes a while, the
// last part of it with its table locked, so that requests come between.
func extend(t *testing.T, changes int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, sqitch.Files); err != nil {
		t.Fatal(err)
	}
	plan, err := os.OpenFile(filepath.Join(dir, "sqitch.plan"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for i := range changes {
		name := fmt.Sprintf("expand_%d", i)
		fmt.Fprintf(plan, "%s 2040-01-01T00:%02d:00Z RifaApp <dev@rifaapp.example> # Expand\n", name, i)
		table := []string{"raffles", "tickets", "purchases", "participants", "raffles_read", "raffle_numbers_read", "sales_read"}[i%7]
		for folder, script := range map[string]string{
			"deploy": "SELECT pg_sleep(0.1);\nALTER TABLE " + table + " ADD COLUMN " + name + " integer NOT NULL DEFAULT 0;\nCREATE TABLE " + name + " (id integer);\nSELECT pg_sleep(0.05);",
			"revert": "DROP TABLE " + name + ";\nALTER TABLE " + table + " DROP COLUMN " + name + ";",
			"verify": "SELECT " + name + " FROM " + table + " WHERE false;",
		} {
			if err := os.WriteFile(filepath.Join(dir, folder, name+".sql"), []byte("BEGIN;\n"+script+"\nCOMMIT;\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := plan.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// deployedOnce holds the registry against the plan's number of changes.
func (w *world) deployedOnce(t *testing.T, want int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.postgres.DSN(w.name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var changes, events int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM sqitch.changes), (SELECT count(*) FROM sqitch.events WHERE event = 'deploy')`).Scan(&changes, &events)
	if err != nil || changes != want || events != want {
		t.Errorf("%d changes, deployed %d times (%v), want %d each", changes, events, err, want)
	}
}

// The whole plan and what comes after it deploy while people buy, although the deployer is killed
// again and again (R9).
func TestDeployUnderLoad(t *testing.T) {
	random := trust.Rand(trust.Seed(t), 9)
	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	kills, further := trust.Size(5, 50), 14
	w := newWorld(t, startPostgres(t), options{binary: binary, unmigrated: true, processes: 2})
	first := &traffic{w: w}
	whole := strings.Count(string(trust.File(t, "sqitch/sqitch.plan")), "<dev@rifaapp.example>")
	during(t, first, func() { w.deploy(t, binary, w.environment, kills, random) })
	w.deployedOnce(t, whole)
	for _, p := range w.processes {
		if err := p.WaitReady(); err != nil {
			t.Fatal(err)
		}
	}

	w.register()
	second := &traffic{w: w, raffle: w.newRaffle()}
	began := time.Now()
	var killed []span
	during(t, second, func() {
		killed = w.deploy(t, binary, append(w.environment, "SQITCH_DIR="+extend(t, further)), kills, random)
	})
	w.deployedOnce(t, whole+further)
	for _, fault := range append(w.clients.found(), w.leaks()...) {
		t.Error(fault)
	}
	killsAmid, changesAmid := 0, 0
	for _, s := range killed {
		killsAmid += min(1, second.between(s.from, s.to))
	}
	for _, s := range w.deployments(t, began) {
		changesAmid += min(1, second.between(s.from, s.to))
	}
	if first.requests.Load() == 0 || second.ready.Load() == 0 || killsAmid < kills/2 || changesAmid < further/2 {
		t.Errorf("there was little traffic: %d and %d requests, amid %d of %d killed runs and %d of %d changes", first.requests.Load(), second.ready.Load(), killsAmid, kills, changesAmid, further)
	}
	trust.Figure(t, "R9", "kills of the deployer", 2*kills, "changes deployed", whole+further, "requests before the schema was there", first.requests.Load(),
		"requests during an expansion", second.requests.Load(), "of its changes", fmt.Sprintf("amid %d of %d", changesAmid, further), "of its kills", fmt.Sprintf("amid %d of %d", killsAmid, kills),
		"5xx among them", len(w.clients.found()))
}

// deployments are the times that the changes since then took, each from the end of the one before.
func (w *world) deployments(t *testing.T, since time.Time) (all []span) {
	t.Helper()
	rows, err := w.db.Query(t.Context(), `SELECT committed_at FROM sqitch.events WHERE event = 'deploy' AND committed_at > $1 ORDER BY committed_at`, since)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		all = append(all, span{since, end})
		since = end
	}
	return all
}

// during lets traffic run while something else does.
func during(t *testing.T, f *traffic, work func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); f.run(ctx) }()
	defer func() { stop(); <-ended }()
	work()
}
