// Command lint runs gofmt, go vet and golangci-lint over the repository. It builds the linter from
// the module proxy on first use, into a folder that git ignores.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// version of golangci-lint; .golangci.yaml is written for it.
const version = "v2.15.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("gofmt, go vet and golangci-lint find nothing.")
}

func run(ctx context.Context) error {
	unformatted, err := exec.CommandContext(ctx, "gofmt", "-l", "app", "test", "infra", "sqitch", "magefile.go").Output()
	if err != nil {
		return fmt.Errorf("gofmt: %w", err)
	}
	if names := strings.Fields(string(unformatted)); len(names) > 0 {
		return fmt.Errorf("not gofmt-ed: %s; run gofmt -w on them", strings.Join(names, ", "))
	}
	if err := foreground(ctx, nil, "go", "vet", "./..."); err != nil {
		return errors.Join(errors.New("go vet found faults"), err)
	}
	linter, err := build(ctx)
	if err != nil {
		return err
	}
	if err := foreground(ctx, nil, linter, "run", "./..."); err != nil {
		return errors.Join(errors.New("golangci-lint found faults"), err)
	}
	return nil
}

// build returns the linter's path; the version is part of its folder so that a new one is built anew.
func build(ctx context.Context) (string, error) {
	dir, err := filepath.Abs(filepath.Join(".rifaapp", "tools", "golangci-lint-"+version))
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "golangci-lint")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Println("· building golangci-lint " + version + " (once, about two minutes)")
	env := append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if err := foreground(ctx, env, "go", "install", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@"+version); err != nil {
		return "", fmt.Errorf("build golangci-lint: %w", err)
	}
	return path, nil
}

func foreground(ctx context.Context, env []string, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Env = env
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
