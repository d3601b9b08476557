package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/devdb"
)

const (
	readyTimeout = 60 * time.Second
	stopTimeout  = 15 * time.Second
	// roundTrip is what a network inside one AWS region puts between API and database.
	roundTrip = 650 * time.Microsecond
	database  = "rifaapp"
)

// bench is one run: a PostgreSQL, the API on it, once directly and once through the delay, and the
// databases of the two shapes to compare with.
type bench struct {
	size    sizes
	folder  string
	pg      *devdb.Server
	pgbench string
	delayed int // the port of the delay in front of PostgreSQL
	db      *pgxpool.Pool
	labs    map[string]*lab
	api     *process
	distant *process // the API behind the delay
	one     *process // SELECT 1 over HTTP
	owner   owner
	table   table
	// measured is what infra/scaling reckons with.
	measured measured
	cleanup  []func()
}

// process is a program of ours that serves HTTP.
type process struct {
	address string
	command *exec.Cmd
	log     string       // the file of what it prints
	profile string       // where it serves pprof, when asked to
	ended   func() error // an error once the run was interrupted
}

func (b *bench) stop() {
	for i := len(b.cleanup) - 1; i >= 0; i-- {
		b.cleanup[i]()
	}
}

func (b *bench) later(f func()) { b.cleanup = append(b.cleanup, f) }

// start brings everything up.
func start(ctx context.Context, size sizes) (b *bench, err error) {
	b = &bench{size: size, labs: map[string]*lab{}}
	defer func() {
		if err != nil {
			b.stop()
		}
	}()
	if b.pgbench, err = findPgbench(); err != nil {
		return b, err
	}
	if b.folder, err = os.MkdirTemp("", "rifaapp-bench-"); err != nil {
		return b, err
	}
	b.later(func() { _ = os.RemoveAll(b.folder) })
	progress("starting PostgreSQL")
	if err = b.startPostgres(ctx); err != nil {
		return b, err
	}
	if b.delayed, err = b.delay(ctx, b.pg.Port); err != nil {
		return b, err
	}
	progress("building and starting the API")
	if err = b.startAPIs(ctx); err != nil {
		return b, err
	}
	for _, shape := range []string{best, naive} {
		if b.labs[shape], err = b.newLab(ctx, shape); err != nil {
			return b, fmt.Errorf("the %s shape: %w", shape, err)
		}
	}
	b.owner, err = b.register(ctx)
	return b, err
}

func (b *bench) startPostgres(ctx context.Context) (err error) {
	dir := "" // in memory
	if !b.size.ephemeral {
		dir = filepath.Join(b.folder, "postgres")
	}
	settings := []string{"shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=30min", "max_connections=300"}
	if b.pg, err = devdb.Start(ctx, devdb.Options{Dir: dir, Ephemeral: b.size.ephemeral, Settings: settings}); err != nil {
		return err
	}
	b.later(func() {
		_ = b.pg.Stop(context.WithoutCancel(ctx))
		_ = os.RemoveAll(b.pg.Dir())
	})
	if err := b.execute(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return err
	}
	b.db, err = pgxpool.New(ctx, b.pg.DSN(database))
	if err == nil {
		b.later(b.db.Close)
	}
	return err
}

// postgresPID is the server's own process, as it wrote it down; 0 when it cannot be read.
func (b *bench) postgresPID() int {
	text, _ := os.ReadFile(filepath.Join(b.pg.Dir(), "data", "postmaster.pid"))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// rest does the housekeeping that is left over from what ran before, lest the server does it meanwhile. The
// shapes to compare with keep the statistics that the server takes by itself: how their statements are
// planned hangs on the moment.
func (b *bench) rest(ctx context.Context) error {
	for name, sql := range map[string]string{database: "VACUUM (ANALYZE)", best: "VACUUM", naive: "VACUUM"} {
		if err := b.execute(ctx, name, sql); err != nil {
			return err
		}
	}
	return b.execute(ctx, "postgres", "CHECKPOINT")
}

// execute runs statements on a database of the server.
func (b *bench) execute(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, b.pg.DSN(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (b *bench) startAPIs(ctx context.Context) (err error) {
	args := []string{"build", "-o", b.binary()}
	if b.size.profiles != "" {
		args = append(args, "-tags", "profile")
	}
	if output, err := exec.CommandContext(ctx, "go", append(args, "github.com/rifaapp/rifaapp/app/cmd/rifaapp")...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the API: %w\n%s", err, output)
	}
	if b.api, err = b.serve(ctx, b.pg.Port, "error"); err != nil {
		return err
	}
	if b.distant, err = b.serve(ctx, b.delayed, "error"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if b.one, err = b.launch(ctx, nil, self, selectOneArg); err != nil {
		return err
	}
	return b.one.wait(ctx, "/")
}

func (b *bench) binary() string { return filepath.Join(b.folder, "rifaapp") }

// serve runs the API on a database port, with a log that begins at a level. It migrates by itself.
func (b *bench) serve(ctx context.Context, port int, level string) (*process, error) {
	env := []string{
		"DB_HOST=127.0.0.1", "DB_PORT=" + strconv.Itoa(port), "DB_NAME=" + database, "DB_USER=" + devdb.User, "DB_PASSWORD=" + b.pg.Password,
		"DB_SSLMODE=disable", "AUTO_MIGRATE=true", "LOG_LEVEL=" + level,
	}
	var profile string
	if b.size.profiles != "" {
		var err error
		if profile, err = freeAddress(); err != nil {
			return nil, err
		}
		env = append(env, "PROFILE_ADDR="+profile)
	}
	p, err := b.launch(ctx, env, b.binary(), "serve", "--addr")
	if err != nil {
		return nil, err
	}
	p.profile = profile
	return p, p.wait(ctx, "/rifaapp/ready")
}

// launch starts a program that serves at the address that becomes its last argument.
func (b *bench) launch(ctx context.Context, env []string, program string, args ...string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, append(args, address)...)
	command.Env = append(os.Environ(), append(env, envSelectOne+"="+b.pg.DSN(database))...)
	log, err := os.CreateTemp(b.folder, "log-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	b.later(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(stopTimeout):
			_ = command.Process.Kill()
		}
	})
	return &process{address: address, command: command, log: log.Name(), ended: ctx.Err}, ctx.Err()
}

// wait returns when the path is answered well.
func (p *process) wait(ctx context.Context, path string) error {
	return p.until(ctx, func(ctx context.Context) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func (p *process) until(ctx context.Context, ready func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for !ready(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready within %s", p.command.Path, readyTimeout)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

func findPgbench() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) == 0 {
		return "", errNoPgbench
	}
	return found[len(found)-1], nil
}

var errNoPgbench = errors.New("pgbench is not installed; it comes with PostgreSQL (Debian, Ubuntu: apt-get install postgresql)")

func progress(format string, args ...any) { fmt.Printf("· "+format+"\n", args...) }
