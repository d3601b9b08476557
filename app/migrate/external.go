package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// tailLines is how many of the last lines of each of Sqitch's two outputs its failure is reported with.
// They come through two pipes, so nobody knows which of the two spoke last.
const tailLines = 10

// runSqitch runs the real command line: arguments as an argv, the password in PGPASSWORD only.
func runSqitch(ctx context.Context, bin, dir string, config *pgx.ConnConfig, args []string, env Env) error {
	if strings.ContainsRune(bin, filepath.Separator) { // counted from this folder, not from the one that sqitch runs in
		var err error
		if bin, err = filepath.Abs(bin); err != nil {
			return err
		}
	}
	argv := append([]string{args[0], "--target", cliTarget(config)}, args[1:]...)
	cmd := exec.CommandContext(ctx, bin, argv...)
	cmd.Dir = dir
	cmd.Env = append(withoutSecrets(os.Environ()), "PGPASSWORD="+config.Password)
	said, complained := &tail{}, &tail{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, io.MultiWriter(env.Stdout, said), io.MultiWriter(env.Stderr, complained)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return &ExitError{max(1, exit.ExitCode()), fmt.Errorf("%s %s ended with %w: %s", bin, args[0], exit, strings.TrimSpace(said.String()+"\n"+complained.String()))}
	}
	return fmt.Errorf("SQITCH_BIN %s cannot be run; give the path of the sqitch command, or unset it: %w", bin, err)
}

// deployByCLI lets Sqitch deploy and finds out what it did.
func (c *command) deployByCLI(ctx context.Context, bin string, config *pgx.ConnConfig) (*Result, error) {
	result := &Result{}
	before, err := c.migrator.Plan(ctx)
	if err != nil {
		return result, err
	}
	err = c.external(ctx, bin, config)
	after, planErr := c.migrator.Plan(ctx)
	if planErr == nil {
		for _, change := range before[:max(0, len(before)-len(after))] {
			result.Applied = append(result.Applied, change.Name)
		}
	}
	return result, errors.Join(err, planErr)
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
	case c.TLSConfig.VerifyPeerCertificate != nil:
		mode = "verify-ca"
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
		case "PGPASSWORD", "DB_PASSWORD", "SQITCH_PASSWORD", "SQITCH_TARGET", "MIGRATIONS_TOKEN", "JWT_KEYS", "RECEIPT_KEY",
			"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN":
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

// external hands the command to the real Sqitch.
func (c *command) external(ctx context.Context, bin string, config *pgx.ConnConfig) error {
	args := append([]string{c.verb}, c.args...)
	if c.verb == "plan" {
		args = append([]string{"status"}, c.args...) // its "plan" lists all changes, not those to come
	}
	dir := c.env.Getenv("SQITCH_DIR")
	if dir == "" {
		temp, err := os.MkdirTemp("", "rifaapp-sqitch-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temp) }()
		if err := os.CopyFS(temp, c.env.Files); err != nil {
			return fmt.Errorf("the embedded migrations cannot be written to a temporary directory for SQITCH_BIN: %w", err)
		}
		dir = temp
	}
	return runSqitch(ctx, bin, dir, config, args, c.env)
}
