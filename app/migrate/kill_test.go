package migrate_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// child starts this test binary as a deployer in a process of its own.
func child(t *testing.T, dir, dsn, args string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), envChild+"="+dir, envChild+"_ARGS="+args, "SQITCH_DIR="+dir, "SQITCH_BIN=", "SQITCH_TARGET="+target(t, dsn))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// slowTables is a project whose changes take several statements and some milliseconds each.
func slowTables(n int) map[string]string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("c%02d", i))
	}
	files := planOf(names...)
	for _, name := range names {
		script := "deploy/" + name + ".sql"
		files[script] = strings.Replace(files[script], "COMMIT", "SELECT pg_sleep(0.002);\nCOMMENT ON TABLE \""+name+"0\" IS 'half';\nSELECT pg_sleep(0.002);\nCOMMIT", 1)
	}
	return files
}

// TestKilledDeployersLeaveNothingToRepair kills deployers at random points of deploying and
// reverting. After each kill the tables are those that the registry names, and at the end the next
// deployer finishes the work, to Sqitch's satisfaction too.
func TestKilledDeployersLeaveNothingToRepair(t *testing.T) {
	t.Parallel()
	r, kills := seeded(t), 10
	if soak() {
		kills = 100
	}
	const changes = 12
	d, dir := testdb.NewEmpty(t), writeProject(t, project(slowTables(changes)))
	halfway := 0
	for i := range kills {
		args := "deploy"
		if i%3 == 2 {
			args = "revert -y"
		}
		killOne(t, r, dir, d.DSN, args, changes)
		if n := consistent(t, d); n > 0 && n < changes {
			halfway++
		}
	}
	t.Logf("figure: R9   %d kills of the deployer while it deploys and reverts, %d of them between the first and the last change", kills, halfway)
	m, _ := migrator(t, project(slowTables(changes)), d.DSN)
	if _, err := m.Deploy(t.Context(), migrate.DeployOptions{}); err != nil {
		t.Fatalf("after the kills the deployer cannot go on: %v", err)
	}
	if n := consistent(t, d); n != changes {
		t.Fatalf("%d of %d changes are deployed in the end", n, changes)
	}
	needCLI(t)
	for _, command := range []string{"status", "check", "verify", "deploy", "revert -y"} {
		mustCLI(t, dir, d.DSN, strings.Fields(command)...)
	}
	consistent(t, d)
}

// killOne starts a deployer and kills it some time after it has begun some line of its report.
func killOne(t *testing.T, r *rand.Rand, dir, dsn, args string, changes int) {
	t.Helper()
	cmd, out := child(t, dir, dsn, args)
	for range r.IntN(changes + 2) {
		if _, err := out.ReadString('\n'); err != nil {
			break // it ended before: nothing was left to do
		}
	}
	time.Sleep(time.Duration(r.IntN(12_000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// consistent compares the tables with the registry, in one snapshot: the server may still be at work
// for a client that was killed. It returns how many changes are deployed.
func consistent(t *testing.T, d *testdb.Database) int {
	t.Helper()
	const tables = `SELECT COALESCE(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables WHERE schemaname = 'public'`
	if query(t, d, `SELECT to_regclass('sqitch.events') IS NULL`) == "true" {
		if got := query(t, d, "SELECT 1 WHERE to_regclass('sqitch.events') IS NULL AND ("+tables+") <> ''"); got != "" {
			t.Fatal("there are tables but no registry")
		}
		return 0
	}
	var made, recorded, history string
	var n int
	err := d.Pool.QueryRow(t.Context(), `SELECT (`+tables+`),
		(SELECT COALESCE(string_agg(change || '0', ' ' ORDER BY change), '') FROM sqitch.changes),
		(SELECT COALESCE(string_agg(change || '0', ' ' ORDER BY change), '') FROM (SELECT change FROM sqitch.events GROUP BY change
			HAVING count(*) FILTER (WHERE event = 'deploy') - count(*) FILTER (WHERE event = 'revert') = 1) e),
		(SELECT count(*) FROM sqitch.changes)`).Scan(&made, &recorded, &history, &n)
	if err != nil {
		t.Fatal(err)
	}
	if made != recorded || made != history {
		t.Fatalf("half a change is left: the tables are\n%s\nthe registry has\n%s\nand its history\n%s", made, recorded, history)
	}
	return n
}

// TestRacingDeployersDeployEveryChangeOnce starts two deployers at once.
func TestRacingDeployersDeployEveryChangeOnce(t *testing.T) {
	t.Parallel()
	races := 6
	if soak() {
		races = 50
	}
	dir := writeProject(t, project(planOf("a", "b", "@v1", "c")))
	for i := range races {
		d := testdb.NewEmpty(t)
		rivals := []deployer{golang, golang}
		if i%3 == 0 && missingTool() == "" {
			rivals[i/3%2] = perl
		}
		var results [2]result
		var both sync.WaitGroup
		for j, rival := range rivals {
			both.Go(func() { results[j] = rival(t, dir, d.DSN, "deploy") })
		}
		both.Wait()
		if results[0].code != 0 || results[1].code != 0 {
			t.Fatalf("one of two deployers failed:\n%s\n%s", results[0].output, results[1].output)
		}
		if got := query(t, d, `SELECT string_agg(event || ' ' || change, ', ' ORDER BY committed_at) FROM sqitch.events`); got != "deploy a, deploy b, deploy c" {
			t.Fatalf("two deployers at once did: %s", got)
		}
	}
}

// TestLock holds the lock that deployers take and sees them wait, give up, and go on.
func TestLock(t *testing.T) {
	t.Parallel()
	d := testdb.NewEmpty(t)
	holder, err := pgx.Connect(t.Context(), d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(t.Context())
	if _, err := holder.Exec(t.Context(), "SELECT pg_advisory_lock(75474063)"); err != nil {
		t.Fatal(err)
	}
	fsys := project(planOf("a"))
	p, err := migrate.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	impatient := migrate.New(p, migrate.Static(config), migrate.Options{LockTimeout: 50 * time.Millisecond})
	_, err = impatient.Deploy(t.Context(), migrate.DeployOptions{})
	wants(t, err, "another deployer is at work", "waited 0.05 seconds", fmt.Sprintf("held by process %d", holder.PgConn().PID()), "nothing was done")
	if !errors.Is(err, migrate.ErrLocked) {
		t.Errorf("%v is not ErrLocked", err)
	}
	_, err = impatient.Revert(t.Context(), migrate.RevertOptions{})
	wants(t, err, "another deployer is at work")
	if got := userTables(t, d); got != "" {
		t.Errorf("tables were made without the lock: %s", got)
	}

	cmd, out := child(t, writeProject(t, fsys), d.DSN, "deploy --lock-timeout 120")
	line, err := out.ReadString('\n')
	if err != nil || !strings.Contains(line, "Blocked by another deployer") || !strings.Contains(line, "waiting 120 seconds") {
		t.Errorf("the waiting deployer says %q, %v", line, err)
	}
	if err := holder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	rest := new(strings.Builder)
	_, _ = out.WriteTo(rest)
	if err := cmd.Wait(); err != nil || userTables(t, d) != "a0" {
		t.Errorf("when the lock was free the waiting deployer did not go on: %v\n%s", err, rest)
	}
}

// wants checks that an error tells everything it should.
func wants(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; it should say %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}
