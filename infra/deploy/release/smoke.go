package release

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Smoke tries a version before anybody else gets an answer from it, past the gateway.
type Smoke struct {
	Client   *lambda.Client
	Function string
	Version  string // or an alias
}

// Build is what a version says of itself.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	BuildTime string `json:"build_time"`
}

// Test asks the version who it is, whether its database is there and migrated, and for a page of the read model. commit
// is what it must have been built from.
func (s Smoke) Test(ctx context.Context, commit string) error {
	build, err := s.Build(ctx)
	if err != nil {
		return err
	}
	if build.Commit != commit {
		return fmt.Errorf("version %s was built from commit %s, not from %s", s.Version, build.Commit, commit)
	}
	for _, path := range []string{"/rifaapp/health", "/rifaapp/ready", "/rifaapp/v2/raffles"} {
		if _, err := s.get(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// Build asks the version what it was built from.
func (s Smoke) Build(ctx context.Context) (Build, error) {
	body, err := s.get(ctx, "/rifaapp/version")
	if err != nil {
		return Build{}, err
	}
	var build Build
	if err := json.Unmarshal(body, &build); err != nil {
		return Build{}, fmt.Errorf("version %s answers GET /rifaapp/version with something else than JSON: %w", s.Version, err)
	}
	return build, nil
}

// Ready asks whether the database answers and is migrated. The error says in the API's words what is missing.
func (s Smoke) Ready(ctx context.Context) error {
	_, err := s.get(ctx, "/rifaapp/ready")
	return err
}

// A database that is paused needs some seconds to wake, now and then a minute.
const (
	waking    = 90 * time.Second
	wakeEvery = 2 * time.Second
)

// Wake asks until the database can be reached, migrated or not. When it stays out of reach whoever needs it will say so.
func (s Smoke) Wake(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, waking)
	defer cancel()
	for {
		p, answered := errors.AsType[problem](s.Ready(ctx))
		if !answered || p.Code != "database_unavailable" {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wakeEvery):
		}
	}
}

// get sends a version what API Gateway would send it for a GET, and returns the body of a 200.
func (s Smoke) get(ctx context.Context, path string) ([]byte, error) {
	event, err := json.Marshal(request(path))
	if err != nil {
		return nil, err
	}
	answer, err := invoke(ctx, s.Client, &lambda.InvokeInput{FunctionName: &s.Function, Qualifier: &s.Version, Payload: event})
	if err != nil {
		return nil, fmt.Errorf("calling version %s: %w", s.Version, err)
	}
	if answer.FunctionError != nil {
		return nil, fmt.Errorf("version %s failed on GET %s: %s", s.Version, path, words(answer.Payload, *answer.FunctionError))
	}
	var response struct {
		StatusCode      int
		Body            string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(answer.Payload, &response); err != nil {
		return nil, fmt.Errorf("version %s answers GET %s with something else than a response of the gateway: %w", s.Version, path, err)
	}
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(response.Body); err != nil {
			return nil, fmt.Errorf("version %s answers GET %s with bad base64: %w", s.Version, path, err)
		}
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("version %s answers GET %s with %d: %w", s.Version, path, response.StatusCode, problemOf(body))
	}
	return body, nil
}

// problem is what the API answers when it cannot do what it is asked.
type problem struct{ Code, Detail string }

func (p problem) Error() string { return p.Detail }

// problemOf reads a problem, or takes the beginning of whatever came instead.
func problemOf(body []byte) problem {
	var p problem
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		p = problem{Detail: string(bytes.TrimSpace(body[:min(len(body), 200)]))}
	}
	return p
}

// Address asks a public address which commit answers there; it must be commit.
func Address(ctx context.Context, url, commit string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/rifaapp/version", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the public address does not answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answers %d: %w", request.URL, answer.StatusCode, problemOf(body))
	}
	var build Build
	if err := json.Unmarshal(body, &build); err != nil || build.Commit != commit {
		return fmt.Errorf("GET %s answers commit %q, not %s", request.URL, build.Commit, commit)
	}
	return nil
}

// request is an event of an HTTP API, payload version 2.0.
func request(path string) map[string]any {
	now := time.Now().UTC()
	return map[string]any{
		"version": "2.0", "routeKey": "GET " + path, "rawPath": path, "rawQueryString": "",
		"headers": map[string]string{"accept": "application/json", "host": "smoke-test"},
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": "smoke-test", "domainName": "smoke-test", "domainPrefix": "smoke-test",
			"http":      map[string]string{"method": http.MethodGet, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "mage deploy"},
			"requestId": fmt.Sprintf("smoke-%d", now.UnixNano()), "routeKey": "GET " + path, "stage": "$default",
			"time": now.Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": now.UnixMilli(),
		},
		"isBase64Encoded": false,
	}
}
