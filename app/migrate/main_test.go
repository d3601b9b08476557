package migrate_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/test/sqitchcli"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// envChild makes the test binary a deployer of its own, to be killed or raced: the value is the
// directory of the project.
const envChild = "RIFAAPP_MIGRATE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envChild); dir != "" {
		err := migrate.Command(context.Background(), strings.Fields(os.Getenv(envChild+"_ARGS")), migrate.Env{
			Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Files: os.DirFS(dir)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(migrate.ExitCode(err))
	}
	testdb.Main(m)
}

// soak tells whether the long sizes were asked for.
func soak() bool { return os.Getenv("RIFAAPP_SOAK") == "1" }

// seeded returns randomness whose seed is printed. RIFAAPP_SEED replays a run; the long sizes draw
// anew each time, the short ones the same, so that a change is judged by what it changed.
func seeded(t testing.TB) *rand.Rand {
	seed := uint64(1)
	if soak() {
		seed = uint64(time.Now().UnixNano())
	}
	if s := os.Getenv("RIFAAPP_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("RIFAAPP_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("figure: seed %s: replay with RIFAAPP_SEED=%d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 7))
}

// needCLI skips a test where the real Sqitch is not installed, and says so.
func needCLI(t testing.TB) {
	if tool := missingTool(); tool != "" {
		fmt.Printf("%s: skipped, because %s is not installed: nothing was compared with the real Sqitch\n", t.Name(), tool)
		t.Skipf("%s is not installed (apt-get install sqitch)", tool)
	}
}

// missingTool is what the real Sqitch lacks here; empty when it can run.
func missingTool() string {
	for _, tool := range []string{"sqitch", "psql", "perl"} {
		if _, err := exec.LookPath(tool); err != nil {
			return tool
		}
	}
	return ""
}

// head is how the plans of the tests begin, and who planned them.
const (
	head    = "%syntax-version=1.0.0\n%project=shop\n\n"
	planned = " 2026-01-02T03:04:05Z Ana <ana@example.com>"
)

// conf keeps the modes of both deployers equal.
const conf = "[core]\n\tengine = pg\n[deploy]\n\tmode = change\n\tverify = true\n"

// project is a directory of Sqitch's in memory.
func project(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{"sqitch.conf": {Data: []byte(conf)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// addTable makes the scripts of a change that is a table.
func addTable(files map[string]string, file, table string) {
	files["deploy/"+file+".sql"] = "-- Deploy " + file + "\nBEGIN;\nCREATE TABLE " + table + " (id int);\nCOMMIT;\n"
	files["revert/"+file+".sql"] = "BEGIN;\nDROP TABLE " + table + ";\nCOMMIT;\n"
	files["verify/"+file+".sql"] = "BEGIN;\nSELECT id FROM " + table + " WHERE false;\nROLLBACK;\n"
}

// writeProject writes a project to a directory for the real Sqitch.
func writeProject(t testing.TB, fsys fstest.MapFS) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	return dir
}

// migrator makes a Migrator for a project in memory; out collects what it prints.
func migrator(t testing.TB, fsys fstest.MapFS, dsn string) (*migrate.Migrator, *bytes.Buffer) {
	t.Helper()
	p, err := migrate.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	return migrate.New(p, migrate.Static(config), migrate.Options{Progress: out, CommitterName: "Go", CommitterEmail: "go@example.com"}), out
}

// target is a connection string as Sqitch writes it.
func target(t testing.TB, dsn string) string {
	t.Helper()
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("db:pg://%s:%s@%s:%d/%s?sslmode=disable", c.User, c.Password, c.Host, c.Port, c.Database)
}

// cli runs the real Sqitch in a directory.
func cli(t testing.TB, dir, dsn string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sqitch", append([]string{args[0], "--target", target(t, dsn)}, args[1:]...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), sqitchcli.Env()...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustCLI is cli for commands that have to succeed.
func mustCLI(t testing.TB, dir, dsn string, args ...string) string {
	t.Helper()
	out, err := cli(t, dir, dsn, args...)
	if err != nil {
		t.Fatalf("sqitch %v: %v\n%s", args, err, out)
	}
	return out
}

// registry is everything the registry holds but times and persons, in its order.
func registry(t testing.TB, d *testdb.Database) string {
	t.Helper()
	return query(t, d, `
		SELECT format('project %s %s', project, uri) AS line, 1 AS part, created_at AS at, '' AS id FROM sqitch.projects
		UNION ALL SELECT format('release %s', version), 0, 'epoch', '' FROM sqitch.releases
		UNION ALL SELECT format('change %s %s %s %s [%s] %s %s %s', change_id, script_hash, change, project, note, planned_at, planner_name, planner_email), 2, committed_at, '' FROM sqitch.changes
		UNION ALL SELECT format('tag %s %s %s %s [%s] %s %s %s', tag_id, tag, project, change_id, note, planned_at, planner_name, planner_email), 3, 'epoch', tag_id FROM sqitch.tags
		UNION ALL SELECT format('dependency %s %s %s %s', change_id, type, dependency, dependency_id), 4, 'epoch', change_id || dependency FROM sqitch.dependencies
		UNION ALL SELECT format('event %s %s %s %s [%s] %s %s %s %s %s %s', event, change_id, change, project, note, requires, conflicts, tags, planned_at, planner_name, planner_email), 5, committed_at, '' FROM sqitch.events
		ORDER BY part, at, id`)
}

// query returns the first column of the rows, a line each.
func query(t testing.TB, d *testdb.Database, sql string, args ...any) string {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(values[0]))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// userTables names the tables that scripts made.
func userTables(t testing.TB, d *testdb.Database) string {
	return strings.ReplaceAll(query(t, d, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`), "\n", " ")
}
