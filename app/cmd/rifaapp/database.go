package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/config"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/secrets"
)

// openPool makes the pool of one host; nothing connects before the first query.
func openPool(ctx context.Context, settings config.Database, host string) (*pgxpool.Pool, error) {
	return postgres.Open(ctx, poolOptions(settings, host))
}

// openDatabase is openPool for commands that need nothing but the database that the environment names.
func openDatabase(ctx context.Context, getenv func(string) string) (*pgxpool.Pool, error) {
	settings, err := config.Data(getenv)
	if err != nil {
		return nil, err
	}
	return openPool(ctx, settings, settings.Host)
}

func poolOptions(settings config.Database, host string) postgres.Options {
	return postgres.Options{
		Host: host, Port: settings.Port, Name: settings.Name, User: settings.User, Password: settings.Password,
		SSLMode: settings.SSLMode, RootCert: settings.RootCert, MaxConns: int32(settings.PoolSize), BeforeConnect: login(settings),
	}
}

// login is how new connections get their password; nil when it is known from the start.
func login(settings config.Database) func(context.Context, *pgx.ConnConfig) error {
	switch {
	case settings.IAMAuth:
		return postgres.IAMLogin(settings.AWS.Region, credentials(settings.AWS))
	case settings.SecretARN != "":
		store := secretStore(settings.AWS)
		return postgres.SecretLogin(func(ctx context.Context) (user, password string, err error) {
			return store.Login(ctx, settings.SecretARN)
		})
	}
	return nil
}

// credentials are those that Lambda gives a process for its whole life.
func credentials(c config.AWS) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, nil
	})
}

func secretStore(c config.AWS) *secrets.Store {
	return secrets.New(c.Region, c.SecretsEndpoint, credentials(c))
}

// keysFromSecret loads the access tokens' keys when the first token needs them. A secret that cannot
// be read is, for clients, like a database that is away: they may try again.
func keysFromSecret(c config.Config) func() (*auth.KeySet, error) {
	store := secretStore(c.AWS)
	return func() (*auth.KeySet, error) {
		text, err := store.Get(context.Background(), c.JWTKeys)
		if err != nil {
			return nil, errors.Join(postgres.ErrUnavailable, err)
		}
		return auth.ParseKeySet([]byte(text))
	}
}
