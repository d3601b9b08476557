package testdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
)

// templateLock is the advisory lock under which one process makes the template while others wait.
const templateLock = 0x72696661

// template returns the migrated database that tests clone, made once per server and set of migrations:
// its name carries a hash of all their files.
func (a *admin) template(ctx context.Context) (string, error) {
	a.templateOnce.Do(func() {
		a.templateName, a.templateErr = a.makeTemplate(context.WithoutCancel(ctx))
	})
	return a.templateName, a.templateErr
}

func (a *admin) makeTemplate(ctx context.Context) (string, error) {
	hash, err := migrationsHash()
	if err != nil {
		return "", err
	}
	name := "template_" + hash
	conn, err := a.pool.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, templateLock) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)`, name).Scan(&exists); err != nil || exists {
		return name, err
	}
	if err := a.drop(ctx, name); err != nil { // half-made by a run that was killed: it is no template yet
		return "", err
	}
	if err := a.create(ctx, name, "template0"); err != nil {
		return "", err
	}
	if err := deploy(ctx, a.database(name)); err != nil {
		return "", fmt.Errorf("deploy the migrations: %w", err)
	}
	return name, a.execute(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true")
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
