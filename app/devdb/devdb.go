// Package devdb runs a PostgreSQL server of its own for `mage dev` and for tests where no container
// engine answers: from installed binaries when there are any, from downloaded ones otherwise, also
// as root, by dropping to an unprivileged user, because PostgreSQL refuses to run as root.
package devdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// User is the superuser of every server that Start makes.
const User = "postgres"

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
	crashTimeout = 10 * time.Second // until the children of a killed server are gone
	pollInterval = 20 * time.Millisecond
	retryPause   = 100 * time.Millisecond
	logName      = "postgres.log"
)

// Options say where the server keeps its data and how careful it is with it.
type Options struct {
	Dir       string   // for data, password and log; made when missing. Ephemeral: may be empty, then a folder in memory is used
	Ephemeral bool     // for tests: nothing is synced to disk, and Stop removes the folder
	Settings  []string // further settings, each as name=value
	Port      int      // 0: any free one
}

// Server is a running PostgreSQL. Its methods are not safe for concurrent use.
type Server struct {
	Port     int
	Password string

	options Options
	data    string
	bin     string
	owner   *owner
	claim   *os.File // locked while the server is ours
	crashed bool     // its last end was not a clean one
	command *exec.Cmd
	exited  chan struct{}
}

// Start makes the data directory when there is none, clears away what a crash of the last run left,
// and starts the server on 127.0.0.1. It returns when the server answers; the server outlives ctx. A
// folder that another process uses is refused.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{options: o, Port: o.Port}
	if err := s.start(ctx); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// Open starts the server of a folder for a program that needs one database of it, made when it is not
// there. stop ends the server and prints a fault of that on stderr.
func Open(ctx context.Context, dir, database string) (s *Server, stop func(), err error) {
	if s, err = Start(ctx, Options{Dir: dir}); err != nil {
		return nil, nil, err
	}
	stop = func() {
		if err := s.Stop(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := s.CreateDatabase(ctx, database); err != nil {
		stop()
		return nil, nil, err
	}
	return s, stop, nil
}

func (s *Server) start(ctx context.Context) (err error) {
	if s.owner, err = unprivileged(); err != nil {
		return err
	}
	if s.bin, err = binaries(s.owner); err != nil {
		return err
	}
	sweep(ctx, s.owner)
	if err := s.prepareDir(); err != nil {
		return err
	}
	if err := s.clearStale(ctx); err != nil {
		return err
	}
	if err := s.initialize(ctx); err != nil {
		return err
	}
	if s.Port == 0 {
		if s.Port, err = freePort(); err != nil {
			return err
		}
	}
	return s.Restart(ctx)
}

// Dir is the folder of the data. As root it may be another one than Options asked for: one that the
// unprivileged user can reach.
func (s *Server) Dir() string { return s.options.Dir }

// DSN is the connection string of a database of this server, as its superuser.
func (s *Server) DSN(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, s.Password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase makes an empty database unless there is one of this name.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize())
	}
	return err
}

// Env are the environment variables, each as name=value, that lead the binary to a database of the
// server.
func (s *Server) Env(database string) []string {
	return []string{
		"DB_HOST=127.0.0.1", "DB_PORT=" + strconv.Itoa(s.Port), "DB_NAME=" + database, "DB_USER=" + User,
		"DB_PASSWORD=" + s.Password, "DB_SSLMODE=disable",
	}
}

// Ended is closed when the server has ended, whoever ended it. After Restart it is another channel.
func (s *Server) Ended() <-chan struct{} { return s.exited }

// Restart starts the server on its data and its port again, after Kill or a crash, or after the Stop
// of one that is not ephemeral. It returns when recovery is over and the server answers.
func (s *Server) Restart(ctx context.Context) error {
	if s.claim == nil {
		if err := s.take(); err != nil {
			return err
		}
	}
	deadline := time.Now().Add(crashTimeout)
	for {
		if err := s.launch(); err != nil {
			return err
		}
		err := s.waitReady(ctx)
		if err == nil {
			s.crashed = false
			return nil
		}
		// The children of a killed server notice after a moment only; until then they hold its memory.
		if !s.crashed || !s.gone() || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(retryPause)
	}
}

func (s *Server) launch() error {
	args := []string{"-D", s.data, "-p", strconv.Itoa(s.Port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	// As roles.sql has it on AWS: compiling a statement takes longer than running any of ours.
	settings := []string{"max_connections=300", "log_min_messages=warning", "jit=off"}
	if s.options.Ephemeral {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	for _, setting := range append(settings, s.options.Settings...) {
		args = append(args, "-c", setting)
	}
	log, err := os.OpenFile(s.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	if err := s.owner.own(log.Name()); err != nil {
		return err
	}
	s.command = exec.Command(filepath.Join(s.bin, "postgres"), args...)
	s.command.Dir = s.data
	s.command.Stdout, s.command.Stderr = log, log
	s.command.SysProcAttr = s.owner.attributes()
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL from %s: %w", s.bin, err)
	}
	s.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait()
		close(exited)
	}(s.command, s.exited)
	return nil
}

// gone says whether the process has ended.
func (s *Server) gone() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// LogPath is the server's log file.
func (s *Server) LogPath() string { return filepath.Join(s.options.Dir, logName) }

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it had %s", startTimeout))
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.exited:
			return fmt.Errorf("PostgreSQL ended while starting; its log is %s:\n%s", s.LogPath(), tail(s.LogPath()))
		case <-ctx.Done():
			log := tail(s.LogPath()) // which goes with an ephemeral server
			_ = s.Stop(context.WithoutCancel(ctx))
			return fmt.Errorf("PostgreSQL did not answer on port %d: %w; its log is %s:\n%s", s.Port, context.Cause(ctx), s.LogPath(), log)
		case <-time.After(pollInterval):
		}
	}
}

// Stop ends all sessions and shuts the server down cleanly; an ephemeral one leaves nothing behind.
func (s *Server) Stop(ctx context.Context) error {
	err := s.signal(ctx, syscall.SIGINT) // a fast shutdown
	if s.options.Ephemeral {
		err = errors.Join(err, os.RemoveAll(s.options.Dir))
	}
	s.release()
	return err
}

// Kill ends the server as kill -9 does: nothing is written any more. Restart recovers from it.
func (s *Server) Kill(ctx context.Context) error {
	s.crashed = true
	return s.signal(ctx, syscall.SIGKILL)
}

func (s *Server) signal(ctx context.Context, signal syscall.Signal) error {
	if s.gone() {
		return nil
	}
	if err := s.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	select {
	case <-s.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(stopTimeout):
		return fmt.Errorf("PostgreSQL (process %d) did not end within %s", s.command.Process.Pid, stopTimeout)
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, _ := listener.Addr().(*net.TCPAddr)
	return address.Port, nil
}
