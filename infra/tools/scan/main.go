// Command scan looks for security faults in the Terraform modules with tfsec, which it builds on first use. Any HIGH or
// CRITICAL finding fails it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/rifaapp/rifaapp/infra/tools"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	tfsec, err := tools.Tfsec.Path(ctx, ".rifaapp/tools", os.Stdout)
	if err != nil {
		return err
	}
	scan := exec.CommandContext(ctx, tfsec, "infra/modules", "--minimum-severity", "HIGH", "--no-color", "--concise-output")
	scan.Stdout, scan.Stderr = os.Stdout, os.Stderr
	if err := scan.Run(); err != nil {
		return fmt.Errorf("tfsec: %w; mend what it found, or write tfsec:ignore:<rule> above the block with the reason", err)
	}
	return nil
}
