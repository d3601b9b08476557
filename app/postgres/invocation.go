package postgres

import "context"

type pingKey struct{}

// invocation is told from others by its address.
type invocation struct{ _ byte }

// PingFirst returns the context of one invocation of a Lambda function: each connection is pinged when it is
// taken under it for the first time, however short it was idle. The clock of a frozen process may have stood
// still, so it cannot tell.
func PingFirst(ctx context.Context) context.Context {
	return context.WithValue(ctx, pingKey{}, &invocation{})
}

// seen is where a connection's own data keep the invocation that it was taken in last.
const seen = "rifaapp.invocation"

// firstInInvocation is true once for each connection in each context that PingFirst made.
func firstInInvocation(ctx context.Context, connection map[string]any) bool {
	current, ok := ctx.Value(pingKey{}).(*invocation)
	if !ok || connection[seen] == current {
		return false
	}
	connection[seen] = current
	return true
}
