//go:build mage

// Targets of `go tool mage`. They only start things; the work is in the packages they run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/magefile/mage/mg"
)

// Default prints the everyday targets.
var Default = Help

// Help prints the everyday five.
func Help() {
	fmt.Print(`RifaApp, everyday:

  go tool mage dev        the API on an embedded PostgreSQL, migrated, with a demo raffle
  go tool mage test       all tests, on a real PostgreSQL
  go tool mage build      the zip for Lambda, reproducible
  go tool mage migrate    deploy migrations to an environment
  go tool mage deploy     build, plan, apply, migrate, smoke test and shift an environment

All targets: go tool mage -l        One target: go tool mage -h TARGET
`)
}

// Dev serves the API on an embedded PostgreSQL with a demo raffle, until Ctrl-C.
func Dev(ctx context.Context) error {
	return tool(ctx, "./app/devdb/dev")
}

// Test passes all tests on a real PostgreSQL: 5 minutes of two cores. RIFAAPP_TEST_DB=container|embedded chooses it.
// One package alone: go test ./app/command
func Test(ctx context.Context) error {
	return tool(ctx, "./test/run")
}

// TestInfra passes the tests of everything about AWS: with Terraform in PATH also those of its modules and of the stack.
func TestInfra(ctx context.Context) error {
	return tool(ctx, "./test/run", "./infra/...", "./test/infra/...")
}

// Soak runs the tests that have a large size in it: kills, load, generated requests; 25 minutes of two cores. Optional:
// -suite=chaos,R7 runs these suites or promises only; an unknown one prints the list.
func Soak(ctx context.Context, suite *string) error {
	return tool(ctx, "./test/run", "--soak", "--suite="+text(suite))
}

// Bench measures the API beside plain SQL on an embedded PostgreSQL, and all Go benchmarks: 15 minutes.
// Optional: -save=true writes test/bench/RESULTS.md, -profile=FOLDER keeps profiles of the hot run.
func Bench(ctx context.Context, save *bool, profile *string) error {
	var args []string
	if save != nil && *save {
		args = append(args, "--save")
	}
	if profile != nil {
		args = append(args, "--profile", *profile)
	}
	return tool(ctx, "./test/bench", args...)
}

// Compare shows Go micro-benchmarks of this commit beside main's, or its parent's when this is main: a minute, for information.
func Compare(ctx context.Context) error {
	return attached(ctx, grace, ".ci/bench")
}

// Build makes dist/rifaapp-lambda-arm64.zip, reproducible, and prints its size. Optional: -arch=amd64.
func Build(ctx context.Context, arch *string) error {
	if arch != nil {
		return tool(ctx, "./infra/build", "--arch", *arch)
	}
	return tool(ctx, "./infra/build")
}

// Lambda is about the function.
type Lambda mg.Namespace

// Local runs the zip's program here as Lambda would, behind an HTTP front. Optional, each after N requests: -kill=N -cut=N -silence=N.
func (Lambda) Local(ctx context.Context, kill, cut, silence *int) error {
	useDevDatabase()
	var args []string
	for name, every := range map[string]*int{"kill": kill, "cut": cut, "silence": silence} {
		if every != nil {
			args = append(args, fmt.Sprintf("--%s=%d", name, *every))
		}
	}
	return tool(ctx, "./test/lambdalocal/local", args...)
}

// Lint runs gofmt, go vet, golangci-lint and actionlint; the linters are built on first use.
func Lint(ctx context.Context) error {
	return tool(ctx, "./test/lint")
}

// Tools builds what infrastructure work needs and is not installed: Terragrunt, about three minutes the first time.
func Tools(ctx context.Context) error {
	return tool(ctx, "./infra/tools/install")
}

// Scan looks for security faults in the Terraform modules, secrets in every commit, and known weaknesses in what we call.
func Scan(ctx context.Context) error {
	return tool(ctx, "./test/scan")
}

// Generate writes app/httpapi/openapi.yaml from the code.
func Generate(ctx context.Context) error {
	return tool(ctx, "./app/httpapi/openapigen")
}

// Plan shows what deploying would change in an environment: `plan dev`. Optional: -infraDir=DIR -drift=true (fail when
// anything differs) -comment=true (write it to the pull request that PULL_REQUEST names).
func Plan(ctx context.Context, env string, infraDir *string, drift, comment *bool) error {
	return deploy(ctx, "plan", []string{env}, flags{"infra-dir": text(infraDir), "drift": truth(drift), "comment": truth(comment)})
}

// Deploy brings this commit into an environment: build, plan, apply, migrate, smoke test, shift. `deploy dev`. Optional:
// -planOnly=true -lambdaOnly=true -infraDir=DIR -watch=5m (how long a tenth of the traffic tries it first; 0s: not at all).
func Deploy(ctx context.Context, env string, planOnly, lambdaOnly *bool, infraDir *string, watch *time.Duration) error {
	f := flags{"infra-dir": text(infraDir), "plan-only": truth(planOnly), "lambda-only": truth(lambdaOnly)}
	if watch != nil {
		f["watch"] = watch.String()
	}
	return deploy(ctx, "deploy", []string{env}, f)
}

// Migrate deploys the migrations of the code that an environment serves: `migrate dev`. Optional: -infraDir=DIR.
func Migrate(ctx context.Context, env string, infraDir *string) error {
	return deploy(ctx, "migrate", []string{env}, flags{"infra-dir": text(infraDir)})
}

// Rollback calls a canary back, or returns to the version that served before: `rollback dev`. Optional: -version=7
// -infraDir=DIR.
func Rollback(ctx context.Context, env string, version, infraDir *string) error {
	return deploy(ctx, "rollback", []string{env, text(version)}, flags{"infra-dir": text(infraDir)})
}

// Status tells versions, traffic, migrations, alarm and drift of an environment. Optional: -infraDir=DIR.
func Status(ctx context.Context, env string, infraDir *string) error {
	return deploy(ctx, "status", []string{env}, flags{"infra-dir": text(infraDir)})
}

// Outputs prints what the units of an environment answer. Optional: -name=gateway.base_url -infraDir=DIR.
func Outputs(ctx context.Context, env string, name, infraDir *string) error {
	return deploy(ctx, "outputs", []string{env, text(name)}, flags{"infra-dir": text(infraDir)})
}

// Destroy deletes an environment and all its data; it asks for the environment's name. Optional: -infraDir=DIR.
func Destroy(ctx context.Context, env string, infraDir *string) error {
	return deploy(ctx, "destroy", []string{env}, flags{"infra-dir": text(infraDir)})
}

// Request checks, in a workflow, what it was asked for: `request deploy`. PAYLOAD holds client_payload or inputs.
func Request(ctx context.Context, event string) error {
	return deploy(ctx, "request", []string{event}, nil)
}

// Release makes a release in dist/release: zips, checksums, notes from CHANGELOG.md. `release v2.0.0`. Optional:
// -publish=true puts it on GitHub, which makes the tag.
func Release(ctx context.Context, version string, publish *bool) error {
	if publish != nil && *publish {
		return tool(ctx, "./infra/publish", "--publish", version)
	}
	return tool(ctx, "./infra/publish", version)
}

// Dispatch asks GitHub to deploy, migrate or roll an environment back: `dispatch deploy dev`. GITHUB_REPOSITORY, GITHUB_TOKEN.
// Optional: -ref=BRANCH -lambdaOnly=true -version=N.
func Dispatch(ctx context.Context, action, env string, ref *string, lambdaOnly *bool, version *string) error {
	return deploy(ctx, "dispatch", []string{action, env}, flags{"ref": text(ref), "lambda-only": truth(lambdaOnly), "version": text(version)})
}

// flags of infra/deploy by name; an empty value leaves the default.
type flags map[string]string

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func truth(b *bool) string {
	if b == nil || !*b {
		return ""
	}
	return "true"
}

// deploy runs a command of infra/deploy. Trailing arguments that are empty are left out.
func deploy(ctx context.Context, command string, args []string, f flags) error {
	if strings.HasPrefix(args[0], "-") {
		return fmt.Errorf("%s is no environment: its name comes first, then options, as in `go tool mage %s dev %s`", args[0], command, args[0])
	}
	line := []string{command}
	for name, value := range f {
		if value != "" {
			line = append(line, "--"+name+"="+value)
		}
	}
	if last := len(args) - 1; args[last] == "" {
		args = args[:last]
	}
	return toolWithin(ctx, patience, "./infra/deploy", append(line, args...)...)
}

// Projections are targets about the read model of the database that DB_HOST and friends name, or of
// the one that `mage dev` runs.
type Projections mg.Namespace

// Check compares the read model with its definition and prints every difference.
func (Projections) Check(ctx context.Context) error {
	useDevDatabase()
	return tool(ctx, "./app/cmd/rifaapp", "projections", "check")
}

// Rebuild makes the read model anew from the write model.
func (Projections) Rebuild(ctx context.Context) error {
	useDevDatabase()
	return tool(ctx, "./app/cmd/rifaapp", "projections", "rebuild")
}

// useDevDatabase lets a command find the database of a running `mage dev`, unless DB_HOST says where
// to look.
func useDevDatabase() {
	lines, err := os.ReadFile(".rifaapp/dev.env")
	if err != nil || os.Getenv("DB_HOST") != "" {
		return
	}
	for line := range strings.Lines(string(lines)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(name, "DB_") {
			_ = os.Setenv(name, value) // only a NUL in it would be refused
		}
	}
}

// grace is how long a command may take to stop after Ctrl-C; mage itself waits no longer. patience is for commands that
// change AWS: Terraform finishes the call under way and writes its state, which takes minutes, and goes on without mage.
const (
	grace    = 5 * time.Second
	patience = 6 * time.Minute
)

// binDir is where the commands of this repository are built; git ignores it.
const binDir = ".rifaapp/bin"

// tool builds a command of this repository and runs it on this terminal. Ctrl-C reaches it as an
// interrupt, so that it ends in its own way, and its failure becomes ours. (`go run` would stand
// between and keep signals to itself.)
func tool(ctx context.Context, pkg string, args ...string) error {
	err := toolWithin(ctx, grace, pkg, args...)
	if ctx.Err() != nil {
		return nil // stopped on request
	}
	return err
}

// toolWithin is tool for a command that may take long to stop, and for which being stopped is a failure.
func toolWithin(ctx context.Context, grace time.Duration, pkg string, args ...string) error {
	binary := filepath.Join(binDir, path.Base(pkg))
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg)
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build %s: %w", pkg, err)
	}
	return attached(ctx, grace, binary, args...)
}

// attached runs a program on this terminal, as tool does.
func attached(ctx context.Context, grace time.Duration, program string, args ...string) error {
	command := exec.CommandContext(ctx, program, args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = grace
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return mg.Fatalf(exit.ExitCode(), "%s ended with status %d", path.Base(program), exit.ExitCode())
	}
	return err
}
