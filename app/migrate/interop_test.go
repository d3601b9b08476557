package migrate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/test/sqitchcli"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// result is what a command said and how it ended.
type result struct {
	output string
	code   int
	err    error // ours only
}

// deployer runs commands of `rifaapp migrate`, or of the real Sqitch.
type deployer func(t *testing.T, dir, dsn string, args ...string) result

// perl is the deployer that is the real Sqitch.
func perl(t *testing.T, dir, dsn string, args ...string) result {
	t.Helper()
	printed, code, err := sqitchcli.Run(dir, append([]string{args[0], "--target", target(t, dsn)}, args[1:]...)...)
	if err != nil {
		t.Fatal(err)
	}
	return result{output: printed, code: code}
}

// golang is the deployer that is ours.
func golang(t *testing.T, dir, dsn string, args ...string) result {
	t.Helper()
	var out bytes.Buffer
	env := map[string]string{"SQITCH_TARGET": target(t, dsn), "SQITCH_DIR": dir, "SQITCH_FULLNAME": "Ana Maria", "SQITCH_EMAIL": "ana@example.com"}
	err := migrate.Command(t.Context(), args, migrate.Env{
		Getenv: func(name string) string { return env[name] }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
	if err != nil {
		fmt.Fprintln(&out, err)
	}
	return result{output: out.String(), code: migrate.ExitCode(err), err: err}
}

var (
	tookForm   = regexp.MustCompile(`(ok) \([0-9.µnms]+\)`)
	targetForm = regexp.MustCompile(`db:pg:\S+`)
	clockForm  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}`)
)

// readable is an output without what differs from run to run.
func readable(s string) string {
	s = tookForm.ReplaceAllString(s, "$1")
	s = targetForm.ReplaceAllString(s, "TARGET")
	return clockForm.ReplaceAllString(s, "TIME")
}

// TestTakingTurns lets the real Sqitch and ours take turns on one database and compares it after each
// step with another database on which Sqitch alone did the same: the registry's rows but for their
// times, the tables, how the command ended, and what it printed.
func TestTakingTurns(t *testing.T) {
	t.Parallel()
	needCLI(t)
	all := scenarios()
	if soak() {
		r := seeded(t)
		for i := range 60 {
			all = append(all, randomScenario(r, i))
		}
	}
	for i, s := range all {
		if !soak() && s.long {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.play(t, perl, golang, i%2 == 0)
			if soak() {
				s.play(t, perl, golang, i%2 != 0)
				s.play(t, golang, golang, true)
			}
		})
	}
}

// scenario is a story of a database. A step that begins with "use" puts the next version of the
// project in place; the others are commands.
type scenario struct {
	name     string
	versions []map[string]string
	steps    []string
	long     bool // only in the long sizes
}

// play runs the steps with Sqitch alone and with two deployers in turn.
func (s scenario) play(t *testing.T, first, second deployer, firstBegins bool) {
	t.Helper()
	alone, shared := testdb.NewEmpty(t), testdb.NewEmpty(t)
	dir, version := t.TempDir(), 0
	s.put(t, dir, version)
	turn := firstBegins
	for _, step := range s.steps {
		if step == "use" {
			version++
			s.put(t, dir, version)
			continue
		}
		who, name := second, "ours"
		if turn {
			who, name = first, "the first"
		}
		turn = !turn
		args := strings.Fields(step)
		want, got := perl(t, dir, alone.DSN, args...), who(t, dir, shared.DSN, args...)
		t.Logf("%s by %s: %d, %d\n%s--\n%s", step, name, want.code, got.code, want.output, got.output)
		if want.code != got.code {
			t.Fatalf("%s ends with %d by Sqitch and with %d by %s", step, want.code, got.code, name)
		}
		if w, g := readable(want.output), readable(got.output); want.code == 0 && w != g {
			t.Errorf("%s prints by Sqitch\n%s\nand by %s\n%s", step, w, name, g)
		}
		if w, g := records(t, alone), records(t, shared); w != g {
			t.Fatalf("after %s by %s the registry is\n%s\nand with Sqitch alone\n%s", step, name, g, w)
		}
		if w, g := userTables(t, alone), userTables(t, shared); w != g {
			t.Fatalf("after %s by %s the tables are %s and with Sqitch alone %s", step, name, g, w)
		}
	}
}

// records is the registry; empty where there is none.
func records(t *testing.T, d *testdb.Database) string {
	t.Helper()
	if query(t, d, `SELECT to_regclass('sqitch.events') IS NULL`) == "true" {
		return ""
	}
	return registry(t, d)
}

// put writes a version of the project, in place of what was there.
func (s scenario) put(t *testing.T, dir string, version int) {
	t.Helper()
	for _, kind := range []string{"deploy", "revert", "verify", "sqitch.plan", "sqitch.conf"} {
		if err := os.RemoveAll(filepath.Join(dir, kind)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(dir, project(s.versions[version])); err != nil {
		t.Fatal(err)
	}
}
