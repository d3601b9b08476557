package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/jackc/pgx/v5"
)

// tokenLifetime is how long an IAM token is used. RDS takes it for 15 minutes.
const tokenLifetime = 10 * time.Minute

// IAMLogin is for Options.BeforeConnect: each new connection logs in with a token that is signed here,
// without a network, and kept for ten minutes.
func IAMLogin(region string, credentials aws.CredentialsProvider) func(context.Context, *pgx.ConnConfig) error {
	l := &iamLogin{region: region, credentials: credentials, now: time.Now}
	return l.apply
}

type iamLogin struct {
	region      string
	credentials aws.CredentialsProvider
	now         func() time.Time

	mu     sync.Mutex
	token  string
	as, at string    // for whom and where the token is good
	signed time.Time // by the clock on the wall: the other may stand still while a process is frozen
}

func (l *iamLogin) apply(ctx context.Context, config *pgx.ConnConfig) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if l.token == "" || l.as != config.User || l.at != at || l.now().Sub(l.signed) >= tokenLifetime {
		token, err := auth.BuildAuthToken(ctx, at, l.region, config.User, l.credentials)
		if err != nil {
			return fmt.Errorf("sign an IAM token for %s: %w", config.User, err)
		}
		l.token, l.as, l.at, l.signed = token, config.User, at, l.now().Round(0)
	}
	config.Password = l.token
	return nil
}

// SecretLogin is for Options.BeforeConnect: user and password come from fetch, are kept, and fetched
// once more when the server refuses them, because they were changed meanwhile. So that a connection
// does not have to fail for this, kept ones are tried out first.
func SecretLogin(fetch func(context.Context) (user, password string, err error)) func(context.Context, *pgx.ConnConfig) error {
	return (&secretLogin{fetch: fetch}).apply
}

type secretLogin struct {
	fetch func(context.Context) (user, password string, err error)

	mu             sync.Mutex
	user, password string
}

func (l *secretLogin) apply(ctx context.Context, config *pgx.ConnConfig) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.user != "" {
		config.User, config.Password = l.user, l.password
		if !refused(ctx, config) {
			return nil
		}
	}
	var err error
	if l.user, l.password, err = l.fetch(ctx); err != nil {
		l.user = ""
		return errors.Join(ErrUnavailable, err)
	}
	config.User, config.Password = l.user, l.password
	return nil
}

// refused says whether the server knows user and password no more. Any other trouble will show again
// when the connection is made.
func refused(ctx context.Context, config *pgx.ConnConfig) bool {
	conn, err := pgx.ConnectConfig(ctx, config.Copy())
	if err == nil {
		_ = conn.Close(ctx)
	}
	code := state(err)
	return code == stateInvalidPassword || code == stateInvalidAuthorization
}
