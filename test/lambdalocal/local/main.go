// Command local runs the zip's program on this machine as Lambda would, behind an HTTP front that
// speaks API Gateway's event format, until Ctrl-C. It uses the database that DB_HOST names, or the
// one of `mage dev`, which it starts when it does not run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/devdb"
	"github.com/rifaapp/rifaapp/infra/build/artifact"
	"github.com/rifaapp/rifaapp/test/lambdalocal"
)

const (
	home       = ".rifaapp" // git ignores it
	database   = "rifaapp"
	scheduled  = `{"version":"0","detail-type":"Scheduled Event","source":"aws.events","resources":[],"detail":{}}`
	firstPort  = 8000
	portsTried = 100
	drainTime  = 4 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// trouble says after how many requests something happens to the sleeping function; 0 is never.
type trouble struct {
	kill, cut, silence int64
}

func run(ctx context.Context, args []string) error {
	var t trouble
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.Int64Var(&t.kill, "kill", 0, "kill the sleeping function after each `N` requests")
	flags.Int64Var(&t.cut, "cut", 0, "cut its connections to the database after each `N` requests")
	flags.Int64Var(&t.silence, "silence", 0, "let them go silent, without ending them, after each `N` requests")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("the program in the zip runs on Linux only: use a Linux machine or container, or go tool mage dev")
	}
	progress("building the zip")
	built, err := artifact.Build(ctx, artifact.Options{Arch: runtime.GOARCH})
	if err != nil {
		return err
	}
	fmt.Println(built)
	program, err := artifact.Unpack(built.Path, filepath.Join(home, "bin"))
	if err != nil {
		return err
	}
	env, stopDatabase, err := startDatabase(ctx)
	if err != nil {
		return err
	}
	defer stopDatabase()
	return serve(ctx, program, env, t)
}

// serve answers requests with the function until ctx ends.
func serve(ctx context.Context, program string, env map[string]string, t trouble) error {
	link, err := lambdalocal.NewLink(net.JoinHostPort(env["DB_HOST"], env["DB_PORT"]))
	if err != nil {
		return err
	}
	defer func() { _ = link.Close() }()
	env["DB_HOST"], env["DB_PORT"], _ = net.SplitHostPort(link.Address)
	logPath := filepath.Join(home, "lambda.log")
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	function, err := newFunction(program, env, log)
	if err != nil {
		return err
	}
	defer function.Close()
	progress("deploying migrations, as a task of the function (log: " + logPath + ")")
	answer, err := function.Invoke(ctx, []byte(`{"action":"migrate"}`))
	if err != nil {
		return fmt.Errorf("the function did not migrate: %w; its log is %s", err, logPath)
	}
	fmt.Printf("  %s\n  cold start: %.1f ms until ready\n", answer, float64(function.Starts()[0].Init.Microseconds())/1000)
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nThe function answers at http://%s/rifaapp/ (docs: /rifaapp/docs).\nIt is frozen between requests. Ctrl-C stops it.\n\n", listener.Addr())
	go everyMinute(ctx, function)
	server := &http.Server{Handler: t.after(lambdalocal.Gateway{Function: function}, function, link), ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		_ = server.Shutdown(drain) // what still runs is ended
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newFunction(program string, env map[string]string, log io.Writer) (*lambdalocal.Function, error) {
	keys, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		return nil, err
	}
	o := lambdalocal.Options{Program: program, Log: log, Env: []string{"CORS_ALLOW_ORIGINS=*", "EXPOSE_ERRORS=true", "JWT_KEYS=" + string(keys)}}
	for name, value := range env {
		o.Env = append(o.Env, name+"="+value)
	}
	return lambdalocal.New(o), nil
}

// after makes trouble when a request has been answered, while the function sleeps.
func (t trouble) after(next http.Handler, function *lambdalocal.Function, link *lambdalocal.Link) http.Handler {
	var answered atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		n := answered.Add(1)
		due := func(every int64) bool { return every > 0 && n%every == 0 }
		if due(t.kill) {
			fmt.Printf("· request %d: killed %d sleeping instances\n", n, function.KillIdle())
		}
		if due(t.cut) {
			fmt.Printf("· request %d: cut %d connections to the database\n", n, link.Cut())
		}
		if due(t.silence) {
			fmt.Printf("· request %d: silenced %d connections to the database\n", n, link.Silence())
		}
	})
}

func everyMinute(ctx context.Context, function *lambdalocal.Function) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := function.Invoke(ctx, []byte(scheduled)); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "the schedule:", err)
			}
		}
	}
}

func progress(what string) { fmt.Printf("· %s\n", what) }

// startDatabase returns the variables that lead to the database.
func startDatabase(ctx context.Context) (env map[string]string, stop func(), err error) {
	if host := os.Getenv("DB_HOST"); host != "" {
		progress("using the PostgreSQL on " + host)
		env = map[string]string{"DB_PORT": "5432"}
		for _, name := range []string{"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_SSLMODE"} {
			if value := os.Getenv(name); value != "" {
				env[name] = value
			}
		}
		return env, func() {}, nil
	}
	progress("starting PostgreSQL")
	server, stop, err := devdb.Open(ctx, filepath.Join(home, "postgres"), database)
	if err != nil {
		return nil, nil, err
	}
	env = map[string]string{}
	for _, variable := range server.Env(database) {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return env, stop, nil
}

// listen takes port 8000, or the next free one.
func listen(ctx context.Context) (listener net.Listener, err error) {
	for port := firstPort; port < firstPort+portsTried; port++ {
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return listener, nil
		}
	}
	return nil, fmt.Errorf("no port from %d to %d is free: stop what listens there: %w", firstPort, firstPort+portsTried-1, err)
}
