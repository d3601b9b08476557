package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// tailLines is how many of the last lines of each of Sqitch's two outputs its failure is reported with.
// They come through two pipes, so nobody knows which of the two spoke last.
const tailLines = 10

// sqitchTimedOut is part of what Sqitch says when another deployer held the lock for as long as it waits.
const sqitchTimedOut = "for another instance of Sqitch to finish work on"

// runSqitch runs the real command line: arguments as an argv, variables, with the password among them,
// in its environment only.
func runSqitch(ctx context.Context, bin, dir, target string, args, variables []string, env Env) error {
	if strings.ContainsRune(bin, filepath.Separator) { // counted from this folder, not from the one that sqitch runs in
		var err error
		if bin, err = filepath.Abs(bin); err != nil {
			return err
		}
	}
	argv := append([]string{args[0], "--target", target}, args[1:]...)
	cmd := exec.CommandContext(ctx, bin, argv...)
	cmd.Dir = dir
	cmd.Env = append(withoutSecrets(os.Environ()), variables...)
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
		err = fmt.Errorf("%s %s ended with %w: %s", bin, args[0], exit, strings.TrimSpace(said.String()+"\n"+complained.String()))
		if strings.Contains(complained.String(), sqitchTimedOut) {
			err = fmt.Errorf("%w: %w", ErrLocked, err)
		}
		return &ExitError{max(1, exit.ExitCode()), err}
	}
	return fmt.Errorf("SQITCH_BIN %s cannot be run; give the path of the sqitch command, or unset it: %w", bin, err)
}

// deployByCLI lets Sqitch deploy and finds out what it did. Sqitch speaks English then, so that its reason
// is understood.
func (c *command) deployByCLI(ctx context.Context, bin string, config *pgx.ConnConfig) (*Result, error) {
	result := &Result{}
	before, err := c.migrator.Plan(ctx)
	if err != nil {
		return result, err
	}
	err = c.external(ctx, bin, config, "LANGUAGE=en")
	after, planErr := c.migrator.Plan(ctx)
	if planErr == nil {
		for _, change := range before[:max(0, len(before)-len(after))] {
			result.Applied = append(result.Applied, change.Name)
		}
	}
	return result, errors.Join(err, planErr)
}

// cliTarget is the target that leads Sqitch where we would go, without a password: the place that was
// found, with the parameters that SQITCH_TARGET has of its own, or those that the DB_ variables make.
func (c *command) cliTarget(config *pgx.ConnConfig, temp string) (string, error) {
	place, err := url.Parse(strings.TrimPrefix(destination(config), "db:"))
	if err != nil {
		return "", err
	}
	q := place.Query()
	q.Set("sslmode", sslMode(config))
	if target := c.env.Getenv("SQITCH_TARGET"); target != "" {
		own, err := parseTarget(target)
		if err != nil {
			return "", err
		}
		for name, values := range own.Query() {
			if !slices.Contains([]string{"user", "password", "host", "port", "dbname", "database"}, name) {
				q[name] = values
			}
		}
	} else if file, err := c.authorities(config, temp); err != nil {
		return "", err
	} else if file != "" {
		q.Set("sslrootcert", file)
	}
	place.RawQuery = q.Encode()
	return "db:" + place.String(), nil
}

// authorities is the file of those that may vouch for the server; empty where nobody has to, or where
// those of the system may.
func (c *command) authorities(config *pgx.ConnConfig, temp string) (string, error) {
	if !strings.HasPrefix(sslMode(config), "verify-") {
		return "", nil
	}
	if file := c.env.Getenv("DB_SSLROOTCERT"); file != "" {
		return filepath.Abs(file)
	}
	known := postgres.RDSAuthorities(config.Host)
	if known == nil {
		return "", nil
	}
	file := filepath.Join(temp, "authorities.pem")
	return file, os.WriteFile(file, known, 0o600)
}

// sslMode is the parameter that a configuration was made of.
func sslMode(c *pgx.ConnConfig) string {
	falls := func(encrypted bool) bool {
		return slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return (f.TLSConfig != nil) == encrypted })
	}
	switch {
	case c.TLSConfig == nil && falls(true):
		return "allow"
	case c.TLSConfig == nil:
		return "disable"
	case !c.TLSConfig.InsecureSkipVerify:
		return "verify-full"
	case c.TLSConfig.VerifyPeerCertificate != nil:
		return "verify-ca"
	case falls(false):
		return "prefer"
	}
	return "require"
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

// external hands the command to the real Sqitch, with these variables beside those of this process.
func (c *command) external(ctx context.Context, bin string, config *pgx.ConnConfig, variables ...string) error {
	args := append([]string{c.verb}, c.args...)
	if c.verb == "plan" {
		args = append([]string{"status"}, c.args...) // its "plan" lists all changes, not those to come
	}
	temp, err := os.MkdirTemp("", "rifaapp-sqitch-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	dir := c.env.Getenv("SQITCH_DIR")
	if dir == "" {
		dir = filepath.Join(temp, "project")
		if err := os.CopyFS(dir, c.env.Files); err != nil {
			return fmt.Errorf("the embedded migrations cannot be written to a temporary directory for SQITCH_BIN: %w", err)
		}
	}
	target, err := c.cliTarget(config, temp)
	if err != nil {
		return err
	}
	return runSqitch(ctx, bin, dir, target, args, append(variables, "PGPASSWORD="+config.Password), c.env)
}
