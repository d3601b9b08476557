// Package sqitchcli runs commands of the real Sqitch out of processes that have it loaded, for tests
// that compare with it. To start it takes 0.4 s, which is longer than most of its commands.
package sqitchcli

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed sqitch.pl
var program string

// processes are two that have Sqitch loaded, started when needed. Each serves one command at a time.
var processes = make(chan *process, 2)

func init() { processes <- nil; processes <- nil }

type process struct {
	in  io.Writer
	out *bufio.Reader
}

// Run runs a command in a folder that has the project and returns what it printed, on both outputs,
// and its exit status. An error means that there was no Sqitch to run it. Two commands run at a time.
func Run(dir string, args ...string) (printed string, status int, err error) {
	p := <-processes
	defer func() { processes <- p }()
	if p == nil {
		if p, err = start(); err != nil {
			return "", 0, err
		}
	}
	if printed, status, err = p.run(dir, args); err != nil {
		p = nil // nobody knows where it stands
	}
	return printed, status, err
}

// start begins a process; it ends with ours, which closes its input.
func start() (*process, error) {
	command := exec.Command("perl", "-CAS", "-e", program)
	command.Env = append(os.Environ(), Env()...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the real Sqitch: %w", err)
	}
	return &process{in, bufio.NewReader(out)}, nil
}

func (p *process) run(dir string, args []string) (printed string, status int, err error) {
	if _, err := fmt.Fprintln(p.in, strings.Join(append([]string{dir}, args...), "\x1f")); err != nil {
		return "", 0, fmt.Errorf("ask the real Sqitch: %w", err)
	}
	var length int
	if _, err := fmt.Fscanf(p.out, "%d %d\n", &status, &length); err != nil {
		return "", 0, fmt.Errorf("the real Sqitch did not answer: %w", err)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(p.out, text); err != nil {
		return "", 0, fmt.Errorf("the real Sqitch broke off: %w", err)
	}
	return string(text), status, nil
}

// Env is the environment of Sqitch beside this process's: it keeps the configuration of whoever runs
// the tests out. (Sqitch itself garbles letters outside ASCII in SQITCH_FULLNAME.)
func Env() []string {
	return []string{"PATH=" + path(), "SQITCH_USER_CONFIG=/nonexistent", "SQITCH_SYSTEM_CONFIG=/nonexistent", "SQITCH_FULLNAME=Ana Maria",
		"SQITCH_EMAIL=ana@example.com", "LC_ALL=C.UTF-8", "TZ=UTC"}
}

// path is where to find programs: PostgreSQL's own before Debian's psql, a script around it that takes as
// long as psql itself.
func path() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(dirs) // the newest first
	return strings.Join(append(dirs, os.Getenv("PATH")), string(os.PathListSeparator))
}
