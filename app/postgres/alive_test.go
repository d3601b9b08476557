package postgres_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/test/lambdalocal"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// linked returns a pool of so many connections and the link that they go over.
func linked(t *testing.T, connections int32) (*pgxpool.Pool, *lambdalocal.Link) {
	t.Helper()
	c := testdb.New(t).Pool.Config().ConnConfig
	link, err := lambdalocal.NewLink(net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(link.Address)
	number, _ := strconv.Atoi(port)
	pool, err := postgres.Open(t.Context(), postgres.Options{
		Host: host, Port: number, Name: c.Database, User: c.User, Password: c.Password, SSLMode: "disable", MaxConns: connections,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = link.Close()
		pool.Close()
	})
	return pool, link
}

// hold takes so many connections at once and gives them back.
func hold(ctx context.Context, t *testing.T, pool *pgxpool.Pool, connections int) {
	t.Helper()
	for range connections {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
	}
}

// All connections of a frozen process may have died, not only the one that is taken first.
func TestEachConnectionProvesItselfInAnInvocation(t *testing.T) {
	t.Parallel()
	const connections = 3
	pool, link := linked(t, connections)
	hold(postgres.PingFirst(t.Context()), t, pool, connections)
	if silenced := link.Silence(); silenced != connections {
		t.Fatalf("%d connections went silent, want %d", silenced, connections)
	}
	ctx, cancel := context.WithTimeout(postgres.PingFirst(t.Context()), 8*time.Second)
	defer cancel()
	if _, err := pool.Exec(ctx, `SELECT 1`); err != nil {
		t.Error(err)
	}
}

// A connection that goes silent in the middle of a statement costs that statement, not the next ones: the
// driver would wait 15 s for its end, and a pool of one has no other meanwhile.
func TestSilenceInAStatementEndsWithIt(t *testing.T) {
	t.Parallel()
	pool, link := linked(t, 1)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	link.Silence()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, `SELECT 1`); err == nil {
		t.Fatal("it was answered in silence")
	}
	conn.Release()
	next, stop := context.WithTimeout(t.Context(), 8*time.Second)
	defer stop()
	if _, err := pool.Exec(next, `SELECT 1`); err != nil {
		t.Errorf("the next statement: %v", err)
	}
}
