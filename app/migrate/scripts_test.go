package migrate_test

import (
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// hardScript has what a naive splitter breaks at.
const hardScript = `-- Deploy; hard
BEGIN;
CREATE TABLE t (id int PRIMARY KEY, note text DEFAULT 'a;''b');
CREATE FUNCTION f(x int) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  -- $$ ; 'not a quote
  IF x > 1 THEN RETURN E'it''s;\n'; END IF;
  RETURN $$;$$;
END
$body$;
CREATE FUNCTION g(x int) RETURNS int
BEGIN ATOMIC
  SELECT CASE WHEN x > 1 THEN 2 ELSE 3 END;
END;
CREATE RULE r AS ON DELETE TO t DO ALSO (INSERT INTO t VALUES (100, 'rule;'); SELECT 1);
COPY t(id, note)FROM -- the data;
  STDIN; -- follows
1	one;
2	\N
3	back\\slash\tand tab
\.
COPY t FROM STDIN WITH (FORMAT csv, HEADER);
id,note
4,"four; ""quoted"""
\.
COMMIT;
BEGIN;
INSERT INTO t VALUES (5, f(1)), (6, f(2)), (7, g(1)::text);
ROLLBACK;
BEGIN;
INSERT INTO t VALUES (8, f(1)), (9, f(2)), (10, g(1)::text);
SAVEPOINT s;
INSERT INTO t VALUES (11, 'gone');
ROLLBACK TO SAVEPOINT s;
RELEASE s;
COMMIT;
COPY (SELECT * FROM t) TO STDOUT;
SET search_path = pg_catalog;
CREATE TABLE public.last (id int)
`

// TestHardScriptsDoWhatPsqlDoes runs a script with Sqitch, which is psql, and with ours.
func TestHardScriptsDoWhatPsqlDoes(t *testing.T) {
	t.Parallel()
	needCLI(t)
	files := with(planOf("a"), "deploy/a.sql", hardScript, "verify/a.sql", "SELECT 1/(count(*) = 7)::int FROM t;", "revert/a.sql", "DROP TABLE t, last;\nDROP FUNCTION f;\nDROP FUNCTION g;\n")
	dir := writeProject(t, project(files))
	state := func(d *testdb.Database) string {
		return query(t, d, `SELECT format('%s %s', id, note) FROM t ORDER BY id`) + query(t, d, `SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname IN ('f', 'g') ORDER BY proname`) +
			query(t, d, `SELECT definition FROM pg_rules WHERE schemaname = 'public'`) + userTables(t, d)
	}
	theirs, ours := testdb.NewEmpty(t), testdb.NewEmpty(t)
	for _, command := range []string{"deploy", "verify"} {
		for d, who := range map[*testdb.Database]deployer{theirs: perl, ours: golang} {
			if r := who(t, dir, d.DSN, command); r.code != 0 {
				t.Fatalf("%s: %s", command, r.output)
			}
		}
	}
	if want, got := state(theirs), state(ours); got != want || !strings.Contains(got, "4 four; \"quoted\"") {
		t.Errorf("psql makes\n%s\nours\n%s", want, got)
	}
	if r := perl(t, dir, ours.DSN, "revert", "-y"); r.code != 0 || userTables(t, ours) != "" {
		t.Errorf("Sqitch cannot revert it: %s", r.output)
	}
}

// TestOutsideATransaction deploys and reverts scripts with the marker.
func TestOutsideATransaction(t *testing.T) {
	t.Parallel()
	const marker = "-- migrate: no-transaction\n"
	files := with(planOf("a", "b"), "deploy/b.sql", marker+"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a0 (id);\nVACUUM a0;\nCREATE TABLE b0 (id int);\n",
		"revert/b.sql", marker+"DROP INDEX CONCURRENTLY IF EXISTS i;\nDROP TABLE IF EXISTS b0;\n")
	d := testdb.NewEmpty(t)
	m, _ := migrator(t, project(files), d.DSN)
	for range 2 {
		if _, err := m.Deploy(t.Context(), migrate.DeployOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := query(t, d, `SELECT indexname FROM pg_indexes WHERE tablename = 'a0'`); got != "i" {
			t.Fatalf("the index is %q", got)
		}
		if _, err := m.Revert(t.Context(), migrate.RevertOptions{To: "a"}); err != nil {
			t.Fatal(err)
		}
		if got := userTables(t, d) + query(t, d, `SELECT indexname FROM pg_indexes WHERE tablename = 'a0'`); got != "a0" {
			t.Fatalf("%s is left", got)
		}
	}
	for name, c := range map[string]struct{ kind, script, says string }{
		"a failing verify takes it back":      {"verify", "SELECT 1/0;", "verify script verify/b.sql failed"},
		"a transaction left open":             {"deploy", marker + "SELECT 1;\nBEGIN;\nSELECT 1;\n", "deploy/b.sql:3: a transaction begins here and is never committed"},
		"a lost connection tells what it did": {"deploy", marker + "SELECT pg_terminate_backend(pg_backend_pid());", "its first statements may be done"},
	} {
		bad, _ := migrator(t, project(with(files, c.kind+"/b.sql", c.script)), d.DSN)
		_, err := bad.Deploy(t.Context(), migrate.DeployOptions{})
		wants(t, err, c.says)
		if got := userTables(t, d) + query(t, d, `SELECT indexname FROM pg_indexes WHERE tablename = 'a0'`); got != "a0" {
			t.Errorf("%s: %s is left", name, got)
		}
	}
}

// TestNothingLeaks looks for what one script leaves to the next.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	leak := "SET search_path = pg_catalog;\nSET statement_timeout = '1h';\nSET ROLE pg_monitor;\nCREATE TEMP TABLE leak (id int);\nPREPARE leak AS SELECT 1;\nSELECT pg_advisory_lock(7);\nLISTEN leak;\nRESET ROLE;\nCREATE TABLE public.%s (id int);\nSET ROLE pg_monitor;\n"
	clean := `DO $$ BEGIN
		ASSERT current_setting('search_path') = '"$user", public', 'search_path';
		ASSERT current_setting('statement_timeout') = '0', 'statement_timeout';
		ASSERT current_user = session_user, 'role';
	END $$;`
	gone := clean + `DO $$ BEGIN
		ASSERT to_regclass('leak') IS NULL, 'temporary table';
		ASSERT NOT EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'leak'), 'prepared statement';
		ASSERT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND pid = pg_backend_pid()), 'advisory lock';
		ASSERT NOT EXISTS (SELECT FROM pg_listening_channels()), 'channel';
	END $$;`
	files := planOf("a", "b")
	for _, name := range []string{"a", "b"} {
		files["deploy/"+name+".sql"] = gone + "CREATE TEMP TABLE x ON COMMIT DROP AS SELECT 1;" + strings.ReplaceAll(leak, "%s", name+"0")
		files["verify/"+name+".sql"] = clean + "SELECT id FROM " + name + "0;\nSET search_path = pg_catalog;\n"
		files["revert/"+name+".sql"] = gone + "SET search_path = pg_catalog;\nSELECT pg_advisory_lock(7);\nDROP TABLE public." + name + "0;\n"
	}
	d := testdb.NewEmpty(t)
	m, _ := migrator(t, project(files), d.DSN)
	if _, err := m.Deploy(t.Context(), migrate.DeployOptions{}); err != nil {
		t.Error(err)
	}
	if err := m.Verify(t.Context(), migrate.Range{}); err != nil {
		t.Error(err)
	}
	if _, err := m.Revert(t.Context(), migrate.RevertOptions{}); err != nil {
		t.Error(err)
	}
}

// TestTransactionsOfAScriptEndLikePsqls deploys scripts whose later blocks must not feel what an earlier
// one set for itself, with Sqitch and with ours.
func TestTransactionsOfAScriptEndLikePsqls(t *testing.T) {
	t.Parallel()
	const circular = "CREATE TABLE a0 (i int PRIMARY KEY, p int REFERENCES a0 DEFERRABLE INITIALLY DEFERRED);\n"
	const pair = "INSERT INTO a0 VALUES (3, 4), (4, 4);\nINSERT INTO a0 VALUES (5, 6);\nINSERT INTO a0 VALUES (6, 5);\n"
	const tables = `SELECT string_agg(format('%s.%s', schemaname, tablename), ' ' ORDER BY schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'other')`
	for name, c := range map[string]struct{ deploy, verify, query, want string }{
		"deferred again in the next block":    {"BEGIN;\n" + circular + "COMMIT;\nBEGIN;\n" + pair + "COMMIT;\n", "", "SELECT count(*) FROM a0", "4"},
		"deferred again after AND CHAIN":      {"BEGIN;\n" + circular + "COMMIT AND CHAIN;\n" + pair + "COMMIT;\n", "", "SELECT count(*) FROM a0", "4"},
		"deferred when made after a COMMIT":   {"BEGIN;\nSELECT 1;\nCOMMIT;\nBEGIN;\n" + circular + pair + "COMMIT;\n", "", "SELECT count(*) FROM a0", "4"},
		"deferred in the verify script":       {"BEGIN;\n" + circular + "COMMIT;\n", "BEGIN;\n" + pair + "ROLLBACK;\n", "SELECT count(*) FROM a0", "0"},
		"SET CONSTRAINTS ends with its block": {"BEGIN;\n" + circular + "SET CONSTRAINTS ALL IMMEDIATE;\nCOMMIT;\nBEGIN;\n" + pair + "COMMIT;\n", "", "SELECT count(*) FROM a0", "4"},
		"names that need quotes, in a schema that is not searched": {"CREATE SCHEMA other;\nCREATE TABLE other.\"B b\" (i int CONSTRAINT \"x;'y\" UNIQUE DEFERRABLE INITIALLY DEFERRED);\nSET search_path = '';\nBEGIN;\nCOMMIT;\n" +
			"BEGIN;\nINSERT INTO other.\"B b\" VALUES (1), (1);\nUPDATE other.\"B b\" SET i = 2 WHERE ctid = '(0,1)';\nCOMMIT;\n", "", `SELECT count(*) FROM other."B b"`, "2"},
		"one name, deferred and not":             {"CREATE TABLE b (i int PRIMARY KEY);\n" + circular + "CREATE TABLE c (i int CONSTRAINT a0_p_fkey REFERENCES b);\nBEGIN;\nCOMMIT;\nBEGIN;\n" + pair + "COMMIT;\n", "", "SELECT count(*) FROM a0", "4"},
		"SET LOCAL taken back":                   {"CREATE SCHEMA other;\nBEGIN;\nSET LOCAL search_path = other;\nCREATE TABLE b (i int);\nRESET search_path;\nCOMMIT;\nCREATE TABLE a (i int);\n", "", tables, "other.b public.a"},
		"SET LOCAL rolled back":                  {"CREATE SCHEMA other;\nBEGIN;\nSET LOCAL search_path = other;\nROLLBACK;\nCREATE TABLE a (i int);\n", "", tables, "public.a"},
		"SET LOCAL in the last block":            {"CREATE SCHEMA other;\nCREATE TABLE a (i int);\nBEGIN;\nSET LOCAL search_path TO other;\nCREATE TABLE b (i int);\nCOMMIT;\n", "SELECT i FROM a;\n", tables, "other.b public.a"},
		"SET LOCAL outside a block does nothing": {"CREATE SCHEMA other;\nSET LOCAL search_path = other;\nSET TRANSACTION READ ONLY;\nCREATE TABLE a (i int);\n", "", tables, "public.a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writeProject(t, project(with(planOf("a"), "deploy/a.sql", c.deploy, "verify/a.sql", c.verify)))
			deployers := map[string]deployer{"ours": golang}
			if missingTool() == "" {
				deployers["Sqitch"] = perl
			}
			for who, deploy := range deployers {
				d := testdb.NewEmpty(t)
				if r := deploy(t, dir, d.DSN, "deploy", "--verify"); r.code != 0 {
					t.Errorf("%s: %v %s", who, r.err, r.output)
				} else if got := query(t, d, c.query); got != c.want {
					t.Errorf("%s leaves %s, not %s", who, got, c.want)
				}
			}
		})
	}
}
