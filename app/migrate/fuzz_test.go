package migrate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
)

// FuzzPlan looks for panics and for plans that are read in two ways. What Sqitch makes of a plan is
// compared in TestDamagedPlansAreJudgedAlike.
func FuzzPlan(f *testing.F) {
	own, err := sqitch.Files.ReadFile("sqitch.plan")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(own))
	f.Add(head + "a [x~1:b !y@z @t] 2026-01-02T03:04:05Z A <b@c> # n\\n\\\\\r\n@v1" + planned + "\na [a@v1]" + planned)
	for _, plan := range hardPlans {
		f.Add(plan)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := migrate.Open(project(map[string]string{"sqitch.plan": text}))
		if err != nil {
			var fault *migrate.PlanError
			if !errors.As(err, &fault) || fault.Line < 1 || fault.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("the fault names no line of the plan: %v", err)
			}
			return
		}
		wellFormed(t, p)
		again, err := migrate.Open(project(map[string]string{"sqitch.plan": text + "\n# a remark"}))
		if err != nil {
			t.Fatalf("with a remark at its end the plan is refused: %v", err)
		}
		for i, c := range p.Changes() {
			if other := again.Changes()[i]; other.ID != c.ID || other.String() != c.String() {
				t.Fatalf("a remark at the end makes %s (%s) of %s (%s)", other, other.ID, c, c.ID)
			}
		}
	})
}

// wellFormed checks what the rest of the package relies on.
func wellFormed(t *testing.T, p *migrate.Project) {
	t.Helper()
	ids, line := map[string]bool{}, 0
	for _, c := range p.Changes() {
		if len(c.ID) != 40 || ids[c.ID] {
			t.Fatalf("the id of %s is %q", c, c.ID)
		}
		if c.Line <= line || c.Name == "" || strings.ContainsAny(c.Name, " \t\n@:#\\") || c.PlannerName == "" || c.PlannerEmail == "" {
			t.Fatalf("change %q of line %d after line %d, by %q <%q>", c.Name, c.Line, line, c.PlannerName, c.PlannerEmail)
		}
		ids[c.ID], line = true, c.Line
		for _, tag := range c.Tags {
			if len(tag.ID) != 40 || ids[tag.ID] || strings.Contains(tag.Name, "/") {
				t.Fatalf("the id of @%s is %q", tag.Name, tag.ID)
			}
			ids[tag.ID] = true
		}
	}
	if n := len(p.Changes()); n > 0 && p.Head() != p.Changes()[n-1] {
		t.Fatal("the head is not the last change")
	}
}
