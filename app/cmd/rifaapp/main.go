// Command rifaapp is the whole product in one binary. On Lambda it serves events; elsewhere it is
// `rifaapp serve | migrate | projections | people | keys | verify-draw | version`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
	_ "time/tzdata" // a Lambda has no zones, which lotteries are in

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/lambda"
	"github.com/rifaapp/rifaapp/app/prompt"
	"github.com/rifaapp/rifaapp/app/scheduling"
)

// started is as near to the start of the process as Go code gets.
var started = time.Now()

const usage = `RifaApp sells numbers of raffles.

Usage: rifaapp COMMAND [ARGUMENTS]

  serve          answer HTTP requests (the default); --addr 127.0.0.1:8000, or PORT
  migrate        deploy, revert or inspect the database's migrations; see migrate --help
  projections    check | rebuild: compare the read model with its definition, or make it anew
  people         erase: remove what is known of a person; sales and draws stay
  keys           new | rotate: the keys that sign access tokens, for JWT_KEYS
  verify-draw    check the proof of a draw on this machine, without a network
  version        print version, commit and build time

The database is found by DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD.
No database at hand? "go tool mage dev" in the repository starts everything.
`

func main() {
	if name, _ := asked(os.Args[1:]); name == "serve" && os.Getenv(lambda.RuntimeAPI) == "" {
		_ = scheduling.BesideDatabase() // refused, it costs speed and nothing else
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills, whatever the first one waits for
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	var exit exitError
	if errors.As(err, &exit) {
		os.Exit(int(exit))
	}
	fmt.Fprintln(os.Stderr, "rifaapp:", err)
	os.Exit(1)
}

// exitError ends the process with a status after everything worth saying was said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is the program, without the process around it: tests call it too.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 && getenv(lambda.RuntimeAPI) != "" {
		return serveEvents(ctx, getenv, stderr)
	}
	name, args := asked(args)
	switch name {
	case "serve":
		return serve(ctx, args, getenv, stderr)
	case "migrate":
		return migrateCommand(ctx, args, getenv, stdin, stdout, stderr)
	case "projections":
		return projections(ctx, args, getenv, stdout, stderr)
	case "people":
		return people(ctx, args, getenv, stdin, stdout, stderr)
	case "keys":
		return keys(ctx, args, stdin, stdout, stderr)
	case "verify-draw":
		if code := draw.Command(ctx, args, prompt.Reader(ctx, stdin), stdout, stderr); code != 0 {
			return exitError(code)
		}
		return nil
	case "version", "--version":
		fmt.Fprintln(stdout, build())
		return nil
	case "help", "--help", "-h":
		_, err := io.WriteString(stdout, usage)
		return err
	}
	fmt.Fprintf(stderr, "rifaapp: there is no command %q\n\n%s", name, usage)
	return exitError(2)
}

// explain prints how a command is used: to whoever asks for help, or else called it wrongly, which is exit status 2
// and nothing on the standard output, where something else was wanted.
func explain(usage string, args []string, stdout, stderr io.Writer) error {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		_, err := io.WriteString(stdout, usage)
		return err
	}
	fmt.Fprint(stderr, usage)
	return exitError(2)
}

// asked is the command that the arguments ask for, which unless said is serve, and its own arguments.
func asked(args []string) (name string, rest []string) {
	if len(args) == 0 || args[0] != "" && args[0][0] == '-' && !slices.Contains([]string{"--help", "-h", "--version"}, args[0]) {
		return "serve", args
	}
	return args[0], args[1:]
}
