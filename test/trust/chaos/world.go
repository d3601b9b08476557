package chaos

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/devdb"
	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// world is several API processes over one PostgreSQL of their own, with a network between that can
// be cut.
type world struct {
	t         *testing.T
	name      string // of the database
	role      string // that the API logs in as
	postgres  *devdb.Server
	link      *link
	processes []*testserver.Process
	db        *pgxpool.Pool // straight to PostgreSQL, for the verdict
	canaries  *canary.Set
	clients   *clients
	organiser string // Authorization of whom the raffles belong to

	environment []string // of the API processes
}

// startPostgres starts a server that may be killed: kills must lose nothing that was committed, so
// only the disk's own failures are left out.
func startPostgres(t *testing.T) *devdb.Server {
	t.Helper()
	server, err := devdb.Start(t.Context(), devdb.Options{Ephemeral: true, Settings: []string{
		"synchronous_commit=on", "full_page_writes=on", "max_wal_size=64MB", "checkpoint_timeout=30s", "shared_buffers=64MB",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

// options of a world.
type options struct {
	binary    string
	processes int
	env       []string // more of it, for the API
	prepare   []string // statements that change the database before anybody uses it

	unmigrated bool // begin with an empty database, and with nobody registered
}

// newWorld starts everything on a database of its own on the server.
func newWorld(t *testing.T, server *devdb.Server, o options) *world {
	t.Helper()
	w := &world{t: t, postgres: server, canaries: canary.Plant()}
	w.name = "world_" + strings.ToLower(rand.Text()[:8])
	w.role = "api_" + w.name
	w.sql("postgres", "CREATE ROLE "+w.role+" LOGIN SUPERUSER PASSWORD '"+w.canaries.Get("database password")+"'", "CREATE DATABASE "+w.name)
	for _, limit := range []string{"statement_timeout = '5s'", "lock_timeout = '2s'", "idle_in_transaction_session_timeout = '10s'"} {
		w.sql("postgres", "ALTER ROLE "+w.role+" SET "+limit) // as on AWS
	}
	var err error
	if w.link, err = newLink(net.JoinHostPort("127.0.0.1", strconv.Itoa(w.postgres.Port))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.link.close)
	w.environment = append(w.env(), o.env...)
	if !o.unmigrated {
		migrate := exec.Command(o.binary, "migrate")
		migrate.Env = w.environment
		if output, err := migrate.CombinedOutput(); err != nil {
			t.Fatalf("migrate: %v\n%s", err, output)
		}
	}
	w.sql(w.name, o.prepare...)
	if w.db, err = pgxpool.New(context.Background(), w.postgres.DSN(w.name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	w.launch(o)
	if !o.unmigrated {
		w.register()
	}
	return w
}

func (w *world) env() []string {
	keys, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		w.t.Fatal(err)
	}
	w.canaries.Add("signing key", keyMaterial(string(keys)))
	return []string{
		"DB_HOST=127.0.0.1", fmt.Sprintf("DB_PORT=%d", w.link.port()), "DB_NAME=" + w.name, "DB_USER=" + w.role,
		"DB_PASSWORD=" + w.canaries.Get("database password"), "DB_SSLMODE=disable", "DB_POOL_SIZE=16",
		"JWT_KEYS=" + string(keys), "MIGRATIONS_TOKEN=" + w.canaries.Get("migrations token"),
	}
}

// keyMaterial is the private part of the first key of a set.
func keyMaterial(set string) string {
	_, rest, _ := strings.Cut(set, `"d":"`)
	key, _, _ := strings.Cut(rest, `"`)
	return key
}

func (w *world) launch(o options) {
	w.t.Helper()
	var urls []string
	for range o.processes {
		p, err := testserver.Begin(o.binary, w.environment...)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(p.Kill)
		w.processes = append(w.processes, p)
		urls = append(urls, p.URL)
	}
	for _, p := range w.processes {
		wait := p.WaitReady
		if o.unmigrated {
			wait = p.WaitListening
		}
		if err := wait(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.clients = newClients(urls, w.canaries)
}

// register makes the organiser, whose e-mail, password and tokens are canaries too.
func (w *world) register() {
	w.t.Helper()
	body := map[string]any{"name": w.canaries.Get("organiser name"), "email": w.canaries.Get("organiser e-mail"), "password": w.canaries.Get("organiser password")}
	random := mathrand.New(mathrand.NewPCG(0, 0)) // of pauses only
	a := w.clients.settle(w.t.Context(), random, request{method: "POST", path: "/auth/register", body: body})
	if a.code == "email_taken" { // by a first try that was answered 503
		a = w.clients.settle(w.t.Context(), random, request{method: "POST", path: "/auth/login", body: map[string]any{"email": body["email"], "password": body["password"]}})
	}
	if a.status >= 300 {
		w.t.Fatalf("register: %d %s", a.status, a.body)
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	a.decode(&tokens)
	w.organiser = "Bearer " + tokens.Access
}

// newRaffle opens a raffle of boardSize numbers from 0 on.
func (w *world) newRaffle() *raffle {
	w.t.Helper()
	a := w.clients.settle(w.t.Context(), mathrand.New(mathrand.NewPCG(0, 0)), request{method: "POST", path: "/v2/raffles", key: rand.Text(), token: w.organiser, body: map[string]any{
		"title": "Moto 0 km", "ticket_price": 5000, "total_tickets": boardSize, "number_start": 0,
	}})
	if a.status != 201 {
		w.t.Fatalf("create a raffle: %d %s", a.status, a.body)
	}
	r := &raffle{}
	a.decode(r)
	return r
}

// sql runs statements as the superuser.
func (w *world) sql(database string, statements ...string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.postgres.DSN(database))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, statement := range statements {
		if _, err := conn.Exec(w.t.Context(), statement); err != nil {
			w.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// leaks says which secrets are in answers or in what the processes said.
func (w *world) leaks() []string {
	logs := map[string]string{}
	for i, p := range w.processes {
		logs[fmt.Sprintf("the log of process %d", i+1)] = p.Log.String()
	}
	return w.canaries.Judge(logs)
}

// killAPI ends a process as kill -9 does and starts it again.
func (w *world) killAPI(which int) error {
	p := w.processes[which%len(w.processes)]
	p.Kill()
	return p.Restart()
}

// killPostgres does the same to the database.
func (w *world) killPostgres(ctx context.Context) error {
	if err := w.postgres.Kill(ctx); err != nil {
		return err
	}
	w.db.Reset() // the verdict's own connections ended too
	return w.postgres.Restart(ctx)
}

// terminateBackends ends every session of the API, once.
func (w *world) terminateBackends(ctx context.Context) (ended int, err error) {
	err = w.db.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE usename = $1`, w.role).Scan(&ended)
	return ended, err
}

// quiet waits until the API's statements have been executed, at most for the given time.
func (w *world) quiet(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		var busy int
		err := w.db.QueryRow(ctx, `
			SELECT count(*) FROM pg_stat_activity
			WHERE usename = $1 AND state = 'active'`, w.role).Scan(&busy)
		if err != nil || busy == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
