package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRollback(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil    func(w *world)
		args     []string
		happened []string
		ok       bool
		says     string
	}{
		"to the version before":  {nil, []string{"dev"}, []string{"smoke test", "dev-api at 6"}, true, "version 6 of the API serves dev"},
		"to a named version":     {nil, []string{"dev", "8"}, []string{"smoke test", "dev-api at 8"}, true, "version 8 of the API serves dev"},
		"out of a canary":        {func(w *world) { w.canary() }, []string{"dev"}, []string{"dev-api at 7"}, true, "version 7 of the API serves dev"},
		"to an unknown version":  {nil, []string{"dev", "70"}, nil, false, "rifaapp-dev-api has no version 70, nothing was moved: name one of the versions 6, 7, 8"},
		"to the one that serves": {nil, []string{"dev", "7"}, nil, false, "version 7 serves everything already, nothing was moved"},
		"twice": {func(w *world) { w.aliases["rifaapp-dev-api"].Description = "Version 7" }, []string{"dev"}, nil, false,
			"which version served before 7 is not known, nothing was moved: name one of the versions 6, 7, 8"},
		"to a version that does not start": {func(w *world) { w.broken["/rifaapp/health"] = "no" }, []string{"dev", "8"}, []string{"smoke test"}, false,
			"version 8 does not start, so nothing was moved"},
		"of another account": {func(w *world) { w.account = "999999999999" }, []string{"dev"}, nil, false, "nothing was started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.spoil != nil {
				c.spoil(w)
			}
			said, ok := w.run(t, "", append([]string{"rollback"}, c.args...)...)
			if got := w.happened(); ok != c.ok || !slices.Equal(got, c.happened) {
				t.Errorf("ok = %v, happened %q, want %q", ok, got, c.happened)
			}
			contains(t, said, c.says)
		})
	}
}

// What a deployment notes is what a rollback finds.
func TestRollbackOfADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if said, ok := w.run(t, "", deployArgs("--lambda-only", "dev")...); !ok {
		t.Fatal(said)
	}
	if said, ok := w.run(t, "", "rollback", "dev"); !ok || w.aliases["rifaapp-dev-api"].FunctionVersion != "7" {
		t.Errorf("version %s serves; said\n%s", w.aliases["rifaapp-dev-api"].FunctionVersion, said)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	said, ok := w.run(t, "", "migrate", "dev")
	if !ok || !slices.Equal(w.happened(), []string{"migrate by live"}) {
		t.Errorf("happened %q; said\n%s", w.happened(), said)
	}
	contains(t, said, "deployed init, buying")
	w.migrator = `{"errorMessage":"the database is paused"}`
	said, ok = w.run(t, "", "migrate", "dev")
	if ok {
		t.Error("no failure")
	}
	contains(t, said, "the migration failed: the database is paused", "the same version serves as before", "Next:")
}

func TestMigrateWakesTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asleep = 1
	said, ok := w.run(t, "", "migrate", "dev")
	if !ok || w.asleep != 0 || !slices.Equal(w.journal, []string{"GET /rifaapp/ready of live", "GET /rifaapp/ready of live", "migrate by live"}) {
		t.Errorf("happened %q; said\n%s", w.journal, said)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["FAKE_PLAN"] = "Plan: 0 to add, 1 to change, 0 to destroy."
	w.canary()
	said, ok := w.run(t, "", "status", "dev")
	if !ok {
		t.Error(said)
	}
	contains(t, said, "dev, account 123456789012, us-east-1", "version 7 serves 90 %, version 6 10 %; there are 6, 7, 8", "v2.1.0, commit "+w.commit,
		"all that the served version needs are deployed", "quiet", "0 to add, 1 to change, 0 to destroy")
	if got := w.happened(); !slices.Contains(got, "terragrunt plan without a lock") {
		t.Errorf("looking at an environment locks it: happened %q", got)
	}
	if err := os.Remove(filepath.Join(w.bin, "terragrunt")); err != nil {
		t.Fatal(err)
	}
	delete(w.aliases, "rifaapp-dev-migrator")
	w.alarm = true
	said, _ = w.run(t, "", "status", "dev")
	contains(t, said, "not there; go tool mage deploy dev", "the alarm went off: rifaapp-dev-canary-5xx", "unknown: go tool mage plan dev tells")
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	said, ok := w.run(t, "", "outputs", "dev")
	if !ok {
		t.Error(said)
	}
	contains(t, said, `api.function_name = "rifaapp-dev-api"`, "database.port = 5432", "gateway.base_url = ")
	if said, ok := w.run(t, "", "outputs", "dev", "gateway.base_url"); !ok || said != w.url+"\n" {
		t.Errorf("one output is %q", said)
	}
	said, ok = w.run(t, "", "outputs", "dev", "gateway.nothing")
	if ok {
		t.Error("an unknown output is no failure")
	}
	contains(t, said, "the stack has no output nothing of gateway")
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env, typed string
		happened   []string
		says       string
	}{
		"after the name":     {"dev", "dev\n", []string{"terragrunt destroy"}, "dev is deleted"},
		"after another name": {"dev", "yes\n", nil, `that is not "dev": nothing was deleted`},
		"after nothing":      {"dev", "", nil, "nothing was deleted"},
		"production":         {"prod", "prod\n", nil, "prod is production, nothing was deleted: set production = false and secret_recovery_days = 0 in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			said, ok := w.run(t, c.typed, "destroy", c.env)
			if got := w.happened(); ok != (c.happened != nil) || !slices.Equal(got, c.happened) {
				t.Errorf("happened %q, want %q", got, c.happened)
			}
			contains(t, said, c.says)
		})
	}
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	said, ok := w.run(t, "", "undo", "dev")
	if ok {
		t.Error("no failure")
	}
	contains(t, said, "rollback  ENV [VERSION]")
}
