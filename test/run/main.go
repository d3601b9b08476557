// Command run passes the project's tests: go vet, then every package on one PostgreSQL that it
// starts for the whole run, with the race detector where a C compiler is at hand. At the end it
// prints a table of what ran, what was skipped and why.
//
// RIFAAPP_TEST_DB says which PostgreSQL: container, embedded, or auto (the default), which takes a
// container where an engine answers. RIFAAPP_SOAK=1 asks the tests for their large sizes. Arguments
// are package patterns; without any all packages are tested.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// infra drives Terraform and imports what only it needs: the race detector would take minutes to
// compile that and finds nothing in child processes.
const infra = "github.com/rifaapp/rifaapp/test/infra"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	passed, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !passed {
		os.Exit(1)
	}
}

func run(ctx context.Context, patterns []string) (passed bool, err error) {
	started := time.Now()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	packages, err := list(ctx, patterns)
	if err != nil {
		return false, err
	}
	progress("go vet")
	if err := goCommand(ctx, append([]string{"vet"}, patterns...)...).Run(); err != nil {
		return false, fmt.Errorf("go vet found faults; mend them and run again: %w", err)
	}
	progress("starting PostgreSQL")
	server, err := testdb.StartServer(ctx)
	if err != nil {
		return false, err
	}
	defer server.Stop()
	if err := os.Setenv(testdb.EnvDSN, server.DSN); err != nil {
		return false, err
	}
	progress("PostgreSQL: " + server.Kind)

	report := &report{database: server.Kind, race: "with the race detector", started: started}
	raced, plain := packages, []string(nil)
	if at := slices.Index(packages, infra); at >= 0 {
		raced, plain = slices.Delete(slices.Clone(packages), at, at+1), []string{infra}
	}
	var flags []string
	if reason := raceMissing(ctx); reason == "" {
		flags = append(flags, "-race")
	} else {
		report.race = "without the race detector: " + reason
	}
	if len(raced) > 0 {
		if err := report.test(ctx, flags, raced); err != nil {
			return false, err
		}
	}
	if len(plain) > 0 {
		if err := report.test(ctx, nil, plain); err != nil {
			return false, err
		}
	}
	report.print(os.Stdout)
	return report.failed() == 0, nil
}

func progress(what string) { fmt.Printf("· %s\n", what) }

func goCommand(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 20 * time.Second
	return command
}

func list(ctx context.Context, patterns []string) ([]string, error) {
	command := goCommand(ctx, append([]string{"list"}, patterns...)...)
	command.Stdout = nil
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages: %w", err)
	}
	return strings.Fields(string(output)), nil
}

// raceMissing says why the race detector cannot be used here, or "".
func raceMissing(ctx context.Context) string {
	command := goCommand(ctx, "env", "CC")
	command.Stdout = nil
	output, err := command.Output()
	if err != nil {
		return "go env CC failed"
	}
	compiler, _, _ := strings.Cut(strings.TrimSpace(string(output)), " ")
	if _, err := exec.LookPath(compiler); err != nil {
		return "it needs a C compiler and " + compiler + " is not installed"
	}
	return ""
}

var errInterrupted = errors.New("interrupted")
