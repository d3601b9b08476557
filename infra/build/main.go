// Command build makes the zip that Lambda runs, in dist/ of the current folder, and prints its size.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/rifaapp/rifaapp/infra/build/artifact"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(out)
	var o artifact.Options
	flags.StringVar(&o.Arch, "arch", "arm64", "arm64 or amd64")
	flags.StringVar(&o.Dir, "dir", "dist", "folder of the zip")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	built, err := artifact.Build(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, built)
	return nil
}
