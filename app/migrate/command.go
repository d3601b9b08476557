package migrate

import (
	"bufio"
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
	Stdout, Stderr io.Writer
	Files          fs.FS                           // the embedded project; SQITCH_DIR names a directory instead
	Config         func() (*pgx.ConnConfig, error) // from the DB_* variables; SQITCH_TARGET comes first
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

// Usage is the help text of `rifaapp migrate`.
const Usage = `Usage: rifaapp migrate [COMMAND] [OPTIONS] [CHANGE]

  deploy    deploy what the database does not have (the default)
              --to CHANGE   stop after this change or tag
              --mode MODE   what a failure takes back: change (nothing), tag, all
              --log-only    record the changes without running their scripts
              --no-verify   do not run the verify scripts (--verify is the default)
              --lock-timeout SECONDS   how long to wait for another deployer (60)
  revert    take changes back, the last one first; asks before it does
              --to CHANGE   keep this change or tag and what is before it
              --log-only    record the reverts without running the scripts
              -y            do not ask
              --lock-timeout SECONDS
  status    say where the database stands
  verify    run the verify scripts of what is deployed; --from CHANGE, --to CHANGE
  check     find deploy scripts edited since they were deployed; --from, --to; ends with 1 if so
  log       print the history; --max-count N, --skip N, --reverse
  plan      list the changes to come

The database: SQITCH_TARGET=db:pg://user:password@host:port/name?sslmode=require, or DB_HOST, DB_PORT,
DB_NAME, DB_USER, DB_PASSWORD, DB_SSLMODE. The scripts: those in the binary, or in SQITCH_DIR. With
SQITCH_BIN set, that sqitch command does the work. SQITCH_FULLNAME and SQITCH_EMAIL say who you are.
A change is a name, name@tag, @tag, an id, HEAD or ROOT; name^ is the one before.
`

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
	config, shown, err := c.target()
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

func (c *command) target() (*pgx.ConnConfig, string, error) {
	if target := c.env.Getenv("SQITCH_TARGET"); target != "" {
		return Target(target)
	}
	config, err := c.env.Config()
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
	return func(context.Context) (*pgx.ConnConfig, error) { return c.env.Config() }
}

func (c *command) open(source Source, shown string) (err error) {
	files := c.env.Files
	if dir := c.env.Getenv("SQITCH_DIR"); dir != "" {
		files = os.DirFS(dir)
	}
	if c.project, err = Open(files); err != nil {
		return err
	}
	c.migrator = New(c.project, source, Options{Progress: c.env.Stdout, Destination: shown, LockTimeout: time.Duration(c.wait) * time.Second,
		CommitterName: c.env.Getenv("SQITCH_FULLNAME"), CommitterEmail: c.env.Getenv("SQITCH_EMAIL")})
	return nil
}

func (c *command) deploy(ctx context.Context) error {
	verify := c.verify && !c.noVerify
	given := false
	c.flags.Visit(func(f *flag.Flag) { given = given || f.Name == "verify" || f.Name == "no-verify" })
	if !given {
		verify = c.project.conf.isTrue(true, "deploy.verify")
	}
	_, err := c.migrator.Deploy(ctx, DeployOptions{To: c.to, Mode: Mode(c.mode), LogOnly: c.logOnly, NoVerify: !verify})
	return err
}

func (c *command) revert(ctx context.Context) error {
	o := RevertOptions{To: c.to, LogOnly: c.logOnly, Confirm: c.ask}
	if c.yes || c.project.conf.isTrue(false, "revert.no_prompt") {
		o.Confirm = nil
	}
	_, err := c.migrator.Revert(ctx, o)
	if errors.Is(err, ErrNotConfirmed) {
		return &ExitError{1, err}
	}
	return err
}

// ask puts a question to a person. No answer, as from a script, means revert.prompt_accept's "no".
func (c *command) ask(question string) (bool, error) {
	accept := c.project.conf.isTrue(false, "revert.prompt_accept")
	choice := "[No]"
	if accept {
		choice = "[Yes]"
	}
	in := bufio.NewReader(c.env.Stdin)
	for {
		fmt.Fprintf(c.env.Stdout, "%s %s ", question, choice)
		line, err := in.ReadString('\n')
		answer := strings.ToLower(strings.TrimSpace(line))
		switch {
		case answer == "" && err != nil:
			return false, fmt.Errorf("%w: there is nobody to ask; give -y to go ahead", ErrNotConfirmed)
		case answer == "":
			return accept, nil
		case answer == "y" || answer == "ye" || answer == "yes":
			return true, nil
		case answer == "n" || answer == "no":
			return false, nil
		case err != nil:
			return false, ErrNotConfirmed
		}
		fmt.Fprintln(c.env.Stdout, `Please answer "y" or "n".`)
	}
}

func (c *command) status(ctx context.Context) error {
	s, err := c.migrator.Status(ctx)
	if s != nil {
		s.Format(c.env.Stdout)
	}
	if err == nil && s.ChangeID == "" {
		return &ExitError{1, ErrNothingDeployed}
	}
	if err == nil {
		formatPending(c.env.Stdout, s.Pending)
	}
	return err
}

func (c *command) runVerify(ctx context.Context) error {
	return c.migrator.Verify(ctx, Range{From: c.from, To: c.to})
}

func (c *command) check(ctx context.Context) error {
	err := c.migrator.Check(ctx, Range{From: c.from, To: c.to})
	if errors.Is(err, ErrDiverged) {
		return &ExitError{1, err}
	}
	return err
}

func (c *command) printLog(ctx context.Context) error {
	events, err := c.migrator.Log(ctx, c.log)
	if err != nil {
		return &ExitError{1, err}
	}
	if len(events) == 0 && c.log.Skip == 0 {
		return &ExitError{1, errors.New("no events logged; nothing was ever deployed")}
	}
	fmt.Fprintf(c.env.Stdout, "On database %s\n", c.migrator.options.Destination)
	for _, e := range events {
		e.Format(c.env.Stdout)
	}
	return nil
}

func (c *command) plan(ctx context.Context) error {
	pending, err := c.migrator.Plan(ctx)
	if err == nil {
		formatPending(c.env.Stdout, pending)
	}
	return err
}

// external hands the command to the real Sqitch.
func (c *command) external(ctx context.Context, bin string, config *pgx.ConnConfig) error {
	args := append([]string{c.verb}, c.args...)
	if c.verb == "plan" {
		args = append([]string{"status"}, c.args...) // its "plan" lists all changes, not those to come
	}
	dir := c.env.Getenv("SQITCH_DIR")
	if dir == "" {
		temp, err := os.MkdirTemp("", "rifaapp-sqitch-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temp) }()
		if err := os.CopyFS(temp, c.env.Files); err != nil {
			return fmt.Errorf("the embedded migrations cannot be written to a temporary directory for SQITCH_BIN: %w", err)
		}
		dir = temp
	}
	return runSqitch(ctx, bin, dir, config, args, c.env)
}
