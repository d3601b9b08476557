package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rifaapp/rifaapp/infra/deploy/account"
	"github.com/rifaapp/rifaapp/infra/deploy/release"
	"github.com/rifaapp/rifaapp/infra/tools"
)

// migrate deploys the migrations of the code that is served.
func (p program) migrate(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("migrate")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{})
	if err != nil {
		return err
	}
	return runSteps(ctx, p.out, []step{{
		"migrate", func(ctx context.Context) (string, error) { return migrateWith(ctx, t, t.alias("migrator").Name) },
		"a change that failed was rolled back whole, those before it stay; the same version serves as before.", "mend the change, then go tool mage deploy " + t.Name,
	}})
}

// migrateWith has a version, or the alias, of the migrator deploy its migrations, and tells which. A small environment's
// database pauses when nobody uses it, so it is woken first.
func migrateWith(ctx context.Context, t *target, qualifier string) (string, error) {
	t.smoke(t.alias("api").Name).Wake(ctx)
	answer, err := release.Migrate(ctx, t.lambda, t.function("migrator"), qualifier)
	if err != nil {
		return "", err
	}
	var done struct{ Applied []string }
	if err := json.Unmarshal(answer, &done); err != nil {
		return "", fmt.Errorf("the migrator's answer is not JSON: %w", err)
	}
	if len(done.Applied) == 0 {
		return "nothing to deploy", nil
	}
	return "deployed " + strings.Join(done.Applied, ", "), nil
}

// rollback sends everything to the version before, or to the one that is named. The database stays as it is: every
// migration leaves it usable for the version before.
func (p program) rollback(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("rollback")
	if err := parse(flags, args, 1, 2); err != nil {
		return err
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{})
	if err != nil {
		return err
	}
	version, err := t.alias("api").Back(ctx, flags.Arg(1))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "version %s of the API serves %s; migrations and migrator stay as they are\n", version, t.Name)
	return nil
}

// status tells what runs in an environment. It goes on when one answer cannot be had, and says so in its line.
func (p program) status(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("status")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s, account %s, %s\n", t.Name, t.AccountID, t.Region)
	for _, line := range []struct {
		name string
		ask  func(context.Context) string
	}{
		{"api", func(ctx context.Context) string { return t.traffic(ctx, "api") }},
		{"migrator", func(ctx context.Context) string { return t.traffic(ctx, "migrator") }},
		{"build", t.build},
		{"migrations", t.migrations},
		{"alarm", t.alarm},
		{"drift", func(ctx context.Context) string { return p.driftOf(ctx, t) }},
	} {
		fmt.Fprintf(p.out, "  %-11s", line.name)
		fmt.Fprintln(p.out, line.ask(ctx))
	}
	return nil
}

func (t *target) traffic(ctx context.Context, unit string) string {
	alias := t.alias(unit)
	state, err := alias.State(ctx)
	if account.Missing(err) {
		return "not there; go tool mage deploy " + t.Name
	}
	if err != nil {
		return err.Error()
	}
	versions, err := alias.Versions(ctx)
	if err != nil {
		return err.Error()
	}
	return state.Traffic() + "; there are " + strings.Join(versions, ", ")
}

func (t *target) build(ctx context.Context) string {
	build, err := t.smoke(t.alias("api").Name).Build(ctx)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s, commit %s, %s", build.Version, build.Commit, build.BuildTime)
}

func (t *target) migrations(ctx context.Context) string {
	if err := t.smoke(t.alias("api").Name).Ready(ctx); err != nil {
		return err.Error()
	}
	return "all that the served version needs are deployed"
}

func (t *target) alarm(ctx context.Context) string {
	if err := t.canary().Quiet(ctx); err != nil {
		return err.Error()
	}
	return "quiet"
}

// driftOf plans where the tools are at hand; a look at an environment builds none.
func (p program) driftOf(ctx context.Context, t *target) string {
	program, ok := tools.FindTerragrunt(ctx, t.toolsDir())
	if missing := terraform(ctx); !ok || missing != nil {
		return "unknown: go tool mage plan " + t.Name + " tells, and builds the tools it needs"
	}
	log, err := t.logFile()
	if err != nil {
		return err.Error()
	}
	defer func() { _ = log.Close() }()
	t.stack.Terragrunt, t.stack.Dir, t.stack.Out = program, t.Dir, log
	changes, err := t.stack.Preview(ctx)
	if err != nil {
		return err.Error()
	}
	return changes.String()
}

// outputs prints what the units of the stack answer.
func (p program) outputs(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("outputs")
	if err := parse(flags, args, 1, 2); err != nil {
		return err
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{stack: true})
	if err != nil {
		return err
	}
	outputs, err := t.stack.Outputs(ctx)
	if err != nil {
		return err
	}
	if one := flags.Arg(1); one != "" {
		unit, name, _ := strings.Cut(one, ".")
		text, err := outputs.String(unit, name)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.out, text)
		return nil
	}
	for _, unit := range slices.Sorted(maps.Keys(outputs)) {
		for _, name := range slices.Sorted(maps.Keys(outputs[unit])) {
			fmt.Fprintf(p.out, "%s.%s = %s\n", unit, name, outputs[unit][name])
		}
	}
	return nil
}

// destroy deletes an environment after its name was typed.
func (p program) destroy(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("destroy")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{stack: true})
	if err != nil {
		return err
	}
	if t.Production {
		return fmt.Errorf("%s is production, nothing was deleted: set production = false and secret_recovery_days = 0 in %s and deploy that first; secrets with days of recovery would keep their names, and %[1]s could not be made anew before they are over", t.Name, t.Dir)
	}
	fmt.Fprintf(p.out, "This deletes everything of %s in account %s, its database and all raffles in it.\nType the environment's name to go on: ", t.Name, t.AccountID)
	typed, _ := bufio.NewReader(p.in).ReadString('\n') // whatever was typed before the end counts
	if strings.TrimSpace(typed) != t.Name {
		return fmt.Errorf("that is not %q: nothing was deleted", t.Name)
	}
	if err := t.stack.Destroy(ctx); err != nil {
		return fmt.Errorf("%w\n\nState: some of %s is deleted, the rest is there.\nNext:  mend it, then go tool mage destroy %s", err, t.Name, t.Name)
	}
	fmt.Fprintf(p.out, "%s is deleted\n", t.Name)
	return nil
}
