package migrate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env is the process as Command sees it.
type Env struct {
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer // with SQITCH_BIN they are written to at the same time
	Files          fs.FS     // the embedded project; SQITCH_DIR names a directory instead
	Config         Source    // from the DB_* variables; SQITCH_TARGET comes first
}

// An ExitError carries the status that the process should end with: what Sqitch ends with in the
// same case.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *ExitError) Unwrap() error { return e.Err }

// faultCode is the exit status of everything that has none of its own.
const faultCode = 2

// ExitCode is the exit status for an error of Command: 0 for nil.
func ExitCode(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	}
	return faultCode
}

// command is one run of Command.
type command struct {
	env      Env
	verb     string
	args     []string
	flags    *flag.FlagSet
	to, from string
	mode     string
	logOnly  bool
	verify   bool
	noVerify bool
	yes      bool
	wait     int // seconds
	log      LogOptions
	migrator *Migrator
	project  *Project
}

// Command is `rifaapp migrate ARGS`. Reports go to Stdout. ExitCode tells the exit status for its
// error, which no output has mentioned yet.
func Command(ctx context.Context, args []string, env Env) error {
	c := &command{env: env, verb: "deploy"}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		c.verb, args = args[0], args[1:]
	}
	c.args = args
	run, known := map[string]func(context.Context) error{"deploy": c.deploy, "revert": c.revert, "status": c.status,
		"verify": c.runVerify, "check": c.check, "log": c.printLog, "plan": c.plan}[c.verb]
	if c.verb == "help" {
		_, err := io.WriteString(env.Stdout, Usage)
		return err
	}
	if !known {
		return &ExitError{faultCode, fmt.Errorf("there is no command %q\n\n%s", c.verb, Usage)}
	}
	if err := c.parse(); errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(env.Stdout, Usage)
		return err
	} else if err != nil {
		return &ExitError{faultCode, err}
	}
	config, shown, err := c.target(ctx)
	if err != nil {
		return &ExitError{faultCode, err}
	}
	if bin := env.Getenv("SQITCH_BIN"); bin != "" {
		return c.external(ctx, bin, config)
	}
	if err := c.open(c.source(config), shown); err != nil {
		return &ExitError{faultCode, err}
	}
	return run(ctx)
}

// Deploy is Command with "deploy" for a process that wants to know what was deployed: AUTO_MIGRATE and
// the API. The Result has no times when SQITCH_BIN did the work.
func Deploy(ctx context.Context, env Env) (*Result, error) {
	c := &command{env: env, verb: "deploy"}
	if err := c.parse(); err != nil {
		return &Result{}, err
	}
	config, shown, err := c.target(ctx)
	if err == nil {
		err = c.open(c.source(config), shown)
	}
	if err != nil {
		return &Result{}, err
	}
	if bin := env.Getenv("SQITCH_BIN"); bin != "" {
		return c.deployByCLI(ctx, bin, config)
	}
	return c.migrator.Deploy(ctx, c.deployOptions())
}

func (c *command) parse() error {
	f := flag.NewFlagSet("migrate "+c.verb, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	switch c.verb {
	case "deploy":
		f.StringVar(&c.mode, "mode", "", "")
		f.BoolVar(&c.verify, "verify", true, "")
		f.BoolVar(&c.noVerify, "no-verify", false, "")
	case "revert":
		f.BoolVar(&c.yes, "y", false, "")
	case "verify", "check":
		f.StringVar(&c.from, "from", "", "")
	case "log":
		f.IntVar(&c.log.Limit, "max-count", 0, "")
		f.IntVar(&c.log.Limit, "n", 0, "")
		f.IntVar(&c.log.Skip, "skip", 0, "")
		f.BoolVar(&c.log.Reverse, "reverse", false, "")
	}
	if c.verb == "deploy" || c.verb == "revert" {
		f.BoolVar(&c.logOnly, "log-only", false, "")
		f.IntVar(&c.wait, "lock-timeout", int(DefaultLockTimeout.Seconds()), "")
	}
	if c.verb != "status" && c.verb != "log" && c.verb != "plan" {
		f.StringVar(&c.to, "to", "", "")
	}
	c.flags = f
	err := f.Parse(c.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w\n\n%s", err, Usage)
	case f.Lookup("lock-timeout") != nil && c.wait < 1:
		return errors.New("--lock-timeout must be at least one second")
	case c.log.Limit < 0 || c.log.Skip < 0:
		return errors.New("--max-count and --skip must not be negative")
	case f.NArg() == 1 && c.to == "" && f.Lookup("to") != nil:
		c.to = f.Arg(0)
	case f.NArg() > 0:
		return fmt.Errorf("unexpected argument %q\n\n%s", f.Arg(f.NArg()-1), Usage)
	}
	return nil
}

func (c *command) target(ctx context.Context) (*pgx.ConnConfig, string, error) {
	if target := c.env.Getenv("SQITCH_TARGET"); target != "" {
		return Target(target)
	}
	config, err := c.env.Config(ctx)
	if err != nil {
		return nil, "", err
	}
	return config, destination(config), nil
}

// source asks Config anew for every connection: passwords may be short-lived.
func (c *command) source(config *pgx.ConnConfig) Source {
	if c.env.Getenv("SQITCH_TARGET") != "" {
		return Static(config)
	}
	return c.env.Config
}

func (c *command) open(source Source, shown string) (err error) {
	files := c.env.Files
	if dir := c.env.Getenv("SQITCH_DIR"); dir != "" {
		if folder, err := os.Stat(dir); err != nil || !folder.IsDir() {
			return fmt.Errorf("SQITCH_DIR names no directory: %s", dir)
		}
		files = os.DirFS(dir)
	}
	if c.project, err = Open(files); err != nil {
		return err
	}
	c.migrator = New(c.project, source, Options{Progress: c.env.Stdout, Destination: shown, LockTimeout: time.Duration(c.wait) * time.Second,
		CommitterName: c.env.Getenv("SQITCH_FULLNAME"), CommitterEmail: c.env.Getenv("SQITCH_EMAIL")})
	return nil
}
