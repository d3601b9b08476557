package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/sqitch"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// TestAutoMigrateOfAnOlderBinary starts one on a database that a newer one has migrated, as after a
// roll-out was taken back. Its plan is what is deployed without the end; any other plan is refused.
func TestAutoMigrateOfAnOlderBinary(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	plan, err := sqitch.Files.ReadFile("sqitch.plan")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(plan)), "\n")
	older := strings.Join(lines[:len(lines)-1], "\n") + "\n"
	env := func(plan string) []string {
		dir := t.TempDir()
		if err := os.CopyFS(dir, sqitch.Files); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "sqitch.plan"), []byte(plan), 0o600); err != nil {
			t.Fatal(err)
		}
		return append(db.Env(), "AUTO_MIGRATE=true", "SQITCH_DIR="+dir)
	}
	p := start(t, env(older)...)
	p.want(p.call("GET", "/ready", ""), 200, "")
	for name, c := range map[string]struct {
		args []string
		plan string
		says string
	}{
		"an edited plan":        {nil, strings.Replace(older, lines[len(lines)-2], lines[len(lines)-2]+" edited", 1), "undo the edit"},
		"the command as Sqitch": {[]string{"migrate", "deploy"}, older, "ends before the deployed change"},
	} {
		if status, said := invoke(t, environment(env(c.plan)...), c.args...); status == 0 || !strings.Contains(said, c.says) {
			t.Errorf("%s: status %d:\n%s", name, status, said)
		}
	}
}
