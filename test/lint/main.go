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

	"github.com/rifaapp/rifaapp/infra/tools"
)

var (
	// .golangci.yaml is written for this version.
	golangci   = tools.Program{Name: "golangci-lint", Version: "v2.15.0", Package: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", Patience: "about two minutes"}
	actionlint = tools.Program{Name: "actionlint", Version: "v1.7.12", Package: "github.com/rhysd/actionlint/cmd/actionlint", Patience: "some seconds"}
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
	if err := foreground(ctx, "go", "vet", "./..."); err != nil {
		return errors.Join(errors.New("go vet found faults"), err)
	}
	if err := lint(ctx, golangci, "run", "./..."); err != nil {
		return err
	}
	// Only its own rules: whether shellcheck and pyflakes are installed must not change what is found.
	return lint(ctx, actionlint, "-shellcheck=", "-pyflakes=")
}

func lint(ctx context.Context, linter tools.Program, args ...string) error {
	path, err := linter.Path(ctx, filepath.Join(".rifaapp", "tools"), os.Stdout)
	if err != nil {
		return err
	}
	if err := foreground(ctx, path, args...); err != nil {
		return errors.Join(errors.New(linter.Name+" found faults"), err)
	}
	return nil
}

func foreground(ctx context.Context, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
