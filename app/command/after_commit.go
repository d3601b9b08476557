package command

import "context"

// afterCommit keeps what a command does once it is committed while its transaction is another's: under
// an Idempotency-Key a command only joins the transaction that stores its answer.
type afterCommit struct {
	tasks []func(ctx context.Context) error
}

type afterCommitKey struct{}

// in returns a context whose commands leave their tasks here.
func (a *afterCommit) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, afterCommitKey{}, a)
}

// reset forgets the tasks of a transaction that is run again.
func (a *afterCommit) reset() { a.tasks = nil }

// run does what was left, after the commit. Faults are not reported: the command did succeed, and
// whatever is left here the minute's work does, too.
func (a *afterCommit) run(ctx context.Context) {
	for i := 0; i < len(a.tasks); i++ { // a task may leave another: a seal, its witness
		_ = a.tasks[i](ctx)
	}
}

// onceCommitted does the task, now when ctx's command has a transaction of its own, which is over, and
// otherwise after the commit of the one it joined.
func onceCommitted(ctx context.Context, task func(ctx context.Context) error) error {
	if later, joined := ctx.Value(afterCommitKey{}).(*afterCommit); joined {
		later.tasks = append(later.tasks, task)
		return nil
	}
	return task(ctx)
}
