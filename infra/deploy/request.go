package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
	"github.com/rifaapp/rifaapp/infra/deploy/environment"
)

// request checks what a workflow was asked for and hands it to the workflow's other jobs. PAYLOAD is the event's
// client_payload or inputs; "null", as after a push, asks for GITHUB_SHA to be deployed to dev.
func (p program) request(_ context.Context, args []string) error {
	flags, infraDir := p.flags("request")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	event, err := p.event(flags.Arg(0))
	if err != nil {
		return err
	}
	if err := environment.Check(*infraDir, event.Environment); err != nil {
		return err
	}
	e, err := environment.Load(*infraDir, event.Environment)
	if err != nil {
		return err
	}
	if e.Production && event.Type != "rollback" && !dispatch.Released(event.Ref) {
		return fmt.Errorf("%s takes main and the tags of releases, such as v2.0.0, not %q", e.Name, event.Ref)
	}
	text := fmt.Sprintf("environment=%s\nref=%s\nlambda_only=%t\nversion=%s\n", event.Environment, event.Ref, event.LambdaOnly, event.Version)
	fmt.Fprint(p.out, text)
	return p.hand(text)
}

func (p program) event(eventType string) (dispatch.Event, error) {
	payload := p.getenv("PAYLOAD")
	if payload != "null" {
		return dispatch.Read(eventType, payload)
	}
	if p.getenv("GITHUB_EVENT_NAME") != "push" || eventType != "deploy" {
		return dispatch.Event{}, errors.New("there is no payload: PAYLOAD holds the event's client_payload or inputs")
	}
	return dispatch.Event{Type: eventType, Environment: "dev", Ref: p.getenv("GITHUB_SHA")}, nil
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
