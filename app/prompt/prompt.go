// Package prompt waits for what a person types, and no longer than the person wants: a read from a
// terminal or a pipe knows no context.
package prompt

import (
	"context"
	"io"
)

// Reader is in, except that a Read that waits ends with ctx, with the context's cause as its error.
// What in delivers after that is lost: end the program soon.
func Reader(ctx context.Context, in io.Reader) io.Reader { return &reader{ctx, in} }

type reader struct {
	ctx context.Context
	in  io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	type outcome struct {
		data []byte
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		own := make([]byte, len(p)) // p is the caller's again once we gave up
		n, err := r.in.Read(own)
		read <- outcome{own[:n], err}
	}()
	select {
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	case o := <-read:
		return copy(p, o.data), o.err
	}
}
