// Command dev runs the whole product on this machine: a PostgreSQL of its own (or the server that
// DB_HOST names), the migrations, a demo organiser with a raffle, and the API, until Ctrl-C. Data is
// kept in .rifaapp between runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rifaapp/rifaapp/app/devdb"
)

const (
	home         = ".rifaapp" // git ignores it
	database     = "rifaapp"
	firstPort    = 8000
	portsTried   = 100
	readyTimeout = 30 * time.Second
	stopTimeout  = 4 * time.Second
	pollInterval = 20 * time.Millisecond
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE) // a terminal that was closed must not keep us from stopping what we started
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	release, err := claim()
	if err != nil {
		return err
	}
	defer release()
	started := time.Now()
	binary, err := binaryPath()
	if err != nil {
		return err
	}
	progress("building the API")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./app/cmd/rifaapp")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the API (run this at the top of the repository): %w", err)
	}
	built := time.Now()
	stopOrphan(binary)
	db, err := startDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.stop()
	err = serve(ctx, binary, db, func() string {
		return fmt.Sprintf("%.1f s, and %.1f s to build", time.Since(built).Seconds(), built.Sub(started).Seconds())
	})
	if ctx.Err() != nil { // whatever was under way then ended for that reason
		fmt.Println("\nstopping …")
		return nil
	}
	return err
}

// claim keeps a second run out of the folder for as long as this one lasts: it would end the API of this one
// for an orphan.
func claim() (release func(), err error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	lock, err := devdb.Claim(home)
	if errors.Is(err, devdb.ErrInUse) {
		return nil, fmt.Errorf("another mage dev runs in this folder: use it, its addresses are in %s, or stop it first with Ctrl-C%s", envPath, holder())
	}
	if err != nil {
		return nil, fmt.Errorf("use %s: %w", home, err)
	}
	if err := os.WriteFile(holderPath, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return func() {
		_ = os.Remove(holderPath)
		_ = lock.Close()
	}, nil
}

// holder is how to end a run that has no terminal any more.
func holder() string {
	pid, err := os.ReadFile(holderPath)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", or from another terminal with: kill %s", pid)
}

// serve runs the API on the database, with the demo in it, until ctx ends.
func serve(ctx context.Context, binary string, db server, took func() string) error {
	api, err := startAPI(ctx, binary, db.env)
	if err != nil {
		return err
	}
	defer api.stop()
	demo, err := prepareDemo(ctx, api.url)
	if err != nil {
		return err
	}
	if err := demo.writeEnv(db.env); err != nil {
		return err
	}
	defer func() { _ = os.Remove(envPath) }()
	stopped := "the API and the database; the data stays"
	if db.ended == nil {
		stopped = "the API"
	}
	fmt.Printf("\nRifaApp is ready (%s).\n%s\nCtrl-C stops %s.\n\n", took(), demo.describe(api.url), stopped)
	select {
	case <-ctx.Done():
		return nil
	case <-api.exited:
		return fmt.Errorf("the API ended by itself; its log is %s. Nothing that was committed is lost: run this again, which keeps that log as %s", logPath, lastLogPath)
	case <-db.ended:
		return fmt.Errorf("PostgreSQL ended by itself; its log is %s. Nothing that was committed is lost: run this again", db.logPath)
	}
}

func progress(what string) { fmt.Printf("· %s\n", what) }

// server is the PostgreSQL in use. Of one that DB_HOST names nothing is known here.
type server struct {
	env     []string // leads to the database, beside the environment of this process
	logPath string
	ended   <-chan struct{} // nil when it is not ours
	stop    func()
}

func startDatabase(ctx context.Context) (server, error) {
	if host := os.Getenv("DB_HOST"); host != "" {
		progress("using the PostgreSQL on " + host + " (DB_HOST)")
		return server{stop: func() {}}, nil
	}
	progress("starting PostgreSQL")
	started, stop, err := devdb.Open(ctx, filepath.Join(home, "postgres"), database)
	if err != nil {
		return server{}, err
	}
	progress(fmt.Sprintf("PostgreSQL answers on port %d, its data is in %s", started.Port, started.Dir()))
	return server{env: started.Env(database), logPath: started.LogPath(), ended: started.Ended(), stop: stop}, nil
}

// api is the running child process.
type api struct {
	url     string
	process *exec.Cmd
	exited  chan struct{}
}

var (
	logPath     = filepath.Join(home, "api.log")
	lastLogPath = logPath + ".1"
	pidPath     = filepath.Join(home, "api.pid")
	holderPath  = filepath.Join(home, "dev.pid")
)

// startAPI serves on port 8000, or on PORT, or the next free one, and waits until the database is migrated.
func startAPI(ctx context.Context, binary string, database []string) (*api, error) {
	env, err := environment(database)
	if err != nil {
		return nil, err
	}
	wanted := firstPort
	if text := os.Getenv("PORT"); text != "" {
		if wanted, err = strconv.Atoi(text); err != nil || wanted < 1 || wanted > 65535 {
			return nil, fmt.Errorf("PORT is %q: it must be a port, such as %d", text, firstPort)
		}
	}
	port, err := freePort(wanted)
	if err != nil {
		return nil, err
	}
	if port != wanted {
		fmt.Printf("· port %d is taken, using %d\n", wanted, port)
	}
	if err := os.Rename(logPath, lastLogPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	progress("deploying migrations and starting the API (log: " + logPath + ")")
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	process := exec.Command(binary, "serve", "--addr", address)
	process.Env = env
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("start the API: %w", err)
	}
	a := &api{url: "http://" + address + "/rifaapp", process: process, exited: make(chan struct{})}
	go func() { _ = process.Wait(); close(a.exited) }()
	err = os.WriteFile(pidPath, []byte(strconv.Itoa(process.Process.Pid)), 0o600)
	if err == nil {
		err = a.waitReady(ctx)
	}
	if err != nil {
		a.stop()
		return nil, err
	}
	return a, nil
}

// elsewhere are the variables that lead, or log in, to another database than DB_HOST does.
var elsewhere = []string{"SQITCH_TARGET", "DB_READ_HOST", "DB_IAM_AUTH", "DB_SECRET_ARN", "DB_SSLROOTCERT"}

// environment is what the API is told: ours, what suits development, and the way to the database. A database
// of ours has no use for what the shell says of another, which migrations must not reach.
func environment(database []string) ([]string, error) {
	env := os.Environ()
	if database != nil {
		env = slices.DeleteFunc(env, func(variable string) bool {
			name, _, _ := strings.Cut(variable, "=")
			return slices.Contains(elsewhere, name)
		})
	}
	env = append(env, "AUTO_MIGRATE=true", "CORS_ALLOW_ORIGINS=*", "EXPOSE_ERRORS=true")
	if os.Getenv("JWT_KEYS") == "" {
		keys, err := keepKeys(keysPath)
		if err != nil {
			return nil, err
		}
		env = append(env, "JWT_KEYS="+keys)
	}
	return append(env, database...), nil
}

// binaryPath is where the API is built, in full: no process of another folder is called so.
func binaryPath() (string, error) { return filepath.Abs(filepath.Join(home, "bin", "rifaapp")) }

// stopOrphan ends the API of an earlier run that was killed before it could do so itself.
func stopOrphan(binary string) {
	content, err := os.ReadFile(pidPath)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(string(content))
	if err != nil {
		return
	}
	command, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err == nil && strings.HasPrefix(string(command), binary+" serve") {
		_ = syscall.Kill(pid, syscall.SIGTERM)
		for end := time.Now().Add(stopTimeout); syscall.Kill(pid, 0) == nil && time.Now().Before(end); {
			time.Sleep(pollInterval) // until its port is free
		}
	}
	_ = os.Remove(pidPath)
}

func (a *api) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if status, _, err := call(ctx, "GET", a.url+"/ready", "", nil); err == nil && status == 200 {
			return nil
		}
		select {
		case <-a.exited:
			log, _ := os.ReadFile(logPath)
			return fmt.Errorf("the API ended while starting:\n%s", log)
		case <-ctx.Done():
			return fmt.Errorf("the API was not ready within %s; see %s", readyTimeout, logPath)
		case <-time.After(pollInterval):
		}
	}
}

func (a *api) stop() {
	_ = a.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-a.exited:
	case <-time.After(stopTimeout):
		_ = a.process.Process.Kill()
		<-a.exited
	}
	_ = os.Remove(pidPath)
}

func freePort(from int) (int, error) {
	for port := from; port < min(from+portsTried, 65536); port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free: stop what listens there, or choose another with PORT", from, from+portsTried-1)
}
