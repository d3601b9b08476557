package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/rifaapp/rifaapp/infra/build/artifact"
	"github.com/rifaapp/rifaapp/infra/deploy/account"
	"github.com/rifaapp/rifaapp/infra/deploy/environment"
	"github.com/rifaapp/rifaapp/infra/deploy/release"
	"github.com/rifaapp/rifaapp/infra/deploy/stack"
	"github.com/rifaapp/rifaapp/infra/tools"
)

// target is one environment with all that work on it needs, found and checked before any work starts.
type target struct {
	environment.Environment
	infraDir string // absolute
	checkout string // top of the Git checkout that is deployed
	session  aws.Config
	lambda   *lambda.Client
	stack    stack.Stack
}

// needs say what a command works with, besides the right AWS account.
type needs struct {
	stack     bool // Terraform and Terragrunt
	toolchain bool // Go, and a checkout that may be deployed there
}

// open finds everything or names everything that is missing, in one error.
func (p program) open(ctx context.Context, infraDir, name string, n needs) (*target, error) {
	e, err := environment.Load(infraDir, name)
	if err != nil {
		return nil, err
	}
	t := &target{Environment: e, infraDir: filepath.Dir(filepath.Dir(e.Dir))}
	var faults []error
	if t.checkout, err = artifact.Git(ctx, "", "rev-parse", "--show-toplevel"); err != nil {
		faults = append(faults, fmt.Errorf("run this in RifaApp's Git checkout: %w", err))
	} else if n.toolchain {
		faults = append(faults, t.deployable(ctx), installed("go", "https://go.dev/dl"))
	}
	if t.session, err = account.Open(ctx, e); err != nil {
		faults = append(faults, err)
	}
	if n.stack {
		faults = append(faults, terraform(ctx))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("nothing was started:\n%w", err)
	}
	if n.stack {
		program, err := tools.Terragrunt(ctx, t.toolsDir(), p.out)
		if err != nil {
			return nil, fmt.Errorf("nothing was started:\n%w", err)
		}
		t.stack = stack.Stack{Terragrunt: program, Dir: e.Dir, Out: p.out}
	}
	t.lambda = lambda.NewFromConfig(t.session)
	return t, nil
}

// deployable refuses changes that are not committed where only what is committed may go.
func (t *target) deployable(ctx context.Context) error {
	if !t.Production {
		return nil
	}
	for _, dir := range []string{t.checkout, t.infraDir} {
		changes, err := artifact.Git(ctx, dir, "status", "--porcelain")
		if err != nil {
			return err
		}
		if changes != "" {
			first, _, _ := strings.Cut(changes, "\n")
			return fmt.Errorf("%s has changes that are not committed (%s …): only commits go to %s; commit or undo them", dir, strings.TrimSpace(first), t.Name)
		}
	}
	return nil
}

func installed(program, from string) error {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%s is not in PATH: install it, %s", program, from)
	}
	return nil
}

// terraform refuses a version before 1.11, the first that locks state in S3 itself.
func terraform(ctx context.Context) error {
	const from = "https://developer.hashicorp.com/terraform/install"
	if err := installed("terraform", from); err != nil {
		return err
	}
	said, err := exec.CommandContext(ctx, "terraform", "version", "-json").Output()
	if err != nil {
		return fmt.Errorf("terraform does not run: %w; install it again, %s", err, from)
	}
	var version struct {
		Number string `json:"terraform_version"`
	}
	if err := json.Unmarshal(said, &version); err != nil {
		return fmt.Errorf("terraform does not say its version: %w", err)
	}
	major, rest, _ := strings.Cut(version.Number, ".")
	minor, _, _ := strings.Cut(rest, ".")
	if n, _ := strconv.Atoi(minor); major == "1" && n < 11 || major == "0" {
		return fmt.Errorf("terraform %s is too old: install 1.11 or later, %s", version.Number, from)
	}
	return nil
}

// function is the name of one of the environment's functions, api or migrator: every name there begins alike.
func (t *target) function(unit string) string { return "rifaapp-" + t.Name + "-" + unit }

// alias is what is served of a function.
func (t *target) alias(unit string) release.Alias {
	return release.Alias{Client: t.lambda, Function: t.function(unit), Name: "live"}
}

// smoke calls a version, or an alias, of the api function.
func (t *target) smoke(version string) release.Smoke {
	return release.Smoke{Client: t.lambda, Function: t.function("api"), Version: version}
}

// canary is watched by the alarm of that name.
func (t *target) canary() release.Canary {
	return release.Canary{Client: cloudwatch.NewFromConfig(t.session), Alarm: "rifaapp-" + t.Name + "-canary"}
}

// toolsDir is where programs built from the module proxy are kept; git ignores it.
func (t *target) toolsDir() string { return filepath.Join(t.checkout, ".rifaapp", "tools") }

// logFile takes what Terragrunt says during a deployment; git ignores it.
func (t *target) logFile() (*os.File, error) {
	path := filepath.Join(t.checkout, ".rifaapp", "deploy-"+t.Name+".log")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}
