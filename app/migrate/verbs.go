package migrate

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/rifaapp/rifaapp/app/prompt"
)

func (c *command) deploy(ctx context.Context) error {
	_, err := c.migrator.Deploy(ctx, c.deployOptions())
	return err
}

func (c *command) deployOptions() DeployOptions {
	verify := c.verify && !c.noVerify
	given := false
	c.flags.Visit(func(f *flag.Flag) { given = given || f.Name == "verify" || f.Name == "no-verify" })
	if !given {
		verify = c.project.conf.isTrue(true, "deploy.verify")
	}
	return DeployOptions{To: c.to, Mode: Mode(c.mode), LogOnly: c.logOnly, NoVerify: !verify}
}

func (c *command) revert(ctx context.Context) error {
	o := RevertOptions{To: c.to, LogOnly: c.logOnly, Confirm: func(question string) (bool, error) { return c.ask(ctx, question) }}
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
func (c *command) ask(ctx context.Context, question string) (bool, error) {
	accept := c.project.conf.isTrue(false, "revert.prompt_accept")
	choice := "[No]"
	if accept {
		choice = "[Yes]"
	}
	in := bufio.NewReader(prompt.Reader(ctx, c.env.Stdin))
	for {
		fmt.Fprintf(c.env.Stdout, "%s %s ", question, choice)
		line, err := in.ReadString('\n')
		answer := strings.ToLower(strings.TrimSpace(line))
		switch {
		case err != nil && err != io.EOF:
			return false, fmt.Errorf("%w: %w", ErrNotConfirmed, err)
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
