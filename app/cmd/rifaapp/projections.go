package main

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
)

const projectionsUsage = `Usage: rifaapp projections check | rebuild

  check      compare every table of the read model with its definition; prints each
             difference and exits 1 when there is one. Safe while sales run.
  rebuild    make the read model anew from the write model. Readers keep the old rows
             until it is done; commands wait for it, on AWS two seconds each before
             they answer 503 with Retry-After.
`

func projections(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) != 1 || args[0] != "check" && args[0] != "rebuild" {
		return explain(projectionsUsage, args, stdout, stderr)
	}
	db, err := openDatabase(ctx, getenv)
	if err != nil {
		return err
	}
	defer db.Close()
	work := checkProjections
	if args[0] == "rebuild" {
		work = projection.Rebuild
	}
	if err = work(ctx, db, stdout); postgres.NotMigrated(err) {
		return errNotMigrated
	}
	return err
}

func checkProjections(ctx context.Context, db *pgxpool.Pool, stdout io.Writer) error {
	differences, err := projection.Check(ctx, db, func(d projection.Difference) { fmt.Fprintln(stdout, d) })
	if err != nil {
		return err
	}
	if differences > 0 {
		fmt.Fprintf(stdout, "%d differences between the read model and its definition; repair them with: rifaapp projections rebuild\n", differences)
		return exitError(1)
	}
	fmt.Fprintln(stdout, "The read model is as its definition says.")
	return nil
}
