package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// suite is a part of a soak: tests that have a large size. It can be run alone.
type suite struct {
	name     string
	promises string // that it checks, as .github/SECURITY.md and the README have them
	packages []string
	tests    string // as -run of go test has it; empty for all tests of the packages
	timed    bool   // compares times, which the race detector would change
}

// suites are all of a soak. They run one after the other: each brings a load of its own, and some
// measure time.
var suites = []suite{
	{name: "chaos", promises: "R1 R2 R3 R4", packages: []string{"./test/trust/chaos"}, tests: "^TestChaos$"},
	{name: "mutants", promises: "R5", packages: []string{"./test/trust/chaos"}, tests: "^TestMutantsAreCaught$"},
	{name: "once", promises: "R6", packages: []string{"./test/trust/chaos"}, tests: "^TestOneKeyHasOneEffect$"},
	{name: "hostile", promises: "R7", packages: []string{"./test/trust/hostile"}},
	{name: "access", promises: "R8", packages: []string{"./test/trust/access"}},
	{name: "deploy", promises: "R9", packages: []string{"./test/trust/chaos"}, tests: "^TestDeployUnderLoad$"},
	{name: "canary", promises: "R10", packages: []string{"./test/trust/canary"}},
	{name: "logins", promises: "timing", packages: []string{"./app/command"}, tests: "^(TestKnownAndUnknownTakeAsLong|TestOthersDoNotWaitForLogins)$", timed: true},
	{name: "migrations", promises: "Sqitch", packages: []string{"./app/migrate", "./sqitch"}},
	{name: "infra", promises: "AWS", packages: []string{"./test/infra"}},
}

// choose returns the suites that a list with commas names, by their names or by a promise; all of them
// when it is empty.
func choose(list string) (chosen []suite, err error) {
	if list == "" {
		return suites, nil
	}
	wanted := strings.Split(list, ",")
	for _, s := range suites {
		if slices.ContainsFunc(wanted, s.is) {
			chosen = append(chosen, s)
		}
	}
	for _, word := range wanted {
		if !slices.ContainsFunc(suites, func(s suite) bool { return s.is(word) }) {
			var all []string
			for _, s := range suites {
				all = append(all, s.name+" ("+s.promises+")")
			}
			return nil, fmt.Errorf("there is no suite %q; choose among %s", word, strings.Join(all, ", "))
		}
	}
	return chosen, nil
}

func (s suite) is(word string) bool {
	return s.name == word || slices.Contains(strings.Fields(s.promises), word)
}

// heartbeat is how often a suite under way says how far it is.
const heartbeat = 30 * time.Second

// soak runs the suites in their large size. What each comes to is in the report under its name.
func (r *report) soak(ctx context.Context, chosen []suite) error {
	for _, s := range chosen {
		packages, err := list(ctx, s.packages)
		if err != nil {
			return err
		}
		progress(s.name + " (" + s.promises + ")")
		r.suite = s.name
		r.latest.set("")
		if s.tests != "" {
			r.flags = []string{"-run", s.tests}
		}
		ended, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			r.beat(ended, s.name)
		}()
		err = r.testAll(ctx, packages, !s.timed)
		close(ended)
		<-stopped
		r.suite, r.flags = "", nil
		if err != nil {
			return err
		}
	}
	return nil
}

// beat says from time to time how far the suite is.
func (r *report) beat(ended <-chan struct{}, name string) {
	started := time.Now()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case now := <-ticker.C:
			progress(fmt.Sprintf("%-10s %4.0f s  %s", name, now.Sub(started).Seconds(), r.latest.get()))
		}
	}
}
