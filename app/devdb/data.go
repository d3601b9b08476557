package devdb

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// memoryDir is a file system in memory on most Linux machines: initialising and cloning databases
// there takes a tenth of the time.
const memoryDir = "/dev/shm"

const memoryPrefix = "rifaapp-postgres-"

// prepareDir makes the folder and hands it to the user that will run the server.
func (s *Server) prepareDir() error {
	var err error
	if s.options.Dir == "" {
		parent := memoryDir
		if info, statErr := os.Stat(parent); statErr != nil || !info.IsDir() {
			parent = ""
		}
		if s.options.Dir, err = os.MkdirTemp(parent, memoryPrefix); err != nil {
			return fmt.Errorf("make a folder for PostgreSQL: %w", err)
		}
	}
	if s.options.Dir, err = filepath.Abs(s.options.Dir); err != nil {
		return err
	}
	if s.owner != nil && !reachable(s.options.Dir) {
		s.options.Dir = fallback(s.options.Dir)
		err = s.owner.makeAmongOthers(s.options.Dir)
	} else {
		err = os.MkdirAll(s.options.Dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	s.data = filepath.Join(s.options.Dir, "data")
	if err := s.keepOwner(); err != nil {
		return err
	}
	if err := s.take(); err != nil {
		return err
	}
	return s.owner.own(s.options.Dir)
}

// fallback is where the data is that would be at dir if the unprivileged user could reach it.
func fallback(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join("/var/tmp", "rifaapp-"+hex.EncodeToString(sum[:6]))
}

// reachable says whether other users may pass through all the folders above dir, as the
// unprivileged user must.
func reachable(dir string) bool {
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		if info, err := os.Stat(parent); err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if parent == filepath.Dir(parent) {
			return true
		}
	}
}

// initialize runs initdb once. A folder that a crash left half made is made anew.
func (s *Server) initialize(ctx context.Context) error {
	passwordFile := filepath.Join(s.options.Dir, "password")
	if password, err := os.ReadFile(passwordFile); err == nil {
		if _, err := os.Stat(filepath.Join(s.data, "PG_VERSION")); err == nil {
			s.Password = strings.TrimSpace(string(password))
			return s.checkVersion()
		}
	}
	if err := os.RemoveAll(s.data); err != nil {
		return fmt.Errorf("clear the half-made data directory: %w", err)
	}
	s.Password = rand.Text()
	temporary := passwordFile + ".new"
	if err := os.WriteFile(temporary, []byte(s.Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.owner.own(temporary); err != nil {
		return err
	}
	output, err := s.initdb(ctx, temporary, letters())
	if err != nil && strings.Contains(output, "invalid locale name") {
		output, err = s.initdb(ctx, temporary, "C")
	}
	if err != nil {
		return fmt.Errorf("initialise the data directory %s: %w\n%s", s.data, err, output)
	}
	return os.Rename(temporary, passwordFile) // says that initdb went through
}

func (s *Server) initdb(ctx context.Context, passwordFile, letters string) (output string, err error) {
	command := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", s.data, "-U", User, "--auth=scram-sha-256",
		"--pwfile="+passwordFile, "--encoding=UTF8", "--locale=C", "--lc-ctype="+letters, "--no-sync")
	command.Dir = s.options.Dir
	command.Env = append(os.Environ(), "LC_ALL=C") // what it says is looked into; the options above say what it makes
	command.SysProcAttr = s.owner.attributes()
	said, err := command.CombinedOutput()
	return string(said), err
}

// letters is the locale that knows the lower case of every letter, not only of those of ASCII:
// people look for "BOGOTÁ". Old systems do not have it, and do without.
func letters() string {
	if runtime.GOOS == "darwin" {
		return "UTF-8"
	}
	return "C.UTF-8"
}

// checkVersion refuses data of another major version with advice instead of PostgreSQL's own words.
func (s *Server) checkVersion() error {
	data, err := os.ReadFile(filepath.Join(s.data, "PG_VERSION"))
	if err != nil {
		return err
	}
	major, err := majorOf(s.bin)
	if err != nil || major == 0 {
		return err
	}
	if kept := strings.TrimSpace(string(data)); kept != strconv.Itoa(major) {
		return fmt.Errorf("the data in %s was made by PostgreSQL %s, but %s is version %d: delete the folder to begin anew, or install version %s",
			s.options.Dir, kept, s.bin, major, kept)
	}
	return nil
}

// clearStale ends a server that an earlier run left behind and removes the lock of one that crashed.
func (s *Server) clearStale(ctx context.Context) error {
	lock := filepath.Join(s.data, "postmaster.pid")
	content, err := os.ReadFile(lock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the lock of an earlier run: %w", err)
	}
	s.crashed = true
	first, _, _ := bytes.Cut(content, []byte("\n"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(first)))
	if err == nil && s.isOurs(pid) {
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
			return fmt.Errorf("end the PostgreSQL of an earlier run (process %d): %w", pid, err)
		}
		if !waitGone(ctx, pid) {
			return fmt.Errorf("the PostgreSQL of an earlier run (process %d) does not end; stop it and try again", pid)
		}
	}
	if err := os.Remove(lock); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove the lock of a crashed run: %w", err)
	}
	return nil
}

// isOurs says whether the process is a PostgreSQL on our data: the number may belong to another by now.
func (s *Server) isOurs(pid int) bool {
	if _, err := os.Stat("/proc/self/cmdline"); err == nil {
		command, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		return err == nil && strings.Contains(string(command), s.data)
	}
	command, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(command), s.data)
}

func waitGone(ctx context.Context, pid int) bool {
	deadline := time.Now().Add(stopTimeout)
	for time.Now().Before(deadline) {
		if err := syscall.Kill(pid, 0); err != nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pollInterval):
		}
	}
	return false
}

// tail is the end of a log file.
func tail(path string) string {
	content, _ := os.ReadFile(path)
	const most = 2000
	if len(content) > most {
		content = content[len(content)-most:]
	}
	return string(content)
}
