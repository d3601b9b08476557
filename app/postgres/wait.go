package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Wait adds up how long one request waited for the database: for a connection and for answers.
type Wait struct{ nanos atomic.Int64 }

// Duration is the time waited so far.
func (w *Wait) Duration() time.Duration { return time.Duration(w.nanos.Load()) }

type waitKey struct{}
type waitStartKey struct{}

// MeasureWait returns a context whose database calls add their time to the returned Wait.
func MeasureWait(ctx context.Context) (context.Context, *Wait) {
	w := &Wait{}
	return context.WithValue(ctx, waitKey{}, w), w
}

// waitTracer hangs on the driver's own hooks so that no query has to be wrapped.
type waitTracer struct{}

func (waitTracer) start(ctx context.Context) context.Context {
	if ctx.Value(waitKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, waitStartKey{}, time.Now())
}

func (waitTracer) end(ctx context.Context) {
	started, ok := ctx.Value(waitStartKey{}).(time.Time)
	if !ok {
		return
	}
	if w, ok := ctx.Value(waitKey{}).(*Wait); ok {
		w.nanos.Add(int64(time.Since(started)))
	}
}

func (t waitTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.start(ctx)
}

func (t waitTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	t.end(ctx)
}

func (t waitTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.start(ctx)
}

func (waitTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (t waitTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	t.end(ctx)
}

func (t waitTracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return t.start(ctx)
}

func (t waitTracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	t.end(ctx)
}
