package postgres

import (
	"context"
	"sync/atomic"
)

type pingKey struct{}

// PingFirst returns the context of one invocation of a Lambda function: the first connection taken
// under it is pinged, however short it was idle. The clock of a frozen process may have stood still,
// so it cannot tell.
func PingFirst(ctx context.Context) context.Context {
	return context.WithValue(ctx, pingKey{}, &atomic.Bool{})
}

// firstOfInvocation is true once in each context that PingFirst made.
func firstOfInvocation(ctx context.Context) bool {
	pinged, ok := ctx.Value(pingKey{}).(*atomic.Bool)
	return ok && !pinged.Swap(true)
}
