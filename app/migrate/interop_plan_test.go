package migrate_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/app/migrate"
)

// ours prints a plan as testdata/ids.pl does.
func ours(plan string) (string, error) {
	p, err := migrate.Open(project(map[string]string{"sqitch.plan": plan}))
	if err != nil {
		return "ERROR\n", err
	}
	var b strings.Builder
	for _, c := range p.Changes() {
		fmt.Fprintf(&b, "change %s %s\n", c.ID, c.Name)
		for _, tag := range c.Tags {
			fmt.Fprintf(&b, "tag %s %s\n", tag.ID, tag.Name)
		}
	}
	return b.String(), nil
}

// verdict is what the real Sqitch makes of a plan.
type verdict struct{ ids, reason string }

// theirs reads plans with the real Sqitch.
func theirs(t *testing.T, plans []string) []verdict {
	t.Helper()
	dir := t.TempDir()
	args := []string{"testdata/ids.pl"}
	for i, plan := range plans {
		file := filepath.Join(dir, fmt.Sprintf("%d.plan", i))
		if err := os.WriteFile(file, []byte(plan), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	cmd := exec.CommandContext(t.Context(), "perl", args...)
	cmd.Env = append(os.Environ(), "SQITCH_USER_CONFIG=/nonexistent", "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("perl: %v", err)
	}
	var results []verdict
	for _, part := range strings.Split(string(out), "FILE ")[1:] {
		_, lines, _ := strings.Cut(part, "\n")
		ids, reason, _ := strings.Cut(lines, "REASON ")
		results = append(results, verdict{ids, reason})
	}
	if len(results) != len(plans) {
		t.Fatalf("the real Sqitch answered for %d of %d plans", len(results), len(plans))
	}
	return results
}

func TestIDsAreThoseOfSqitch(t *testing.T) {
	t.Parallel()
	needCLI(t)
	r := seeded(t)
	n := 240
	if soak() {
		n = 2000
	}
	var plans []string
	for i := range n {
		plans = append(plans, randomPlan(r, i))
	}
	accepted, ids := 0, 0
	for i, want := range theirs(t, plans) {
		got, err := ours(plans[i])
		if got != want.ids {
			t.Errorf("plan %d:\n%s\nSqitch (%s):\n%s\nours (%v):\n%s", i, plans[i], want.reason, want.ids, err, got)
			return
		}
		if err == nil {
			accepted++
			ids += strings.Count(got, "\n")
		}
	}
	if accepted < 200 || ids < 1000 {
		t.Errorf("only %d plans with %d ids were accepted by both; the generator is broken", accepted, ids)
	}
	t.Logf("figure: plans %d of them read by Sqitch and us, %d accepted, %d equal ids", n, accepted, ids)
}

// hardPlans were judged differently once.
var hardPlans = []string{
	head + "a" + planned + "\nb" + planned + "\nc[a b]" + planned + "\n",
	head + "a" + planned + "\nc[a]" + planned + "\n",
	head + "a" + planned + "\nc [a]" + planned + " \n",
	head + "a[b" + planned + "\n",
	head + "a\u00a0\u00a0<x@example.com>\n",
	head + "a [x~1:b y~1@z !x^2:@t]" + planned + "\n",
	head + "a [x~1]" + planned + "\n",
	head + "a [x:y~1]" + planned + "\n",
	head + "a [!]" + planned + "\n",
	head + "a [x:]" + planned + "\n",
	head + "a [0 b:0 @0]" + planned + "\n",
	"%\\flag=1\n%project=x\n\na" + planned + "\n",
	"%fl\\=1\n%project=x\n\na" + planned + "\n",
	"%project=x\n%uri=ftp://H:2>1/x\n\na" + planned + "\n",
	"%project=x\n%uri=http://H:080\n\na" + planned + "\n",
	"%project=x\n%uri=urn:UUID:A\n\na" + planned + "\n",
}

func TestDamagedPlansAreJudgedAlike(t *testing.T) {
	t.Parallel()
	needCLI(t)
	r := seeded(t)
	n := 250
	if soak() {
		n = 4000
	}
	plans := slices.Clone(hardPlans)
	for i := range n {
		plans = append(plans, mutate(r, randomPlan(r, i)))
	}
	refused := 0
	for i, want := range theirs(t, plans) {
		got, err := ours(plans[i])
		if err != nil && strings.Contains(err.Error(), "cannot use the URI") {
			continue // the one thing that we refuse and Sqitch rewrites
		}
		if got != want.ids {
			t.Errorf("plan %d:\n%s\nSqitch (%s):\n%s\nours (%v):\n%s", i, plans[i], want.reason, want.ids, err, got)
			return
		}
		if err != nil {
			refused++
			if !strings.HasPrefix(err.Error(), "sqitch.plan:") {
				t.Errorf("the fault names no line: %v", err)
			}
		}
	}
	if refused < 50 {
		t.Errorf("only %d plans were refused", refused)
	}
}

// TestIDsOfTheCommandLine looks at the command line itself, not only at its modules.
func TestIDsOfTheCommandLine(t *testing.T) {
	t.Parallel()
	needCLI(t)
	plan := head + "init" + planned + " # first\n@v1" + planned + "\ninit [init@v1 !gone other:x]" + planned + " # again\\nmore\n"
	dir := writeProject(t, project(map[string]string{"sqitch.plan": plan}))
	cmd := exec.CommandContext(t.Context(), "sqitch", "plan", "--format", "format:change %H %n", "--no-headers")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := ours(plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("Sqitch has %q, ours:\n%s", line, got)
		}
	}
}
