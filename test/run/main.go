// Command run passes the project's tests: go vet, then every package on one PostgreSQL that it
// starts for the whole run, with the race detector where a C compiler is at hand. At the end it
// prints a table of what ran, what was skipped and why.
//
// RIFAAPP_TEST_DB says which PostgreSQL: container, embedded, or auto (the default), which takes a
// container where an engine answers. RIFAAPP_TEST_KEEP=1 keeps PostgreSQL up after a failure, until
// Ctrl-C, so that the databases of failed tests can be opened.
//
// Arguments are package patterns; without any all packages are tested. --soak runs the tests that have
// a large size in it, suite by suite; --suite names some of the suites.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
)

// module is the prefix of all package names here.
const module = "github.com/rifaapp/rifaapp/"

// unraced are the packages, and those below them, that are tested without the race detector: in those
// that drive other processes it finds nothing, and it would take minutes to compile the libraries of
// infra and test/infra; app/draw computes, on one goroutine, what the detector slows tenfold.
var unraced = []string{"app/draw", "infra", "test/bench", "test/e2e", "test/infra", "test/lambdalocal", "test/trust"}

// raced tells whether a package is tested with the race detector.
func raced(name string) bool {
	name = strings.TrimPrefix(name, module)
	return !slices.ContainsFunc(unraced, func(top string) bool {
		return name == top || strings.HasPrefix(name, top+"/")
	})
}

// slowest are the packages that take longest, in that order: begun first, none of them is left to run
// alone at the end.
var slowest = []string{
	"test/trust/chaos", "test/infra", "test/lambdalocal", "test/e2e/browser", "app/migrate", "sqitch", "test/trust/hostile",
	"test/e2e", "app/command", "app/httpapi", "app/devdb",
}

// slowestFirst puts packages into the order in which they are to begin.
func slowestFirst(packages []string) {
	place := func(name string) int {
		if i := slices.Index(slowest, strings.TrimPrefix(name, module)); i >= 0 {
			return i
		}
		return len(slowest)
	}
	slices.SortStableFunc(packages, func(a, b string) int { return place(a) - place(b) })
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	soak := flag.Bool("soak", false, "the tests that have a large size, in it")
	suite := flag.String("suite", "", "with --soak: only these suites or promises, such as chaos,R7")
	flag.Parse()
	passed, err := run(ctx, options{soak: *soak, suite: *suite, patterns: flag.Args()})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !passed {
		os.Exit(1)
	}
}

type options struct {
	soak     bool
	suite    string
	patterns []string
}

// What the tests read.
const (
	envSoak = "RIFAAPP_SOAK"
	envKeep = "RIFAAPP_TEST_KEEP"
)

// Limits on one package: a test that hangs prints its goroutines and fails.
const (
	testTimeout = 20 * time.Minute // a minute of two idle cores can be ten of busy ones
	soakTimeout = time.Hour
)

func run(ctx context.Context, o options) (passed bool, err error) {
	started := time.Now()
	chosen, packages, err := o.find(ctx)
	if err != nil {
		return false, err
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

	if err := buildOnce(ctx); err != nil {
		return false, err
	}
	report := &report{out: os.Stdout, database: server.Kind, started: started, timeout: testTimeout}
	if o.soak {
		report.timeout = soakTimeout
		err = report.soak(ctx, chosen)
	} else {
		report.flags = []string{"-vet=off"} // find has run it, whole
		err = report.testAll(ctx, packages, true)
	}
	if err != nil {
		return false, err
	}
	report.print()
	if report.failed() > 0 && os.Getenv(envKeep) == "1" {
		progress("PostgreSQL and the databases of failed tests stay up until Ctrl-C (" + envKeep + "=1)")
		<-ctx.Done()
	}
	return report.failed() == 0, nil
}

// find returns the suites of a soak, or else the packages to test once go vet finds nothing in them.
func (o options) find(ctx context.Context) (chosen []suite, packages []string, err error) {
	if o.soak {
		if len(o.patterns) > 0 {
			return nil, nil, fmt.Errorf("a soak has suites instead of packages; name them with --suite, not %q", o.patterns)
		}
		if chosen, err = choose(o.suite); err != nil {
			return nil, nil, err
		}
		return chosen, nil, os.Setenv(envSoak, "1")
	}
	if o.suite != "" {
		return nil, nil, errors.New("--suite needs --soak")
	}
	if len(o.patterns) == 0 {
		o.patterns = []string{"./..."}
	}
	if packages, err = list(ctx, o.patterns); err != nil {
		return nil, nil, err
	}
	progress("go vet")
	if err := goCommand(ctx, append([]string{"vet"}, o.patterns...)...).Run(); err != nil {
		return nil, nil, fmt.Errorf("go vet found faults; mend them and run again: %w", err)
	}
	return nil, packages, nil
}

// buildOnce builds the binary that several packages run, unless one is named already.
func buildOnce(ctx context.Context) error {
	if os.Getenv(testserver.EnvBinary) != "" {
		return nil
	}
	progress("building the binary")
	binary, err := filepath.Abs(filepath.Join(".rifaapp", "test", "rifaapp"))
	if err != nil {
		return err
	}
	if err := goCommand(ctx, "build", "-o", binary, "./app/cmd/rifaapp").Run(); err != nil {
		return fmt.Errorf("build the binary under test: %w", err)
	}
	return os.Setenv(testserver.EnvBinary, binary)
}

// testAll tests what it can with the race detector and the rest without.
func (r *report) testAll(ctx context.Context, packages []string, detectRaces bool) error {
	slowestFirst(packages)
	var watched, plain []string
	for _, name := range packages {
		if detectRaces && raced(name) {
			watched = append(watched, name)
		} else {
			plain = append(plain, name)
		}
	}
	flags := []string{"-race"}
	if r.raceless = raceMissing(ctx); r.raceless != "" {
		flags = nil
	}
	r.watched, r.plain = r.watched+len(watched), r.plain+len(plain)
	if len(watched) > 0 {
		if err := r.test(ctx, flags, watched); err != nil {
			return err
		}
	}
	if len(plain) > 0 {
		return r.test(ctx, nil, plain)
	}
	return nil
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
