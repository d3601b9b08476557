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
	"slices"
	"strings"
	"sync"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// Server is a running process with a database of its own. Its secrets are canaries: the database's
// password, the migrations token, the signing key, and what clients that are watched are given.
type Server struct {
	*Process
	Canaries *canary.Set
	drop     func()
}

// Leaks says, at the end of a suite, which secrets are in answers or in the log.
func (s *Server) Leaks() []string {
	return s.Canaries.Judge(map[string]string{"the log": s.Log.String()})
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
	s := &Server{Canaries: canary.Plant(), drop: drop}
	own, err := s.secrets(database)
	if err == nil {
		s.Process, err = Launch(binary, slices.Concat(database.Env(), own, env)...)
	}
	if err != nil {
		drop()
		return nil, err
	}
	return s, nil
}

// secrets returns the environment that gives the process secrets of its own.
func (s *Server) secrets(database *testdb.Database) (env []string, err error) {
	keys, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		return nil, err
	}
	_, key, _ := strings.Cut(string(keys), `"d":"`)
	key, _, _ = strings.Cut(key, `"`)
	s.Canaries.Add("signing key", key)
	password := s.Canaries.Get("database password")
	role, err := database.Login(password)
	if err != nil {
		return nil, err
	}
	return []string{"DB_USER=" + role, "DB_PASSWORD=" + password, "MIGRATIONS_TOKEN=" + s.Canaries.Get("migrations token"), "JWT_KEYS=" + string(keys)}, nil
}

// Stop ends the process and drops its database.
func (s *Server) Stop() {
	s.Process.Stop()
	s.drop()
}

// EnvBinary names a built ./app/cmd/rifaapp, so that not every package builds its own.
const EnvBinary = "RIFAAPP_TEST_BINARY"

// binary is built once per test binary.
var binary struct {
	once sync.Once
	path string
	err  error
}

// Build compiles ./app/cmd/rifaapp, or takes the one that EnvBinary names, and returns its
// path.
func Build() (string, error) {
	binary.once.Do(func() {
		lookAtSources()
		if binary.path = os.Getenv(EnvBinary); binary.path != "" {
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
