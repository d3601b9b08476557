package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/config"
	"github.com/rifaapp/rifaapp/app/httpapi"
	"github.com/rifaapp/rifaapp/app/lambda"
	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/app/query"
)

// application is everything one process consists of, wired once.
type application struct {
	config      config.Config
	getenv      func(string) string
	project     *migrate.Project
	log         *slog.Logger
	db          *pgxpool.Pool
	reader      *pgxpool.Pool // nil without DB_READ_HOST
	accounts    *command.Accounts
	raffles     *command.Raffles
	idempotency *command.Idempotency
	api         *httpapi.API
	function    *lambda.Function // nil outside Lambda
}

// newApplication wires the parts. It waits for no network.
func newApplication(ctx context.Context, c config.Config, getenv func(string) string, log *slog.Logger) (*application, error) {
	a := &application{config: c, getenv: getenv, log: log}
	var err error
	if a.project, err = migrations(getenv); err != nil {
		return nil, err
	}
	if a.db, err = openPool(ctx, c.Database, c.Database.Host); err != nil {
		return nil, err
	}
	if c.Database.ReadHost != "" {
		if a.reader, err = openPool(ctx, c.Database, c.Database.ReadHost); err != nil {
			return nil, err
		}
	}
	tokens, err := a.tokens()
	if err != nil {
		return nil, err
	}
	a.accounts = &command.Accounts{DB: a.db, Tokens: tokens, Passwords: auth.NewPasswords(a.hashers())}
	a.raffles = &command.Raffles{DB: a.db, DrawMethod: c.DrawMethod}
	a.idempotency = &command.Idempotency{DB: a.db}
	var observe func(context.Context, httpapi.Observation) []slog.Attr
	if c.OnLambda {
		a.function = a.newFunction()
		observe = a.function.Observe
	}
	a.api = httpapi.New(httpapi.Options{
		BasePath: c.BasePath, CORSAllowOrigins: c.CORS.Origins, CORSAllowMethods: c.CORS.Methods, CORSAllowHeaders: c.CORS.Headers,
		ExposeErrors: c.ExposeErrors, DocsEnabled: c.DocsEnabled, MigrationsToken: c.MigrationsToken,
		Version: httpapi.Version(build()), Logger: log, Observe: observe,
		Authenticate: httpapi.Authenticate(tokens),
		Ready:        a.ready,
		Migrate:      a.migrateForAPI,
		App: httpapi.App{
			Accounts: a.accounts, Raffles: a.raffles, Idempotency: a.idempotency,
			Receipts: &command.Receipts{DB: a.db, Seed: c.ReceiptKey},
			Queries:  &query.Queries{DB: a.db, Lists: a.reader},
		},
	})
	if c.OnLambda {
		a.function.API = a.api
	}
	return a, nil
}

// hashers is how many passwords are checked at a time: one inside Lambda, else what the cores bear.
func (a *application) hashers() int {
	if a.config.OnLambda {
		return 1
	}
	return 0
}

func (a *application) tokens() (*auth.Tokens, error) {
	if strings.HasPrefix(a.config.JWTKeys, "arn:") {
		return auth.NewTokensFrom(keysFromSecret(a.config), nil), nil
	}
	if a.config.JWTKeys == "" {
		a.log.Warn("JWT_KEYS is not set: access tokens of this process end with it")
		return auth.NewTokens(auth.GenerateKeySet(), nil), nil
	}
	keys, err := auth.ParseKeySet([]byte(a.config.JWTKeys))
	return auth.NewTokens(keys, nil), err
}

func (a *application) close() {
	if a.reader != nil {
		a.reader.Close()
	}
	a.db.Close()
}
