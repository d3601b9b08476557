package testdb

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// admin makes and drops databases, over connections that tests share: to connect costs PostgreSQL more
// than most statements.
type admin struct {
	pool    *pgxpool.Pool
	dsn     string
	copying string // how CREATE DATABASE copies its template

	templateOnce sync.Once
	templateName string
	templateErr  error
}

const adminConnections = 4

// connectAdmin returns the admin of this process, which starts the server when RIFAAPP_TEST_DSN names none.
var connectAdmin = sync.OnceValues(func() (*admin, error) {
	ctx := context.Background()
	a := &admin{dsn: os.Getenv(EnvDSN)}
	if a.dsn == "" {
		server, err := StartServer(ctx)
		if err != nil {
			return nil, err
		}
		a.dsn, stopServer = server.DSN, server.Stop
	}
	config, err := pgxpool.ParseConfig(a.dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", EnvDSN, err)
	}
	config.MaxConns = adminConnections
	if a.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	// Copying a template page by page through the buffers takes PostgreSQL four times as long as
	// copying its files, which needs checkpoints: those are cheap where nothing is flushed to disk.
	return a, a.pool.QueryRow(ctx, `SELECT CASE WHEN current_setting('fsync') = 'off' AND current_setting('server_version_num')::int >= 150000
		THEN ' STRATEGY file_copy' ELSE '' END`).Scan(&a.copying)
})

// stopServer ends the server that this process started, if it did.
var stopServer = func() {}

func (a *admin) create(ctx context.Context, name, template string) error {
	return a.execute(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template+a.copying)
}

// drop removes a database whoever is connected to it. None is no error.
func (a *admin) drop(ctx context.Context, name string) error {
	return a.execute(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

func (a *admin) execute(ctx context.Context, statement string) error {
	_, err := a.pool.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return err
}

// database is the connection string of one of the server's databases.
func (a *admin) database(name string) string {
	u, err := url.Parse(a.dsn)
	if err != nil {
		return a.dsn
	}
	u.Path = "/" + name
	return u.String()
}
