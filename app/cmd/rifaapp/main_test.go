package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// environment makes getenv of name=value pairs; later ones win.
func environment(pairs ...string) func(string) string {
	values := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

// invoke runs the program to its end and returns its exit status and what it said.
func invoke(t *testing.T, getenv func(string) string, args ...string) (status int, said string) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, getenv, strings.NewReader(""), &out, &out)
	if exit, ok := errors.AsType[exitError](err); ok {
		return int(exit), out.String()
	}
	if err != nil {
		return 1, out.String() + err.Error()
	}
	return 0, out.String()
}

// process is a running `rifaapp serve`.
type process struct {
	t   *testing.T
	url string // up to and including /rifaapp
	end func() error
	log *testserver.Log
}

var listening = regexp.MustCompile(`"msg":"listening","address":"(http://[^"]+/rifaapp)/"`)

const patience = 60 * time.Second

// start serves on a free port until the test ends.
func start(t *testing.T, env ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, ended := &testserver.Log{}, make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--addr", "127.0.0.1:0"}, environment(env...), strings.NewReader(""), log, log)
	}()
	p := &process{t: t, end: func() error { cancel(); return <-ended }, log: log}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if found := listening.FindStringSubmatch(log.String()); found != nil {
			p.url = found[1]
			break
		}
		if time.Now().After(deadline) || len(ended) > 0 {
			t.Fatalf("rifaapp serve does not listen: %v\n%s", p.end(), log)
		}
	}
	t.Cleanup(cancel)
	return p
}

// answer is a status with the members of a JSON object.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (p *process) call(method, path, token string) answer {
	p.t.Helper()
	request, err := http.NewRequest(method, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header}
	_ = json.Unmarshal(data, &a.body) // a list is no object, and no test looks into one
	return a
}

// want stops the test unless the answer has this status and, if it is an error, this code.
func (p *process) want(a answer, status int, code string) {
	p.t.Helper()
	if got, _ := a.body["code"].(string); a.status != status || got != code {
		p.t.Fatalf("got %d %v, want %d %s", a.status, a.body, status, code)
	}
	if status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
		p.t.Fatal("503 without Retry-After")
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	nothing := environment()
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"--help"}, 0, "Usage: rifaapp COMMAND"},
		{[]string{"serve", "--help"}, 0, "-addr"},
		{[]string{"serve", "now"}, 2, `takes no argument "now"`},
		{[]string{"serve", "--port", "80"}, 2, "not defined"},
		{[]string{"sell"}, 2, `there is no command "sell"`},
		{[]string{"version"}, 0, "rifaapp dev"},
		{nil, 1, "DB_HOST is missing"},
		{[]string{"projections"}, 2, "check | rebuild"},
		{[]string{"projections", "--help"}, 0, "check | rebuild"},
		{[]string{"people", "--help"}, 0, "people erase"},
		{[]string{"keys", "-h"}, 0, "keys new | rotate"},
		{[]string{"keys", "new", "--help"}, 0, "keys new | rotate"},
		{[]string{"people", "erase", "-h"}, 0, "people erase"},
		{[]string{"projections", "check"}, 1, "DB_HOST is missing"},
	} {
		if status, said := invoke(t, nothing, c.args...); status != c.status || !strings.Contains(said, c.says) {
			t.Errorf("rifaapp %v: status %d, want %d and %q:\n%s", c.args, status, c.status, c.says, said)
		}
	}
}
