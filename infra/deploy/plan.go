package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rifaapp/rifaapp/infra/deploy/comment"
	"github.com/rifaapp/rifaapp/infra/deploy/stack"
)

// plan shows what deploying would change outside of the code. Only Terraform's plans are made: no build is needed, and
// functions keep their code, whatever zip lies about.
func (p program) plan(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("plan")
	drift := flags.Bool("drift", false, "fail when anything differs")
	onPullRequest := flags.Bool("comment", false, "write the plan to the pull request that PULL_REQUEST names")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	var where comment.PullRequest
	if *onPullRequest {
		var err error
		if where, err = comment.FromEnv(p.getenv); err != nil {
			return err
		}
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{stack: true})
	if err != nil {
		return err
	}
	var shown bytes.Buffer
	t.stack.Out = io.MultiWriter(p.out, &shown)
	changes, err := t.stack.Preview(ctx)
	if err != nil {
		return fmt.Errorf("%w\n\nState: nothing was changed.\nNext:  mend it, then go tool mage plan %s", err, t.Name)
	}
	fmt.Fprintf(p.out, "\n%s: %s\n", t.Name, changes)
	if *onPullRequest {
		if err := comment.Put(ctx, where, "Plan of "+t.Name, changes.String(), shown.String()); err != nil {
			return err
		}
	}
	if *drift && changes != (stack.Changes{}) {
		return errors.New(t.Name + " is not as the code says: " + changes.String() + "; somebody changed it by hand, or this code is ahead of what was deployed. Deploy it, or bring the change into the code")
	}
	return nil
}
