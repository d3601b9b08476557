package infra

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// TestRoles runs roles.sql as `mage deploy` does, as a master user who is no superuser, deploys every migration as the
// migrator, and tries as the app what it needs and what it must not do.
func TestRoles(t *testing.T) {
	t.Parallel()
	roles, err := os.ReadFile("../../infra/modules/database/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	var database *testdb.Database
	t.Cleanup(func() { dropRoles(t, database.DSN) }) // after the database, which Cleanup drops first
	database = testdb.NewEmpty(t)
	master := signInAsMaster(t, database)
	for range 2 { // it may run any number of times
		if _, err := master.Exec(t.Context(), string(roles)); err != nil {
			t.Fatal(err)
		}
		leaveTable(t, database)
	}
	// RDS refuses the password of whoever is a member of rds_iam, at whatever distance: it would refuse the next deployment.
	// From PostgreSQL 16 on, who made a role stays a member of it, which is why the module database takes 15 only.
	var inside, member, kept bool
	if err := master.QueryRow(t.Context(), `
		SELECT pg_has_role('rifaapp_migrator', 'rds_iam', 'member') AND pg_has_role('rifaapp_app', 'rds_iam', 'member'),
		       pg_has_role(current_user, 'rds_iam', 'member') OR pg_has_role(current_user, 'rifaapp_migrator', 'member')
		           OR pg_has_role(current_user, 'rifaapp_app', 'member'),
		       current_setting('server_version_num')::int >= 160000`,
	).Scan(&inside, &member, &kept); err != nil || !inside || member != kept {
		t.Errorf("migrator and app sign in by token: %t, and the master user too: %t, want %t; %v", inside, member, kept, err)
	}
	project, err := migrate.Open(sqitch.Files)
	if err != nil {
		t.Fatal(err)
	}
	migrator := migrate.New(project, migrate.Static(signIn(t, database, "rifaapp_migrator")), migrate.Options{})
	if _, err := migrator.Deploy(t.Context(), migrate.DeployOptions{}); err != nil {
		t.Fatalf("the migrator cannot deploy: %v", err)
	}
	if _, err := master.Exec(t.Context(), string(roles)); err != nil {
		t.Fatalf("roles.sql beside a deployed schema: %v", err)
	}
	checkOwner(t, database)
	app, err := pgx.ConnectConfig(t.Context(), signIn(t, database, "rifaapp_app"))
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close(context.Background())
	var limits string
	if err := app.QueryRow(t.Context(), `
		SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'))`,
	).Scan(&limits); err != nil || limits != "5s 2s 10s" {
		t.Errorf("limits of the app: %q, %v", limits, err)
	}
	for statement, allowed := range map[string]bool{
		"SELECT count(*) FROM raffles":                         true,
		"SELECT count(*) FROM raffles_read":                    true,
		"UPDATE raffles SET title = title":                     true,
		"DELETE FROM tickets":                                  true,
		"CREATE TABLE mine (id int)":                           false,
		"DROP TABLE raffles":                                   false,
		"TRUNCATE raffles":                                     false,
		"SELECT count(*) FROM sqitch.changes":                  false,
		"DELETE FROM sqitch.changes":                           false,
		"CREATE ROLE another":                                  false,
		"SET ROLE rifaapp_owner":                               false,
		"ALTER TABLE raffles ALTER COLUMN title DROP NOT NULL": false,
		"CREATE OR REPLACE FUNCTION f() RETURNS int RETURN 1":  false,
		"COPY (SELECT 1) TO PROGRAM 'true'":                    false,
	} {
		_, err := app.Exec(t.Context(), statement)
		refused, _ := errors.AsType[*pgconn.PgError](err)
		switch {
		case allowed && err != nil:
			t.Errorf("the app cannot %s: %v", statement, err)
		case !allowed && (refused == nil || refused.Code != "42501"):
			t.Errorf("the app may %s: %v", statement, err)
		}
	}
}

// leaveTable makes a table of the migrator's own, as databases have that were deployed before it became the owner.
func leaveTable(t *testing.T, d *testdb.Database) {
	t.Helper()
	migrator, err := pgx.ConnectConfig(t.Context(), signIn(t, d, "rifaapp_migrator"))
	if err != nil {
		t.Fatal(err)
	}
	defer migrator.Close(context.Background())
	if _, err := migrator.Exec(t.Context(), `SET ROLE NONE; CREATE TABLE IF NOT EXISTS earlier (id int)`); err != nil {
		t.Fatal(err)
	}
}

// checkOwner: what deployments made belongs to the role that nobody signs in as, and nothing to one that somebody does.
func checkOwner(t *testing.T, d *testdb.Database) {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), `
		SELECT pg_get_userbyid(owner) || ': ' || count(*) FROM (
			SELECT relowner AS owner FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'sqitch'::regnamespace)
			UNION ALL
			SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace
			UNION ALL
			SELECT nspowner FROM pg_namespace WHERE nspname = 'sqitch'
		) AS objects GROUP BY owner`)
	if err != nil {
		t.Fatal(err)
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(owners) != 1 || !strings.HasPrefix(owners[0], "rifaapp_owner: ") {
		t.Errorf("owners of what was deployed: %q, %v; want rifaapp_owner alone", owners, err)
	}
}

// signInAsMaster connects as a user with the rights that RDS gives the master user, on a server that knows rds_iam.
func signInAsMaster(t *testing.T, d *testdb.Database) *pgx.Conn {
	t.Helper()
	for _, statement := range []string{
		// A failed run leaves its database, and with it the roles. From PostgreSQL 16 on, only who administers a role may
		// grant it.
		`DO $$ BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN
				CREATE ROLE rds_iam;
			END IF;
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rifaapp_master') THEN
				CREATE ROLE rifaapp_master LOGIN CREATEROLE CREATEDB;
			END IF;
			IF current_setting('server_version_num')::int >= 160000 THEN
				EXECUTE 'GRANT rds_iam TO rifaapp_master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE';
			END IF;
		END $$`,
		"ALTER DATABASE " + pgx.Identifier{d.Pool.Config().ConnConfig.Database}.Sanitize() + " OWNER TO rifaapp_master",
	} {
		if _, err := d.Pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	master, err := pgx.ConnectConfig(t.Context(), signIn(t, d, "rifaapp_master"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close(context.Background()) })
	return master
}

// signIn is a connection as one role. On AWS it signs in with a token; here it gets a password.
func signIn(t *testing.T, d *testdb.Database, role string) *pgx.ConnConfig {
	t.Helper()
	password := rand.Text()
	if _, err := d.Pool.Exec(t.Context(), "ALTER ROLE "+role+" PASSWORD '"+password+"'"); err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Password = role, password
	return config
}

// dropRoles leaves the server as it was: roles belong to all its databases.
func dropRoles(t *testing.T, dsn string) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.Database = "postgres"
	server, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.Background())
	for _, role := range strings.Fields("rifaapp_app rifaapp_migrator rifaapp_owner rds_iam rifaapp_master") {
		if _, err := server.Exec(context.Background(), "DROP ROLE IF EXISTS "+role); err != nil {
			t.Logf("%s stays behind: %v", role, err)
		}
	}
}
