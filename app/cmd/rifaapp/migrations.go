package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/config"
	"github.com/rifaapp/rifaapp/app/httpapi"
	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/sqitch"
)

// migrations is the project of the binary, or the one in SQITCH_DIR.
func migrations(getenv func(string) string) (*migrate.Project, error) {
	return migrate.Open(migrationFiles(getenv))
}

func migrationFiles(getenv func(string) string) fs.FS {
	if dir := getenv("SQITCH_DIR"); dir != "" {
		return os.DirFS(dir)
	}
	return sqitch.Files
}

// migrate deploys what is missing and names the changes.
func (a *application) migrate(ctx context.Context, progress io.Writer) (applied []string, err error) {
	result, err := migrate.Deploy(ctx, migrate.Env{
		Getenv: a.getenv, Stdin: strings.NewReader(""), Stdout: progress, Stderr: progress, Files: sqitch.Files,
		Config: migrationSource(a.config.Database),
	})
	return result.Applied, postgres.Translate(err)
}

// migrateForAPI is migrate for whoever asks over HTTP.
func (a *application) migrateForAPI(ctx context.Context) ([]string, error) {
	applied, err := a.migrate(ctx, &logLines{log: a.log})
	if errors.Is(err, migrate.ErrLocked) {
		err = errors.Join(httpapi.ErrMigrating, err)
	}
	return applied, err
}

// migrationSource leads the migrations to the same database as the pool, with a session of their own.
func migrationSource(settings config.Database) migrate.Source {
	return func(ctx context.Context) (*pgx.ConnConfig, error) {
		options := poolOptions(settings, settings.Host)
		connection, err := options.ConnConfig()
		if err == nil && options.BeforeConnect != nil {
			err = options.BeforeConnect(ctx, connection)
		}
		return connection, err
	}
}

// migrateCommand is `rifaapp migrate`.
func migrateCommand(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	err := migrate.Command(ctx, args, migrate.Env{
		Getenv: getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr, Files: sqitch.Files,
		Config: func(ctx context.Context) (*pgx.ConnConfig, error) {
			settings, err := config.Data(getenv)
			if err != nil {
				return nil, err
			}
			return migrationSource(settings)(ctx)
		},
	})
	if err == nil {
		return nil
	}
	fmt.Fprintln(stderr, "rifaapp migrate:", err)
	return exitError(migrate.ExitCode(err))
}

// ready says whether the last change of our plan is deployed. A newer schema is ready too: changes
// only expand it.
func (a *application) ready(ctx context.Context) error {
	var deployed bool
	err := a.db.QueryRow(ctx, `SELECT change_is_deployed($1)`, a.project.Head().ID).Scan(&deployed)
	if err == nil && !deployed {
		return errNotMigrated
	}
	return postgres.Translate(err)
}

var errNotMigrated = errors.New("the schema is older than this binary: run `rifaapp migrate`")

// logLines makes a log entry of every line that is written to it. Both outputs of a
// child process may come together in it.
type logLines struct {
	log  *slog.Logger
	mu   sync.Mutex
	open string // a line that has not ended
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(l.open+string(p), "\n")
	l.open = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		if line = strings.TrimSpace(line); line != "" {
			l.log.Info("migrations", "progress", line)
		}
	}
	return len(p), nil
}
