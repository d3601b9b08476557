package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
	"github.com/rifaapp/rifaapp/infra/deploy/environment"
)

// dispatch asks GitHub to run a workflow.
func (p program) dispatch(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("dispatch")
	var event dispatch.Event
	flags.StringVar(&event.Ref, "ref", "main", "branch, tag or commit")
	flags.BoolVar(&event.LambdaOnly, "lambda-only", false, "new code, nothing else")
	flags.StringVar(&event.Version, "version", "", "version to go back to")
	if err := parse(flags, args, 2, 2); err != nil {
		return err
	}
	event.Type, event.Environment = flags.Arg(0), flags.Arg(1)
	target, missing := dispatch.FromEnv(p.getenv)
	if err := errors.Join(environment.Check(*infraDir, event.Environment), missing); err != nil {
		return err
	}
	if err := dispatch.Send(ctx, target, event); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s of %s was asked of %s; follow it under Actions there\n", event.Type, event.Environment, target.Repository)
	return nil
}
