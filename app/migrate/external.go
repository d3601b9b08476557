package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// tailLines is how many of the last lines of Sqitch's output its failure is reported with.
const tailLines = 10

// runSqitch runs the real command line: arguments as an argv, the password in PGPASSWORD only.
func runSqitch(ctx context.Context, bin, dir string, config *pgx.ConnConfig, args []string, env Env) error {
	argv := append([]string{args[0], "--target", cliTarget(config)}, args[1:]...)
	cmd := exec.CommandContext(ctx, bin, argv...)
	cmd.Dir = dir
	cmd.Env = append(withoutSecrets(os.Environ()), "PGPASSWORD="+config.Password)
	tail := &tail{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, io.MultiWriter(env.Stdout, tail), io.MultiWriter(env.Stderr, tail)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return &ExitError{max(1, exit.ExitCode()), fmt.Errorf("%s %s ended with %w: %s", bin, args[0], exit, tail)}
	}
	return fmt.Errorf("SQITCH_BIN %s cannot be run; give the path of the sqitch command, or unset it: %w", bin, err)
}

// cliTarget is the target without a password.
func cliTarget(c *pgx.ConnConfig) string {
	t := destination(c)
	mode := "prefer"
	switch {
	case c.TLSConfig == nil:
		mode = "disable"
	case !c.TLSConfig.InsecureSkipVerify:
		mode = "verify-full"
	case len(c.Fallbacks) == 0:
		mode = "require"
	}
	sep := "?"
	if strings.Contains(t, "?") {
		sep = "&"
	}
	return t + sep + "sslmode=" + mode
}

// withoutSecrets leaves out of the child's environment what it must not see or would misread.
func withoutSecrets(environ []string) []string {
	var kept []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "PGPASSWORD", "DB_PASSWORD", "SQITCH_PASSWORD", "SQITCH_TARGET", "MIGRATIONS_TOKEN", "JWT_KEYS":
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// tail keeps the last lines written to it.
type tail struct {
	mu    sync.Mutex
	lines []string
	open  string
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(t.open+string(p), "\n")
	t.open = lines[len(lines)-1]
	t.lines = append(t.lines, lines[:len(lines)-1]...)
	if n := len(t.lines); n > tailLines {
		t.lines = t.lines[n-tailLines:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.Join(append(t.lines, t.open), "\n"))
}
