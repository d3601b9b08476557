package testdb

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// OneConnection opens a pool's database with a single connection: each statement meets what the one before
// it left in the session.
func OneConnection(t testing.TB, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	db, _ := CountTrips(t, pool)
	return db
}

// CountTrips is OneConnection that counts: trips answers how many network round trips f makes. f should
// have run before, because statements are prepared the first time.
func CountTrips(t testing.TB, pool *pgxpool.Pool) (db *pgxpool.Pool, trips func(f func()) int) {
	t.Helper()
	var made atomic.Int64
	config := pool.Config()
	config.MaxConns, config.MinConns = 1, 0
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &countedConn{Conn: conn, trips: &made}, err
	}
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, func(f func()) int {
		before := made.Load()
		f()
		return int(made.Load() - before)
	}
}

// countedConn counts a trip whenever something is written after an answer.
type countedConn struct {
	net.Conn
	trips    *atomic.Int64
	underway atomic.Bool
}

func (c *countedConn) Write(p []byte) (int, error) {
	if !c.underway.Swap(true) {
		c.trips.Add(1)
	}
	return c.Conn.Write(p)
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.underway.Store(false)
	return n, err
}
