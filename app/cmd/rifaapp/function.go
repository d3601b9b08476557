package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/rifaapp/rifaapp/app/config"
	"github.com/rifaapp/rifaapp/app/lambda"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
)

// serveEvents is the process as a Lambda function. It returns only when it cannot start, and has told
// Lambda why.
func serveEvents(ctx context.Context, getenv func(string) string, stderr io.Writer) error {
	a, err := functionApplication(ctx, getenv, stderr)
	if err != nil {
		return errors.Join(err, lambda.ReportInitError(ctx, getenv(lambda.RuntimeAPI), err))
	}
	a.function.Name = getenv("AWS_LAMBDA_FUNCTION_NAME")
	a.function.Init = time.Since(started)
	a.function.Serve()
	return nil
}

func functionApplication(ctx context.Context, getenv func(string) string, stderr io.Writer) (*application, error) {
	c, err := config.Load(getenv)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log) // the runtime's own lines become JSON too
	return newApplication(ctx, c, getenv, log)
}

// newFunction answers events with the API and does the tasks of the schedule and of `mage migrate`.
func (a *application) newFunction() *lambda.Function {
	return &lambda.Function{
		BasePath: a.config.BasePath, Logger: a.log,
		Tasks: lambda.Tasks{
			Minute: func(ctx context.Context) (any, error) { return a.minute(ctx) },
			Migrate: func(ctx context.Context) (any, error) {
				applied, err := a.migrate(ctx, &logLines{log: a.log})
				return migrateReport{Status: "ok", Applied: append([]string{}, applied...)}, err
			},
			Check: func(ctx context.Context) (any, error) { return a.check(ctx) },
		},
	}
}

// migrateReport is what the migrator answers to {"action":"migrate"}.
type migrateReport struct {
	Status  string   `json:"status"`
	Applied []string `json:"applied"` // the changes that were missing, in the order of the plan
}

// checkReport is what {"action":"check"} answers when all is well.
type checkReport struct {
	Status      string `json:"status"`
	Differences int    `json:"differences"` // always 0: others are an error
}

// check says whether the database answers, has our schema, and holds the read model that the write
// model asks for.
func (a *application) check(ctx context.Context) (checkReport, error) {
	if err := a.ready(ctx); postgres.NotMigrated(err) {
		return checkReport{}, errNotMigrated
	} else if err != nil {
		return checkReport{}, err
	}
	differences, err := projection.Check(ctx, a.db, func(d projection.Difference) {
		a.log.Warn("difference", "table", d.Table) // a row may hold what only its owner may know
	})
	if err == nil && differences > 0 {
		err = fmt.Errorf("%d differences between the read model and its definition, by table in the log; repair them with: rifaapp projections rebuild", differences)
	}
	return checkReport{Status: "ok", Differences: differences}, err
}
