// Package testdb gives each test a PostgreSQL database of its own, migrated: a clone of a template
// that is made once per set of migrations. The server is the one that RIFAAPP_TEST_DSN names (`mage
// test` starts one for the whole run); without it each test binary starts its own, a container where
// an engine answers and the embedded server otherwise.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// A failed test keeps its database for as long as the server lives and prints how to open it.
package testdb

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// EnvDSN names a superuser's connection string of the server to use.
const EnvDSN = "RIFAAPP_TEST_DSN"

// Database is a migrated database of one test.
type Database struct {
	Name string
	DSN  string
	Pool *pgxpool.Pool

	options postgres.Options
	role    string // that Login made
}

// Login makes a role with a password, as privileged as the tests' own, that goes with the database. At
// most one for each.
func (d *Database) Login(password string) (role string, err error) {
	d.role = d.Name + "_login"
	return d.role, execute(context.Background(), d.DSN, "CREATE ROLE "+d.role+" LOGIN SUPERUSER PASSWORD '"+password+"'")
}

// server is the one of this process; started by the first test that asks.
var server struct {
	once sync.Once
	dsn  string
	stop func()
	err  error
}

// Main runs the tests of a package (a *testing.M, or what wraps one to clean up after it) and stops
// the server that they started.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code)
}

func adminDSN() (string, error) {
	server.once.Do(func() {
		if server.dsn = os.Getenv(EnvDSN); server.dsn != "" {
			return
		}
		var started *Server
		if started, server.err = StartServer(context.Background()); server.err == nil {
			server.dsn, server.stop = started.DSN, started.Stop
		}
	})
	return server.dsn, server.err
}

// New makes a migrated database for the test.
func New(t testing.TB) *Database {
	t.Helper()
	dsn := admin(t)
	template, err := ensureTemplate(t.Context(), dsn)
	if err != nil {
		t.Fatalf("make the template database: %v", err)
	}
	return create(t, dsn, "TEMPLATE "+template)
}

// NewEmpty makes a database without any of our tables.
func NewEmpty(t testing.TB) *Database {
	t.Helper()
	return create(t, admin(t), "TEMPLATE template0")
}

func admin(t testing.TB) string {
	t.Helper()
	dsn, err := adminDSN()
	if err != nil {
		t.Fatalf("start a PostgreSQL for the tests: %v", err)
	}
	return dsn
}

func create(t testing.TB, dsn, how string) *Database {
	t.Helper()
	name := "test_" + strings.ToLower(randomName())
	if err := execute(t.Context(), dsn, "CREATE DATABASE "+name+" "+how); err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	d := &Database{Name: name, DSN: withDatabase(dsn, name)}
	var err error
	if d.options, err = parseOptions(d.DSN); err != nil {
		t.Fatal(err)
	}
	if d.Pool, err = postgres.Open(context.Background(), d.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Pool.Close()
		if t.Failed() {
			t.Logf("the database is kept while its server runs (RIFAAPP_TEST_KEEP=1 go tool mage test keeps that too): psql '%s'", d.DSN)
			return
		}
		if err := execute(context.Background(), dsn, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Logf("the test's database stays behind: %v", err)
		}
	})
	return d
}

// Options are those with which app/postgres opens the database.
func (d *Database) Options() postgres.Options { return d.options }

// Env are the environment variables that lead the binary to the database.
func (d *Database) Env() []string {
	o := d.options
	return []string{
		"DB_HOST=" + o.Host, fmt.Sprintf("DB_PORT=%d", o.Port), "DB_NAME=" + o.Name, "DB_USER=" + o.User,
		"DB_PASSWORD=" + o.Password, "DB_SSLMODE=" + o.SSLMode,
	}
}

func parseOptions(dsn string) (postgres.Options, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return postgres.Options{}, err
	}
	const connections = 16
	return postgres.Options{
		Host: config.Host, Port: int(config.Port), Name: config.Database, User: config.User, Password: config.Password,
		SSLMode: "disable", MaxConns: connections,
	}, nil
}

func execute(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	u.Path = "/" + name
	return u.String()
}

// Standalone makes a migrated database for a process that outlives any one test, such as a server
// under test; drop removes it and, when this process started one, the server.
func Standalone() (database *Database, drop func(), err error) {
	ctx := context.Background()
	dsn, err := adminDSN()
	if err != nil {
		return nil, nil, err
	}
	template, err := ensureTemplate(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	name := "server_" + strings.ToLower(randomName())
	if err := execute(ctx, dsn, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return nil, nil, err
	}
	database = &Database{Name: name, DSN: withDatabase(dsn, name)}
	if database.options, err = parseOptions(database.DSN); err != nil {
		return nil, nil, err
	}
	return database, func() {
		_ = execute(ctx, dsn, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		if database.role != "" {
			_ = execute(ctx, dsn, "DROP ROLE IF EXISTS "+database.role)
		}
		if server.stop != nil {
			server.stop()
		}
	}, nil
}
