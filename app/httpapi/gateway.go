package httpapi

import "context"

// Gateway is what API Gateway vouches for about one request. app/lambda fills it from the event's
// request context; a plain HTTP server has none.
type Gateway struct {
	RequestID    string // the gateway's id of the request
	SourceIP     string // the client's address as the gateway saw it
	IAMPrincipal string // ARN of the caller when the route is protected by IAM, else empty
	TraceID      string // X-Ray trace header of the invocation, else empty
	ColdStart    bool   // first invocation of this process

	// Claims are those of the token that a JWT authorizer of the gateway has checked; nil without one.
	// The API checks its own tokens and takes no caller from here.
	Claims map[string]string
	// MaxAnswer bounds the body of an answer in bytes, as it is sent; 0 means no bound.
	MaxAnswer int
}

type gatewayKey struct{}

// WithGateway returns a context that carries what the gateway vouches for.
func WithGateway(ctx context.Context, g Gateway) context.Context {
	return context.WithValue(ctx, gatewayKey{}, g)
}

// GatewayFrom returns what WithGateway stored; ok is false outside API Gateway.
func GatewayFrom(ctx context.Context) (g Gateway, ok bool) {
	g, ok = ctx.Value(gatewayKey{}).(Gateway)
	return g, ok
}
