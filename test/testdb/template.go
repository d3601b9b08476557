package testdb

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
)

// templateLock is the advisory lock under which one process makes the template while others wait.
const templateLock = 0x72696661

var template struct {
	once sync.Once
	name string
	err  error
}

// ensureTemplate makes the migrated database that tests clone, once per server and set of
// migrations: its name carries a hash of all their files.
func ensureTemplate(ctx context.Context, dsn string) (string, error) {
	template.once.Do(func() {
		template.name, template.err = makeTemplate(context.WithoutCancel(ctx), dsn)
	})
	return template.name, template.err
}

func makeTemplate(ctx context.Context, dsn string) (string, error) {
	hash, err := migrationsHash()
	if err != nil {
		return "", err
	}
	name := "template_" + hash
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
		return "", err
	}
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)`, name).Scan(&exists); err != nil || exists {
		return name, err
	}
	// Half-made by a run that was killed: it is no template yet.
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name + " TEMPLATE template0"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := deploy(ctx, withDatabase(dsn, name)); err != nil {
		return "", fmt.Errorf("deploy the migrations: %w", err)
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true")
	return name, err
}

func deploy(ctx context.Context, dsn string) error {
	project, err := migrate.Open(sqitch.Files)
	if err != nil {
		return err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	_, err = migrate.New(project, migrate.Static(config), migrate.Options{}).Deploy(ctx, migrate.DeployOptions{NoVerify: true})
	return err
}

func migrationsHash() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(sqitch.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(sqitch.Files, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

func randomName() string { return rand.Text()[:12] }
