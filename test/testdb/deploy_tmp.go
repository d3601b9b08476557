package testdb

import (
	"context"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/sqitch"
)

func deploy(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	plan, err := fs.ReadFile(sqitch.Files, "sqitch.plan")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(plan), "\n") {
		if line == "" || line[0] == '%' {
			continue
		}
		name, _, _ := strings.Cut(line, " ")
		script, err := fs.ReadFile(sqitch.Files, "deploy/"+name+".sql")
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, string(script)); err != nil {
			return err
		}
	}
	return nil
}
