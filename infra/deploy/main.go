// Command deploy is what the targets about environments run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const help = `deploy COMMAND [FLAGS] ENV: what the mage targets of the same names run

  plan      show what deploying would change; --drift fails when anything differs, --comment writes it to the pull request
  deploy    build, plan, apply, prepare, migrate, smoke test, shift; --plan-only, --lambda-only, --watch 5m
  migrate   deploy the migrations of the code that is served
  rollback  ENV [VERSION]: call a canary back, or return to the version before, or to VERSION
  status    versions, traffic, migrations, alarm and drift
  outputs   what the units of the stack answer, or one of it: ENV [UNIT.NAME]
  destroy   delete everything; asks for the environment's name
  request   check the event a workflow was started with, for its other jobs
  dispatch  [--ref main] [--lambda-only] [--version N] deploy|migrate|rollback ENV: ask GitHub to run a workflow

--infra-dir names another infrastructure directory than infra.

dispatch needs GITHUB_REPOSITORY, owner/name, and GITHUB_TOKEN (or GH_TOKEN), a token that may write its contents;
GITHUB_API_URL is for GitHub Enterprise. Another repository sends the same with curl:

  curl --fail-with-body -X POST "https://api.github.com/repos/$GITHUB_REPOSITORY/dispatches" \
    -H "Accept: application/vnd.github+json" -H "Authorization: Bearer $GITHUB_TOKEN" \
    -d '{"event_type":"deploy","client_payload":{"environment":"dev","ref":"main","lambda_only":false}}'
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := program{getenv: os.Getenv, in: os.Stdin, out: os.Stdout}.run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// program is the process around the commands; tests make others.
type program struct {
	getenv func(string) string
	in     io.Reader
	out    io.Writer
}

func (p program) run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, []string) error{
		"plan": p.plan, "deploy": p.deploy, "migrate": p.migrate, "rollback": p.rollback, "status": p.status,
		"outputs": p.outputs, "destroy": p.destroy, "request": p.request, "dispatch": p.dispatch,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New(strings.TrimSpace(help))
	}
	if err := commands[args[0]](ctx, args[1:]); !errors.Is(err, flag.ErrHelp) {
		return err
	}
	return nil
}

// flags are those of one command. Every command knows --infra-dir.
func (p program) flags(name string) (*flag.FlagSet, *string) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(p.out)
	flags.Usage = func() { fmt.Fprint(p.out, help) }
	return flags, flags.String("infra-dir", "infra", "infrastructure directory")
}

// parse reads flags and then from least to most arguments.
func parse(flags *flag.FlagSet, args []string, least, most int) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < least || flags.NArg() > most {
		return errors.New(strings.TrimSpace(help))
	}
	return nil
}
