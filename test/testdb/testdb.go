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
	"crypto/rand"
	"fmt"
	"os"
	"strings"
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

	server  *admin
	options postgres.Options
	role    string // that Login made
}

// Login makes a role with a password, as privileged as the tests' own, that goes with the database. At
// most one for each.
func (d *Database) Login(password string) (role string, err error) {
	d.role = d.Name + "_login"
	return d.role, d.server.execute(context.Background(), "CREATE ROLE "+d.role+" LOGIN SUPERUSER PASSWORD '"+password+"'")
}

// Main runs the tests of a package (a *testing.M, or what wraps one to clean up after it) and stops
// the server that they started.
func Main(m interface{ Run() int }) {
	code := m.Run()
	stopServer()
	os.Exit(code)
}

// New makes a migrated database for the test.
func New(t testing.TB) *Database {
	t.Helper()
	server := adminOf(t)
	template, err := server.template(t.Context())
	if err != nil {
		t.Fatalf("make the template database: %v", err)
	}
	return create(t, server, template)
}

// NewEmpty makes a database without any of our tables.
func NewEmpty(t testing.TB) *Database {
	t.Helper()
	return create(t, adminOf(t), "template0")
}

func adminOf(t testing.TB) *admin {
	t.Helper()
	server, err := connectAdmin()
	if err != nil {
		t.Fatalf("start a PostgreSQL for the tests: %v", err)
	}
	return server
}

func create(t testing.TB, server *admin, template string) *Database {
	t.Helper()
	d, err := newDatabase(t.Context(), server, "test_", template)
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
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
		if err := server.drop(context.Background(), d.Name); err != nil {
			t.Logf("the test's database stays behind: %v", err)
		}
	})
	return d
}

// newDatabase makes a database with a name of its own.
func newDatabase(ctx context.Context, server *admin, prefix, template string) (*Database, error) {
	d := &Database{Name: prefix + strings.ToLower(rand.Text()[:12]), server: server}
	d.DSN = server.database(d.Name)
	var err error
	if d.options, err = parseOptions(d.DSN); err != nil {
		return nil, err
	}
	return d, server.create(ctx, d.Name, template)
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

// Standalone makes a migrated database for a process that outlives any one test, such as a server
// under test; drop removes it and, when this process started one, the server.
func Standalone() (database *Database, drop func(), err error) {
	ctx := context.Background()
	server, err := connectAdmin()
	if err != nil {
		return nil, nil, err
	}
	template, err := server.template(ctx)
	if err != nil {
		return nil, nil, err
	}
	if database, err = newDatabase(ctx, server, "server_", template); err != nil {
		return nil, nil, err
	}
	return database, func() {
		_ = server.drop(ctx, database.Name)
		if database.role != "" {
			_ = server.execute(ctx, "DROP ROLE IF EXISTS "+database.role)
		}
		stopServer()
	}, nil
}
