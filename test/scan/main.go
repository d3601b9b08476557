// Command scan looks for security faults in the Terraform modules (tfsec), for secrets in every commit (gitleaks) and
// for known weaknesses in what our code calls (govulncheck). It builds the scanners from the module proxy on first use.
// What one of them finds fails it, after all have looked.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/rifaapp/rifaapp/infra/tools"
)

var (
	gitleaks    = tools.Program{Name: "gitleaks", Version: "v8.30.1", Package: "github.com/zricethezav/gitleaks/v8", Patience: "about half a minute"}
	govulncheck = tools.Program{Name: "govulncheck", Version: "v1.9.0", Package: "golang.org/x/vuln/cmd/govulncheck", Patience: "some seconds"}
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := errors.Join(modules(ctx), secrets(ctx), weaknesses(ctx))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// modules scans the Terraform modules. HIGH and CRITICAL findings count.
func modules(ctx context.Context) error {
	tfsec, err := built(ctx, tools.Tfsec)
	if err != nil {
		return err
	}
	fmt.Println("· tfsec over infra/modules")
	if err := foreground(ctx, tfsec, "infra/modules", "--minimum-severity", "HIGH", "--no-color", "--concise-output"); err != nil {
		return fmt.Errorf("tfsec: %w; mend what it found, or write tfsec:ignore:<rule> above the block with the reason", err)
	}
	return nil
}

// secrets scans every commit that is here: all of them, unless the clone is shallow.
func secrets(ctx context.Context) error {
	scanner, err := built(ctx, gitleaks)
	if err != nil {
		return err
	}
	fmt.Println("· gitleaks over every commit")
	if err := foreground(ctx, scanner, "git", ".", "--config", ".gitleaks.toml", "--redact", "--no-banner", "--no-color", "--verbose"); err != nil {
		return fmt.Errorf("gitleaks: %w; a secret that was committed is known: replace it where it is used. A value of a test gets an entry in .gitleaks.toml with the reason", err)
	}
	return nil
}

func built(ctx context.Context, program tools.Program) (path string, err error) {
	return program.Path(ctx, filepath.Join(".rifaapp", "tools"), os.Stdout)
}

func foreground(ctx context.Context, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
