// Package dispatch asks GitHub to run a workflow, with the repository_dispatch event that another repository would send.
package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Event is what a workflow receives: its type and, as client_payload, the rest.
type Event struct {
	Type        string // deploy, migrate or rollback
	Environment string
	Ref         string // branch, tag or commit; only deploy and migrate
	LambdaOnly  bool   // only deploy
	Version     string // of the function, a whole number, empty for the one before; only rollback
}

// Target is where the event goes and as whom.
type Target struct {
	API        string // such as https://api.github.com
	Repository string // owner/name
	Token      string // may write contents of Repository; appears in no message
}

var (
	repository = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	ref        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
	version    = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
)

// FromEnv reads GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN (or GH_TOKEN). Everything missing is named at once.
func FromEnv(getenv func(string) string) (Target, error) {
	t := Target{API: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY"), Token: getenv("GITHUB_TOKEN")}
	if t.API == "" {
		t.API = "https://api.github.com"
	}
	if t.Token == "" {
		t.Token = getenv("GH_TOKEN")
	}
	var faults []error
	if !repository.MatchString(t.Repository) {
		faults = append(faults, errors.New("set GITHUB_REPOSITORY to owner/name"))
	}
	if t.Token == "" {
		faults = append(faults, errors.New("set GITHUB_TOKEN to a token that may write the repository's contents"))
	}
	return t, errors.Join(faults...)
}

// payload is client_payload. The workflows accept these members and no others.
func (e Event) payload() (map[string]any, error) {
	payload := map[string]any{"environment": e.Environment}
	switch e.Type {
	case "deploy", "migrate":
		if !ref.MatchString(e.Ref) || strings.Contains(e.Ref, "..") {
			return nil, fmt.Errorf("ref %q is not the name of a branch, tag or commit", e.Ref)
		}
		payload["ref"] = e.Ref
	case "rollback":
		if e.Version != "" && !version.MatchString(e.Version) {
			return nil, fmt.Errorf("version %q is not the number of a version", e.Version)
		}
		payload["version"] = e.Version
	default:
		return nil, fmt.Errorf("%q cannot be dispatched; known: deploy, migrate, rollback", e.Type)
	}
	if e.Type == "deploy" {
		payload["lambda_only"] = e.LambdaOnly
	}
	return payload, nil
}

// Send sends the event. GitHub answers before the workflow starts, so success means accepted, not deployed.
func Send(ctx context.Context, t Target, e Event) error {
	payload, err := e.payload()
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"event_type": e.Type, "client_payload": payload})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := t.Do(ctx, http.MethodPost, "/dispatches", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("GitHub cannot be reached, nothing was dispatched: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	return refused(t, answer)
}

// Do calls GitHub about the repository: path follows /repos/owner/name.
func (t Target) Do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(t.API, "/")+"/repos/"+t.Repository+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("Authorization", "Bearer "+t.Token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	return http.DefaultClient.Do(request)
}

func refused(t Target, answer *http.Response) error {
	var said struct{ Message string }
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	_ = json.Unmarshal(text, &said)
	hint := "nothing was dispatched"
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		hint += "; the token is wrong or has expired: set GITHUB_TOKEN anew"
	case http.StatusForbidden, http.StatusNotFound:
		hint += "; the token must be allowed to write the contents of " + t.Repository
	}
	return fmt.Errorf("GitHub answered %d %s; %s", answer.StatusCode, strings.ReplaceAll(said.Message, t.Token, "***"), hint)
}
