package httpapi

import (
	"context"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/postgres"
)

// requestContext carries the exchange and chi's routing state without a context of its own for each.
type requestContext struct {
	context.Context
	x *exchange
}

// Value finds the exchange and the routing state; everything else is the parent's.
func (c *requestContext) Value(key any) any {
	switch key {
	case exchangeKey{}:
		return c.x
	case chi.RouteCtxKey:
		return &c.x.route
	}
	return c.Context.Value(key)
}

// context is what handlers work under: it ends after the timeout or when the client leaves.
func (x *exchange) context(parent context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(parent, timeout)
	ctx, x.wait = postgres.MeasureWait(ctx)
	return &requestContext{Context: ctx, x: x}, cancel
}

// measurePasswords has what passwords take kept for the log. A burst of logins queues for them: neither the
// database nor the duration alone would tell.
func measurePasswords(ctx context.Context) context.Context {
	if x := exchangeFrom(ctx); x != nil {
		ctx, x.passwords = auth.MeasurePasswords(ctx)
	}
	return ctx
}
