package migrate_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// snapshot is all that a command could have changed.
func snapshot(t *testing.T, d *testdb.Database) string {
	t.Helper()
	if query(t, d, `SELECT to_regclass('sqitch.events') IS NULL`) == "true" {
		return userTables(t, d)
	}
	return userTables(t, d) + "\n" + registry(t, d)
}

// TestBadInput gives each command what it cannot do. It has to end with a sentence that says what was
// found and what to do, and must have changed nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	abc := planOf("a", "@v1", "b", "c")
	line := func(from, to string) map[string]string {
		return with(abc, "sqitch.plan", strings.Replace(abc["sqitch.plan"], from, to, 1))
	}
	cases := []struct {
		name    string
		project map[string]string
		before  string // SQL, run when a and b are deployed
		args    string
		says    []string
	}{
		{"unknown change to deploy", abc, "", "deploy --to zzz", []string{`unknown change "zzz"`, "sqitch.plan does not have it", `"plan"`}},
		{"unknown tag to deploy", abc, "", "deploy --to @zzz", []string{`unknown tag "@zzz"`, "sqitch.plan does not have it"}},
		{"no change before the first", abc, "", "deploy --to ROOT^", []string{`no change at "ROOT^"`, "it has 3 changes"}},
		{"unknown change to revert to", abc, "", "revert -y --to zzz", []string{`"zzz"`, "neither in the plan nor deployed", `"log"`}},
		{"unknown tag to revert to", abc, "", "revert -y --to @zzz", []string{`"@zzz"`, "neither in the plan nor deployed"}},
		{"a change to revert to that is not deployed", abc, "", "revert -y --to c", []string{`not deployed: "c"`, `see "status"`}},
		{"unknown change to verify", abc, "", "verify --from zzz", []string{`"zzz"`, "in the database or the plan"}},
		{"a change to check that is not deployed", abc, "", "check --to c", []string{`"c" has not been deployed`, "deploy it first"}},
		{"a range the wrong way round", abc, "", "verify --from b --to a", []string{`"b" comes after "a"`, "swap"}},
		{"an earlier change", abc, "", "deploy --to a", []string{`cannot deploy to "a"`, `"revert --to a"`}},
		{"an edited line", line("a 2026", "a 2027"), "", "deploy", []string{"sqitch.plan:4", `cannot find the deployed change "a"`, "undo the edit"}},
		{"an edited line, status", line("a 2026", "a 2027"), "", "status", []string{"sqitch.plan:4", "undo the edit"}},
		{"a line put before a deployed one", line("b 2026", "new"+planned+"\nb 2026"), "", "deploy", []string{"sqitch.plan:6", `cannot find the deployed change "b"`, `it has "new"`}},
		{"a line gone", line("b"+planned+"\n", ""), "", "deploy", []string{"sqitch.plan:6", `cannot find the deployed change "b"`, `it has "c"`}},
		{"a plan that ends too early", planOf("a", "@v1"), "", "deploy", []string{"ends before the deployed change \"b\"", "deploy with the plan that has it"}},
		{"a deploy script is missing", without(abc, "deploy/c.sql"), "", "deploy", []string{`deploy script of change "c" is missing`, "expected deploy/c.sql", "nothing was run"}},
		{"a revert script is missing", without(abc, "revert/a.sql"), "", "revert -y", []string{`revert script of change "a" is missing`, "expected revert/a.sql", "nothing was run"}},
		{"a revert script is missing for mode all", without(abc, "revert/c.sql"), "", "deploy --mode all", []string{"expected revert/c.sql", "nothing was run"}},
		{"a cycle", line("b 2026", "b [c] 2026"), "", "deploy", []string{"sqitch.plan:6", `"b" requires "c", which comes later, on line 7`, "expected it before"}},
		{"a change that requires itself", line("b 2026", "b [b] 2026"), "", "deploy", []string{"sqitch.plan:6", "requires itself"}},
		{"a fault in the plan", line("c 2026", "c yesterday"), "", "deploy", []string{"sqitch.plan:7", "missing time or planner", "expected NAME"}},
		{"a missing project", line("c 2026", "c [other:x] 2026"), "", "deploy", []string{"missing required changes: other:x (of c)", "deploy them first", "nothing was deployed"}},
		{"a conflict", line("c 2026", "c [!a] 2026"), "", "deploy", []string{"conflicts with previously deployed changes: a (of c)", "revert them first", "nothing was deployed"}},
		{"a conflict that is unknown", line("c 2026", "c [!zzz] 2026"), "", "deploy", []string{"sqitch.plan:7", `"zzz"`}},
		{"a newer registry", abc, "INSERT INTO sqitch.releases VALUES (2.5, now(), 'x', 'x')", "deploy", []string{"version 2.5", "newer than 1.1", "newer release of this program"}},
		{"a newer registry of two digits", abc, "INSERT INTO sqitch.releases VALUES (10.1, now(), 'x', 'x')", "revert -y", []string{"version 10.1", "newer than 1.1"}},
		{"an older registry", abc, "UPDATE sqitch.releases SET version = 1.0", "deploy", []string{"older than version 1.1", `"sqitch upgrade"`}},
		{"another project's database", line("\n\n", "\n%uri=https://example.com/ours\n\n"), "", "deploy", []string{`project "shop" is registered in this database without a URI`, "another project: check where you are connected"}},
		{"another project's URI", line("=shop\n", "=mine\n%uri=https://example.com/x\n"), "UPDATE sqitch.projects SET uri = 'https://example.com/x'", "deploy", []string{`belongs to project "shop"`, `the plan is of project "mine"`, "check where you are connected"}},
		{"required by what stays", abc, "INSERT INTO sqitch.projects VALUES ('other', NULL, now(), '', ''); INSERT INTO sqitch.changes SELECT 'f', 'f', 'x', 'other', '', clock_timestamp(), '', '', now(), '', ''; INSERT INTO sqitch.dependencies SELECT 'f', 'require', 'shop:b', change_id FROM sqitch.changes WHERE change = 'b'",
			"revert -y --to a", []string{`change "b" is required by the deployed change "other:x"`, "revert that first", "nothing was reverted"}},
		{"no such mode", abc, "", "deploy --mode some", []string{`mode "some"`, "use change, tag or all"}},
		{"no such option", abc, "", "deploy --fast", []string{"-fast", "Usage: rifaapp migrate"}},
		{"no such command", abc, "", "upgrade", []string{`no command "upgrade"`, "Usage: rifaapp migrate"}},
		{"too many arguments", abc, "", "deploy a b", []string{`unexpected argument "b"`}},
		{"no patience at all", abc, "", "deploy --lock-timeout 0", []string{"at least one second"}},
		{"a psql command", with(abc, "deploy/c.sql", "SELECT 1;\n\\set x 1\n"), "", "deploy", []string{"deploy/c.sql:2", `"\\set x 1" is a command of psql`, "write SQL instead", "nothing was run"}},
		{"an include of psql", with(abc, "verify/c.sql", "\\i other.sql\n"), "", "deploy", []string{"verify/c.sql:1", "is a command of psql", "nothing was run"}},
		{"a variable of psql", with(abc, "deploy/c.sql", "SELECT 1;\n\nSELECT :'user';\n"), "", "deploy", []string{"deploy/c.sql:3", "variable of psql", "write the value instead"}},
		{"a literal without an end", with(abc, "deploy/c.sql", "SELECT 1;\nSELECT 'it;\n"), "", "deploy", []string{"deploy/c.sql:2", "begins with ' and never ends"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := testdb.NewEmpty(t)
			m, _ := migrator(t, project(abc), d.DSN)
			if _, err := m.Deploy(t.Context(), migrate.DeployOptions{To: "b"}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Pool.Exec(t.Context(), c.before); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, d)
			r := golang(t, writeProject(t, project(c.project)), d.DSN, strings.Fields(c.args)...)
			wants(t, r.err, c.says...)
			if r.code != 2 {
				t.Errorf("it ends with %d", r.code)
			}
			if after := snapshot(t, d); after != before {
				t.Errorf("something was changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// TestFailingScripts deploys scripts that fail on the server. The change leaves nothing but the event
// of its failure; the ones before it stay.
func TestFailingScripts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, script string
		says         []string
	}{
		{"an error", "CREATE TABLE half (id int);\n\nSELECT\n  1/0;\n", []string{"deploy of \"b\" failed", "deploy/b.sql:3", "division by zero"}},
		{"an error with a position", "CREATE TABLE half (id int);\nSELECT 1,\n  nothing\n  FROM half;\n", []string{"deploy/b.sql:3", `column "nothing" does not exist`}},
		{"an error among many", "SELECT 1;\nCREATE TABLE half (id int);\nBEGIN;\nSELECT 2;\nCOMMIT;\nSELECT 3; SELECT 4;\nDO $$ BEGIN RAISE 'here'; END $$;\nSELECT 5;\n", []string{"deploy/b.sql:7", "here"}},
		{"an error after a COPY", "CREATE TABLE half (id int);\nCOPY half FROM STDIN;\n1\n\\.\nSELECT 'ñandú';\nSELECT 'ü',\n  nothing;\n", []string{"deploy/b.sql:7", `column "nothing" does not exist`}},
		{"an error in a COPY", "CREATE TABLE half (id int);\nCOPY half FROM STDIN;\nx\n\\.\nSELECT 1;\n", []string{"deploy/b.sql:2", "invalid input syntax"}},
		{"a fault of syntax", "CREATE TABLE half (id int);\nSELECT 1;\n\nSELEC 2;\nSELECT 3;\n", []string{"deploy/b.sql:4", "syntax error"}},
		{"no COMMIT", "BEGIN;\nCREATE TABLE half (id int);\n", []string{"deploy/b.sql:1", "never committed", "end the script with COMMIT"}},
		{"not in a transaction", "CREATE TABLE half (id int);\nVACUUM half;\n", []string{"deploy/b.sql:2", "cannot run inside a transaction block", "-- migrate: no-transaction"}},
		{"another isolation level", "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE half (id int);\nCOMMIT;\n", []string{"deploy/b.sql:1", "isolation level", "-- migrate: no-transaction"}},
		{"two phases", "BEGIN;\nCREATE TABLE half (id int);\nPREPARE TRANSACTION 'x';\n", []string{"deploy/b.sql:3", "two-phase commit"}},
		{"a constraint at the end", "CREATE TABLE half (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO half VALUES (1), (1);\n", []string{"deploy/b.sql", "duplicate key"}},
		{"a constraint at the script's COMMIT", "BEGIN;\nCREATE TABLE half (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO half VALUES (1), (1);\nCOMMIT;\n", []string{"deploy/b.sql:4", "duplicate key"}},
		{"a constraint at COMMIT that waited", "CREATE TABLE half (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nBEGIN;\nCOMMIT;\nBEGIN;\nINSERT INTO half VALUES (1), (1);\nSELECT 1;\nCOMMIT;\nSELECT 2;\n", []string{"deploy/b.sql:7", "duplicate key"}},
		{"a setting that would stay", "BEGIN;\nSET LOCAL search_path = pg_temp;\nCOMMIT;\n\nBEGIN;\nCREATE TABLE half (id int);\nCOMMIT;\n", []string{"deploy/b.sql:2", "SET LOCAL", "RESET search_path", "before COMMIT", "-- migrate: no-transaction"}},
		{"a setting that would stay after AND CHAIN", "BEGIN;\nSET LOCAL TIME ZONE 'UTC';\nCOMMIT AND CHAIN;\nCREATE TABLE half (id int);\nCOMMIT;\n", []string{"deploy/b.sql:2", "RESET TIME ZONE"}},
		{"a setting that would stay beside one taken back", "BEGIN;\nSET LOCAL lock_timeout = '1s';\nSET LOCAL search_path = pg_temp;\nRESET lock_timeout;\nCOMMIT;\nCREATE TABLE half (id int);\n", []string{"deploy/b.sql:3", "RESET search_path"}},
		{"a role that would stay", "BEGIN;\nSET LOCAL ROLE pg_monitor;\nCOMMIT;\nSELECT 1;\n", []string{"deploy/b.sql:2", "RESET ROLE"}},
		{"a dropped connection", "CREATE TABLE half (id int);\nSELECT pg_terminate_backend(pg_backend_pid());\n", []string{"deploy of \"b\" failed", "was lost", "rolled back", "can be run again"}},
		{"the rows of the registry", "DROP SCHEMA sqitch CASCADE;\nCREATE TABLE b0 (id int);\n", []string{"deploy of \"b\" failed", "sqitch.changes"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, good := testdb.NewEmpty(t), planOf("a", "b")
			r := golang(t, writeProject(t, project(with(good, "deploy/b.sql", c.script))), d.DSN, "deploy")
			wants(t, r.err, c.says...)
			if advised := strings.Contains(r.err.Error(), "mend the cause, then deploy again"); advised == (c.name == "a dropped connection") {
				t.Errorf("what to do next is not what it says: %v", r.err)
			}
			if got := userTables(t, d); got != "a0" || r.code != 2 {
				t.Errorf("it ends with %d and leaves the tables %s", r.code, got)
			}
			if got := query(t, d, `SELECT event || ' ' || change FROM sqitch.events ORDER BY committed_at`); got != "deploy a\nfail b" {
				t.Errorf("the history is %s", got)
			}
			m, _ := migrator(t, project(good), d.DSN)
			if _, err := m.Deploy(t.Context(), migrate.DeployOptions{}); err != nil || userTables(t, d) != "a0 b0" {
				t.Errorf("the mended script cannot be deployed: %v", err)
			}
		})
	}
}

// TestWhatToDoNext reads the messages of a database without changes, a revert that fails and a directory that is none.
func TestWhatToDoNext(t *testing.T) {
	t.Parallel()
	d, good := testdb.NewEmpty(t), planOf("a", "b")
	dir := writeProject(t, project(with(good, "revert/b.sql", "SELECT 1/0;\n")))
	for _, step := range []struct {
		dir, args string
		code      int
		says      []string
	}{
		{dir, "status", 1, []string{"no changes deployed", `"deploy"`}},
		{dir, "deploy", 0, nil},
		{dir, "revert -y", 2, []string{`revert of "b" failed`, "division by zero", "mend the cause, then revert again"}},
		{dir + "/none", "status", 2, []string{"SQITCH_DIR names no directory", "/none"}},
	} {
		r := golang(t, step.dir, d.DSN, strings.Fields(step.args)...)
		if r.code != step.code {
			t.Errorf("%s ends with %d: %v", step.args, r.code, r.err)
		}
		if step.says != nil {
			wants(t, r.err, step.says...)
		}
	}
}

// TestLostLock cuts the connection that holds the lock. The work goes on: each change makes sure by
// itself that nobody has moved the database.
func TestLostLock(t *testing.T) {
	t.Parallel()
	d := testdb.NewEmpty(t)
	files := with(planOf("a", "b", "c"), "deploy/b.sql", "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND objid = 75474063\n"+
		"AND database = (SELECT oid FROM pg_database WHERE datname = current_database());\nCREATE TABLE b0 (id int);\n")
	r := golang(t, writeProject(t, project(files)), d.DSN, "deploy")
	if r.code != 0 || userTables(t, d) != "a0 b0 c0" {
		t.Errorf("it ends with %d and leaves the tables %s: %s", r.code, userTables(t, d), r.output)
	}
}

// TestServersThatCannotBeWritten deploys to standbys, to roles without rights and to nobody.
func TestServersThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	d, fsys := testdb.NewEmpty(t), project(planOf("a", "b"))
	deploy := func(change func(*pgx.ConnConfig)) error {
		config, err := pgx.ParseConfig(d.DSN)
		if err != nil {
			t.Fatal(err)
		}
		change(config)
		p, err := migrate.Open(fsys)
		if err != nil {
			t.Fatal(err)
		}
		_, err = migrate.New(p, migrate.Static(config), migrate.Options{}).Deploy(t.Context(), migrate.DeployOptions{})
		return err
	}
	readOnly := func(c *pgx.ConnConfig) { c.RuntimeParams["default_transaction_read_only"] = "on" }
	wants(t, deploy(readOnly), "is read-only", "nothing was deployed", "connect to the writer")
	if got := snapshot(t, d); got != "" {
		t.Errorf("a read-only server was changed: %s", got)
	}
	role := "stranger_" + d.Name
	if _, err := d.Pool.Exec(t.Context(), "CREATE ROLE "+role+" LOGIN PASSWORD 'canary-4711'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropRole(t, d, role) })
	wants(t, deploy(func(c *pgx.ConnConfig) { c.User, c.Password = role, "canary-4711" }), "registry in schema", "needs CREATE on the database", "permission denied")
	err := deploy(func(c *pgx.ConnConfig) { c.Host, c.Port, c.Password = "127.0.0.1", 1, "canary-4711" })
	wants(t, err, "cannot be reached", "check host, port, name, user and password")
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the password is in %v", err)
	}
	if err := deploy(func(*pgx.ConnConfig) {}); err != nil {
		t.Fatal(err)
	}
	if err := deploy(readOnly); err != nil {
		t.Errorf("a read-only server with nothing to do: %v", err)
	}
	before := snapshot(t, d)
	m, _ := migrator(t, fsys, d.DSN+"&default_transaction_read_only=on")
	_, err = m.Revert(t.Context(), migrate.RevertOptions{})
	wants(t, err, "is read-only", "nothing was reverted", "connect to the writer")
	if after := snapshot(t, d); after != before {
		t.Errorf("a read-only server was changed: %s", after)
	}
}

func dropRole(t *testing.T, d *testdb.Database, role string) {
	conn, err := pgx.Connect(t.Context(), d.DSN)
	if err == nil {
		defer conn.Close(t.Context())
		_, err = conn.Exec(t.Context(), "DROP OWNED BY "+role+"; DROP ROLE "+role)
	}
	if err != nil {
		t.Logf("the role %s stays: %v", role, err)
	}
}

// TestTargets reads targets of all kinds; no error may tell the password.
func TestTargets(t *testing.T) {
	t.Parallel()
	for target, says := range map[string]string{
		"postgres://u:canary@h/d":       "does not begin with db:",
		"db:mysql://u:canary@h/d":       `engine is "mysql"`,
		"db:pg":                         "only pg is known here",
		"db:pg://u:can%zzary@h/d":       "cannot be read",
		"db:pg://u:canary@h:port/d":     "cannot be read",
		"db:pg://u:canary@h/d?port=abc": "cannot be used",
	} {
		_, _, err := migrate.Target(target)
		wants(t, err, says, "db:pg://user:password@host:port/name")
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the password is in %v", err)
		}
	}
	for target, shown := range map[string]string{
		"db:pg://u:canary@h:5433/d?sslmode=disable":  "db:pg://u@h:5433/d?sslmode=disable",
		"db:postgresql://u@h/d":                      "db:pg://u@h/d",
		"db:pg:d":                                    "db:pg:///d",
		"db:pg:///d?host=/run/x&password=canary":     "db:pg:///d?host=%2Frun%2Fx",
		"db:pg://u:p%40ss%2Fcanary@h/d?sslmode=none": "",
	} {
		config, got, err := migrate.Target(target)
		if shown == "" {
			wants(t, err, "cannot be used")
			continue
		}
		if err != nil || got != shown || config.Database != "d" {
			t.Errorf("%s is shown as %s, error %v", target, got, err)
		}
	}
}

// TestNotConfirmed reverts with nobody to ask, and with a person who refuses.
func TestNotConfirmed(t *testing.T) {
	t.Parallel()
	d, fsys := testdb.NewEmpty(t), project(planOf("a", "b"))
	m, _ := migrator(t, fsys, d.DSN)
	if _, err := m.Deploy(t.Context(), migrate.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, d)
	for answers, code := range map[string]int{"": 1, "n\n": 1, "maybe\nno\n": 1, "\n": 1, "what": 1} {
		var out strings.Builder
		err := migrate.Command(t.Context(), []string{"revert", "--to", "a"}, migrate.Env{Stdin: strings.NewReader(answers), Stdout: &out, Stderr: &out, Files: fsys,
			Getenv: getenv("SQITCH_TARGET", target(t, d.DSN))})
		if migrate.ExitCode(err) != code || !errors.Is(err, migrate.ErrNotConfirmed) {
			t.Errorf("the answer %q ends with %v", answers, err)
		}
		if !strings.Contains(out.String(), "Revert changes to a from db:pg:") || !strings.Contains(out.String(), "? [No] ") {
			t.Errorf("the question is %q", &out)
		}
	}
	if after := snapshot(t, d); after != before {
		t.Error("something was reverted without consent")
	}
	err := migrate.Command(t.Context(), []string{"revert"}, migrate.Env{Stdin: strings.NewReader("perhaps\nYES\n"), Stdout: io.Discard, Files: fsys,
		Getenv: getenv("SQITCH_TARGET", target(t, d.DSN))})
	if err != nil || userTables(t, d) != "" {
		t.Errorf("the consent was not taken: %v", err)
	}
}

// getenv is an environment of pairs.
func getenv(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}
