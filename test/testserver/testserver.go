// Package testserver builds the binary and runs it as a process of its own, on a migrated database of
// its own, for tests that talk to it over HTTP.
package testserver

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// Server is a running process with a database of its own.
type Server struct {
	*Process
	drop func()
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
	process, err := Launch(binary, append(database.Env(), env...)...)
	if err != nil {
		drop()
		return nil, err
	}
	return &Server{Process: process, drop: drop}, nil
}

// Stop ends the process and drops its database.
func (s *Server) Stop() {
	s.Process.Stop()
	s.drop()
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
		lookAtSources()
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

// lookAtSources opens the folders of the sources: go test then knows that its result hangs on them
// too, and does not take a kept one for a binary that has changed since.
func lookAtSources() {
	root, err := os.Getwd()
	if err != nil {
		return
	}
	for ; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
	}
	for _, dir := range []string{"app", "sqitch"} {
		_ = filepath.WalkDir(filepath.Join(root, dir), func(string, fs.DirEntry, error) error { return nil })
	}
}
