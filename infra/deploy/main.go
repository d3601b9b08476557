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

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
	"github.com/rifaapp/rifaapp/infra/deploy/environment"
)

const help = `deploy dispatch [--ref main] [--lambda-only] [--version N] [--infra-dir infra] deploy|migrate|rollback ENV

Asks GitHub to run a workflow. GITHUB_REPOSITORY is owner/name, GITHUB_TOKEN (or GH_TOKEN) a token that may write its
contents; GITHUB_API_URL is for GitHub Enterprise. Another repository sends the same with curl:

  curl --fail-with-body -X POST "https://api.github.com/repos/$GITHUB_REPOSITORY/dispatches" \
    -H "Accept: application/vnd.github+json" -H "Authorization: Bearer $GITHUB_TOKEN" \
    -d '{"event_type":"deploy","client_payload":{"environment":"dev","ref":"main","lambda_only":false}}'
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 || args[0] != "dispatch" {
		return errors.New(strings.TrimSpace(help))
	}
	flags := flag.NewFlagSet("dispatch", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { fmt.Fprint(out, help) }
	var event dispatch.Event
	flags.StringVar(&event.Ref, "ref", "main", "branch, tag or commit")
	flags.BoolVar(&event.LambdaOnly, "lambda-only", false, "new code, nothing else")
	flags.StringVar(&event.Version, "version", "", "version to go back to")
	infraDir := flags.String("infra-dir", "infra", "infrastructure directory")
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New(strings.TrimSpace(help))
	}
	event.Type, event.Environment = flags.Arg(0), flags.Arg(1)
	target, missing := dispatch.FromEnv(getenv)
	if err := errors.Join(environment.Check(*infraDir, event.Environment), missing); err != nil {
		return err
	}
	if err := dispatch.Send(ctx, target, event); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s of %s was asked of %s; follow it under Actions there\n", event.Type, event.Environment, target.Repository)
	return nil
}
