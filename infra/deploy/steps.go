package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rifaapp/rifaapp/infra/deploy/account"
)

// step is one part of a longer work.
type step struct {
	name string
	do   func(ctx context.Context) (result string, err error)
	left string // the state things are in when it fails
	next string // what to type then
}

// runSteps does one step after the other, with a line for each that tells its time and result. The first failure ends
// it; its error says what state things are in and what to type next.
func runSteps(ctx context.Context, out io.Writer, steps []step) error {
	for _, s := range steps {
		start := time.Now()
		fmt.Fprintf(out, "%-10s", s.name)
		result, err := s.do(ctx)
		took := time.Since(start).Seconds()
		if err != nil {
			fmt.Fprintf(out, "%7.1f s  failed\n", took)
			if account.Expired(err) {
				s.next = "aws sso login, then repeat it"
			}
			return fmt.Errorf("%s failed: %w\n\nState: %s\nNext:  %s", s.name, err, s.left, s.next)
		}
		fmt.Fprintf(out, "%7.1f s  %s\n", took, result)
	}
	return nil
}
