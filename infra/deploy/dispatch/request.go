package dispatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// request is what a workflow was asked for: a client_payload, or the inputs of a manual run.
type request struct {
	Environment string `json:"environment"`
	Ref         string `json:"ref"`
	LambdaOnly  bool   `json:"lambda_only"`
	Version     string `json:"version"`
}

// Read checks a payload from outside: no unknown members, each of the right type and form. Members that the type of
// event does not have must not be there. An empty ref is main.
func Read(eventType, payload string) (Event, error) {
	if strings.TrimSpace(payload) == "" {
		return Event{}, errors.New(`PAYLOAD is empty: it holds what was dispatched, such as {"environment":"dev"}`)
	}
	decoder := json.NewDecoder(strings.NewReader(payload))
	decoder.DisallowUnknownFields()
	var r request
	if err := decoder.Decode(&r); err != nil {
		return Event{}, fmt.Errorf("the payload is not what %s takes: %w", eventType, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Event{}, errors.New("the payload has text after its end")
	}
	if r.LambdaOnly && eventType != "deploy" || r.Version != "" && eventType != "rollback" || r.Ref != "" && eventType == "rollback" {
		return Event{}, fmt.Errorf("the payload has members that %s does not take", eventType)
	}
	if r.Ref == "" {
		r.Ref = "main"
	}
	event := Event{Type: eventType, Environment: r.Environment, Ref: r.Ref, LambdaOnly: r.LambdaOnly, Version: r.Version}
	_, err := event.payload()
	return event, err
}

var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// Released is the full name of a ref that may go to production: the branch main, or the tag of a release. In full,
// because anybody who may push can call a branch v2.0.0. ok is false for everything else.
func Released(ref string) (full string, ok bool) {
	switch {
	case ref == "main":
		return "refs/heads/main", true
	case release.MatchString(ref):
		return "refs/tags/" + ref, true
	}
	return "", false
}
