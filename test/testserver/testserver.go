// Package testserver builds the binary and runs it as a process of its own, on a migrated database of
// its own, for tests that talk to it over HTTP.
package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
)

const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
	pollInterval = 10 * time.Millisecond
)

// Server is a running process.
type Server struct {
	URL     string // up to and including /rifaapp
	Log     *Log
	cleanup []func()
}

// Log collects what a process says.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Start makes a database, deploys the migrations with the binary itself, and serves on a free port.
// env adds to the process's environment, each as name=value.
func Start(env ...string) (*Server, error) {
	binary, err := Build()
	if err != nil {
		return nil, err
	}
	database, drop, err := testdb.Standalone()
	if err != nil {
		return nil, err
	}
	s := &Server{cleanup: []func(){drop}}
	if err := s.start(binary, append(database.Env(), env...)); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(binary string, env []string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.Log = &Log{}
	process := exec.Command(binary, "serve", "--addr", address)
	process.Env = append(os.Environ(), env...)
	process.Stdout, process.Stderr = s.Log, s.Log
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the API: %w", err)
	}
	exited := make(chan struct{})
	go func() { _ = process.Wait(); close(exited) }()
	s.cleanup = append(s.cleanup, func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(stopTimeout):
			_ = process.Process.Kill()
		}
	})
	s.URL = "http://" + address + "/rifaapp"
	return s.waitReady(exited)
}

func (s *Server) waitReady(exited <-chan struct{}) error {
	deadline := time.Now().Add(readyTimeout)
	for time.Now().Before(deadline) {
		response, err := http.Get(s.URL + "/ready")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-exited:
			return fmt.Errorf("the API ended while starting:\n%s", s.Log)
		case <-time.After(pollInterval):
		}
	}
	return fmt.Errorf("the API was not ready within %s:\n%s", readyTimeout, s.Log)
}

// Stop ends the process and drops its database.
func (s *Server) Stop() {
	for i := len(s.cleanup) - 1; i >= 0; i-- {
		s.cleanup[i]()
	}
}

// binary is built once per test binary.
var binary struct {
	once sync.Once
	path string
	err  error
}

// Build compiles ./app/cmd/rifaapp, or takes the one that RIFAAPP_TEST_BINARY names, and returns its
// path.
func Build() (string, error) {
	binary.once.Do(func() {
		if binary.path = os.Getenv("RIFAAPP_TEST_BINARY"); binary.path != "" {
			return
		}
		var dir string
		if dir, binary.err = os.MkdirTemp("", "rifaapp-test-"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(dir, "rifaapp")
		build := exec.CommandContext(context.Background(), "go", "build", "-o", binary.path, "github.com/rifaapp/rifaapp/app/cmd/rifaapp")
		if output, err := build.CombinedOutput(); err != nil {
			binary.err = errors.Join(errors.New("build the binary under test"), err, errors.New(string(output)))
		}
	})
	return binary.path, binary.err
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
