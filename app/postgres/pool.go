// Package postgres is the one seam to the database driver: a pool with the limits the product
// promises, transactions with a bounded retry, and the translation of driver errors. It knows no
// table.
package postgres

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// Options say where the database is and how one process uses it.
type Options struct {
	Host     string // a name, an address or the folder of a Unix socket
	Port     int
	Name     string
	User     string
	Password string
	SSLMode  string // libpq's words: disable, prefer, require, verify-ca, verify-full
	RootCert string // file of the authorities to trust; empty: RDS's own for RDS, else the system's

	MaxConns int32 // how many requests one process serves at a time; one inside Lambda

	// BeforeConnect completes the configuration of each new connection, such as a fresh IAM token
	// or a secret's password. Nil leaves it as it is.
	BeforeConnect func(context.Context, *pgx.ConnConfig) error
}

// ConnectTimeout is how long a new connection to one address may take, with all of its greetings.
const ConnectTimeout = 5 * time.Second

const (
	pingTimeout     = 750 * time.Millisecond
	pingAfterIdle   = time.Second
	partTimeout     = time.Second
	maxConnLifetime = 15 * time.Minute
	maxConnIdleTime = 5 * time.Minute
	statementCache  = 256
)

// ConnConfig returns the driver's configuration for one connection, for callers that need a session
// of their own, such as the migrations.
func (o Options) ConnConfig() (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(o.dsn())
	if err != nil {
		return nil, fmt.Errorf("the database settings are not usable: check DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_SSLMODE and DB_SSLROOTCERT: %w", err)
	}
	trustRDS(config)
	config.ConnectTimeout = ConnectTimeout
	config.RuntimeParams["application_name"] = "rifaapp"
	return config, nil
}

// dsn is the address in libpq's form. The host stands in the query, where an IPv6 address and the
// folder of a Unix socket can stand too.
func (o Options) dsn() string {
	query := url.Values{"host": {o.Host}, "port": {strconv.Itoa(o.Port)}}
	for name, value := range map[string]string{"sslmode": o.SSLMode, "sslrootcert": o.RootCert} {
		if value != "" {
			query.Set(name, value)
		}
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(o.User, o.Password), Path: "/" + o.Name, RawQuery: query.Encode()}
	return u.String()
}

// Open makes the pool without connecting: the first query does. A connection must answer within
// 750 ms before it is used when it has been idle for a second and when an invocation takes it for the
// first time (see PingFirst): a frozen Lambda wakes with dead sockets.
func Open(ctx context.Context, o Options) (*pgxpool.Pool, error) {
	connConfig, err := o.ConnConfig()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("pool settings: %w", err)
	}
	connConfig.StatementCacheCapacity = statementCache
	connConfig.Tracer = waitTracer{}
	config.ConnConfig = connConfig
	config.MaxConns = max(o.MaxConns, 1)
	config.MinConns = 0
	config.MaxConnLifetime = maxConnLifetime
	config.MaxConnLifetimeJitter = maxConnLifetime / 5
	config.MaxConnIdleTime = maxConnIdleTime
	config.ShouldPing, config.PrepareConn, config.BeforeClose = suspectSome, checked, partSoon
	config.BeforeConnect = o.BeforeConnect
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // ids travel as 16 bytes; the driver alone would try text first
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database pool: %w", err)
	}
	return pool, nil
}
