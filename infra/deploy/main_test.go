package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/infra/build/artifact"
)

// The test binary plays every program of these tests: by the name of the link it is started through it is a fake go,
// terraform or terragrunt, and with underTest set it is the command itself.
const underTest = "RIFAAPP_DEPLOY_UNDER_TEST"

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "go":
		exit(fakeGo(os.Args[1:]))
	case "terraform":
		fmt.Println(`{"terraform_version": "` + os.Getenv("FAKE_TERRAFORM_VERSION") + `"}`)
		os.Exit(0)
	case "terragrunt":
		exit(fakeTerragrunt(os.Args[1:]))
	}
	if os.Getenv(underTest) != "" {
		main()
		os.Exit(0)
	}
	status := 1
	if err := makeTemplate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		status = m.Run()
	}
	_ = os.RemoveAll(template)
	os.Exit(status)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// fakeGo writes a program where `go build -o` would.
func fakeGo(args []string) error {
	for i, arg := range args {
		if arg == "-o" {
			return os.WriteFile(args[i+1], []byte("a program"), 0o755)
		}
	}
	return errors.New("FAKE: " + strings.Join(args, " "))
}

// fakeTerragrunt notes what it is asked for in the fake AWS's journal and says what the real one would. The command
// that FAKE_FAILS names says FAKE_SAYS and fails.
func fakeTerragrunt(args []string) error {
	command := args[0]
	switch command {
	case "--version":
		fmt.Println("terragrunt version v1.0.0")
		return nil
	case "run":
		command = args[5] // after run --all --non-interactive --no-color --
	}
	if dir, err := os.Getwd(); err != nil || filepath.Base(filepath.Dir(dir)) != "envs" {
		return fmt.Errorf("FAKE: started in %s", dir)
	}
	entry := "terragrunt " + command
	if slices.Contains(args, "-lock=false") {
		entry += " without a lock"
	}
	if _, err := http.Post(os.Getenv("AWS_ENDPOINT_URL")+"/journal", "text/plain", strings.NewReader(entry)); err != nil {
		return err
	}
	if command == os.Getenv("FAKE_FAILS") {
		return errors.New(os.Getenv("FAKE_SAYS"))
	}
	switch command {
	case "plan":
		fmt.Println("STDOUT [api] terraform: " + os.Getenv("FAKE_PLAN"))
		fmt.Println("STDOUT [gateway] terraform: No changes. Your infrastructure matches the configuration.")
	case "stack":
		outputs := strings.Replace(fakeOutputs, "GATEWAY", os.Getenv("FAKE_GATEWAY"), 1)
		fmt.Println(strings.ReplaceAll(outputs, "URL", os.Getenv("AWS_ENDPOINT_URL")))
	}
	return nil
}

const fakeOutputs = `{"rifaapp": {
	"database": {"engine": "aurora", "server_arn": "arn:server", "master_secret_arn": "arn:master", "database_name": "rifaapp", "port": 5432},
	"migrator": {"function_name": "rifaapp-dev-migrator", "secret_arns": {"JWT_KEYS": "arn:migrator-jwt-keys"}},
	"api": {"function_name": "rifaapp-dev-api", "secret_arns": {"JWT_KEYS": "arn:api-jwt-keys"}},
	"gateway": {"base_url": "URL", GATEWAY, "routes": {"GET /rifaapp/": "NONE"}}
}}`

// What else the gateway answers: without a domain, with one whose record is made elsewhere, and with the domain the only
// address.
var (
	noDomain     = `"execute_api_url": "URL", "domain_target": null, "domain_target_zone_id": null`
	domain       = `"execute_api_url": "URL/execute-api", "domain_target": "d-x.example", "domain_target_zone_id": "Z0X"`
	closedDomain = strings.Replace(domain, `"URL/execute-api"`, "null", 1)
)

// world is a checkout, its environments, an AWS account and a place for programs.
type world struct {
	*fakeAWS
	checkout string
	bin      string
	env      map[string]string
}

const values = `stack "rifaapp" {
  values = {
    environment = "ENV"
    account_id  = "123456789012" # ours
    region      = "us-east-1"
    production  = PRODUCTION
  }
}
`

// template is a checkout with a commit; every test works on a copy.
var template string

func makeTemplate() error {
	var err error
	if template, err = os.MkdirTemp("", "rifaapp-deploy-"); err != nil {
		return err
	}
	faults := []error{
		write(template, ".gitignore", "/dist/\n/.rifaapp/\n"),
		write(template, "infra/modules/database/roles.sql", "DO $roles$ BEGIN END $roles$;\n"),
	}
	for env, production := range map[string]string{"dev": "false", "prod": "true"} {
		faults = append(faults, write(template, "infra/envs/"+env+"/terragrunt.stack.hcl", strings.NewReplacer("ENV", env, "PRODUCTION", production).Replace(values)))
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "."},
		{"-c", "user.name=RifaApp", "-c", "user.email=dev@rifaapp.example", "commit", "--quiet", "-m", "Begin"},
	} {
		_, err := artifact.Git(context.Background(), template, args...)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func write(dir, name, text string) error {
	path := filepath.Join(dir, name)
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{checkout: filepath.Join(t.TempDir(), "rifaapp"), bin: t.TempDir()}
	if err := os.CopyFS(w.checkout, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]string{"go": self, "terraform": self, "terragrunt": self, "git": git} {
		if err := os.Symlink(program, filepath.Join(w.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	head, err := artifact.Git(t.Context(), w.checkout, "rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	w.fakeAWS = newFakeAWS(t, head)
	w.env = map[string]string{
		underTest: "1", "PATH": w.bin, "HOME": w.bin, "AWS_ENDPOINT_URL": w.url, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "AKIAFAKE", "AWS_SECRET_ACCESS_KEY": "fake", "FAKE_TERRAFORM_VERSION": "1.11.4", "FAKE_PLAN": "No changes.",
		"FAKE_GATEWAY": noDomain,
	}
	return w
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := write(w.checkout, name, text); err != nil {
		t.Fatal(err)
	}
}

// run starts the command in the checkout and returns what it said.
func (w *world) run(t *testing.T, stdin string, args ...string) (said string, ok bool) {
	t.Helper()
	command, out := w.command(t, args...)
	command.Stdin = strings.NewReader(stdin)
	err := command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), err == nil
}

func (w *world) command(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, args...)
	command.Dir = w.checkout
	for name, value := range w.env {
		command.Env = append(command.Env, name+"="+value)
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	return command, &out
}

// contains fails the test for every part that is missing.
func contains(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in:\n%s", part, said)
		}
	}
}
