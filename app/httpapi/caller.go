package httpapi

import (
	"context"
	"errors"
	"net"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/raffle"
)

type callerKey struct{}

// CallerFrom returns the user whose valid access token came with the request; ok is false when
// nobody's did.
func CallerFrom(ctx context.Context) (user uuid.UUID, ok bool) {
	user, ok = ctx.Value(callerKey{}).(uuid.UUID)
	return user, ok
}

// WithCaller returns a context whose caller is user.
func WithCaller(ctx context.Context, user uuid.UUID) context.Context {
	return context.WithValue(ctx, callerKey{}, user)
}

// Authenticate makes Options.Authenticate: it verifies an access token and puts its user into the
// context. It never says what is wrong with a token; the log is not told either, since the reason
// tells mostly about whoever is trying.
func Authenticate(tokens *auth.Tokens) func(ctx context.Context, token string) (context.Context, uuid.UUID, error) {
	return func(ctx context.Context, token string) (context.Context, uuid.UUID, error) {
		user, err := tokens.Verify(token)
		switch {
		case err != nil && !errors.Is(err, auth.ErrToken):
			return ctx, uuid.Nil, err
		case err != nil:
			return ctx, uuid.Nil, raffle.Refuse(raffle.CodeUnauthenticated, "The access token is not valid or has expired; log in again or use the refresh token.")
		}
		return WithCaller(ctx, user), user, nil
	}
}

// clientAddress is the address the request comes from: what the gateway saw when there is one, else
// the socket's other end. No header is asked: X-Forwarded-For says whatever the client likes.
func clientAddress(ctx huma.Context) string {
	if g, ok := GatewayFrom(ctx.Context()); ok && g.SourceIP != "" {
		return g.SourceIP
	}
	host, _, err := net.SplitHostPort(ctx.RemoteAddr())
	if err != nil {
		return ctx.RemoteAddr()
	}
	return host
}
