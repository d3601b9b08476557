// Command lint runs gofmt, go vet, golangci-lint and, over the workflows, actionlint. It builds the
// linters from the module proxy on first use, into a folder that git ignores.
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

// linter is a program that is built from the module proxy.
type linter struct{ name, version, pkg, patience string }

var (
	// .golangci.yaml is written for this version.
	golangci   = linter{"golangci-lint", "v2.15.0", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "about two minutes"}
	actionlint = linter{"actionlint", "v1.7.12", "github.com/rhysd/actionlint/cmd/actionlint", "some seconds"}
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("gofmt, go vet, golangci-lint and actionlint find nothing.")
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
	if err := golangci.run(ctx, "run", "./..."); err != nil {
		return err
	}
	// Only its own rules: whether shellcheck and pyflakes are installed must not change what is found.
	return actionlint.run(ctx, "-shellcheck=", "-pyflakes=")
}

func (l linter) run(ctx context.Context, args ...string) error {
	path, err := l.build(ctx)
	if err != nil {
		return err
	}
	if err := foreground(ctx, nil, path, args...); err != nil {
		return errors.Join(errors.New(l.name+" found faults"), err)
	}
	return nil
}

// build returns the linter's path; the version is part of its folder so that a new one is built anew.
func (l linter) build(ctx context.Context) (string, error) {
	dir, err := filepath.Abs(filepath.Join(".rifaapp", "tools", l.name+"-"+l.version))
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, l.name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Printf("· building %s %s (once, %s)\n", l.name, l.version, l.patience)
	env := append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if err := foreground(ctx, env, "go", "install", l.pkg+"@"+l.version); err != nil {
		return "", fmt.Errorf("build %s: %w", l.name, err)
	}
	return path, nil
}

func foreground(ctx context.Context, env []string, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Env = env
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
