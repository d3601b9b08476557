package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
	"github.com/rifaapp/rifaapp/infra/deploy/environment"
)

// request checks what a workflow was asked for and hands it to the workflow's other jobs. PAYLOAD is the event's
// client_payload or inputs; a push asks for its commit to be deployed to dev.
func (p program) request(_ context.Context, args []string) error {
	flags, infraDir := p.flags("request")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	event, err := p.event(flags.Arg(0))
	if err != nil {
		return err
	}
	e, err := environment.Load(*infraDir, event.Environment)
	if err != nil {
		return err
	}
	if e.Production && event.Type != "rollback" {
		full, ok := dispatch.Released(event.Ref)
		if !ok {
			return fmt.Errorf("%s takes main and the tags of releases, such as v2.0.0, not %q", e.Name, event.Ref)
		}
		event.Ref = full
	}
	text := fmt.Sprintf("environment=%s\nref=%s\nlambda_only=%t\nversion=%s\n", event.Environment, event.Ref, event.LambdaOnly, event.Version)
	fmt.Fprint(p.out, text)
	return p.hand(text)
}

func (p program) event(eventType string) (dispatch.Event, error) {
	if p.getenv("GITHUB_EVENT_NAME") == "push" && eventType == "deploy" {
		return dispatch.Event{Type: eventType, Environment: "dev", Ref: p.getenv("GITHUB_SHA")}, nil
	}
	return dispatch.Read(eventType, p.getenv("PAYLOAD"))
}

// hand adds lines to the job's outputs.
func (p program) hand(lines string) error {
	path := p.getenv("GITHUB_OUTPUT")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(file, lines); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
