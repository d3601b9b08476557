// Package lambda serves the product as an AWS Lambda function: the events of an API Gateway or of a
// function URL go to the same http.Handler that `rifaapp serve` has, every other known event is a
// task, and an unknown one is refused.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rifaapp/rifaapp/app/httpapi"
	"github.com/rifaapp/rifaapp/app/postgres"
)

// Function answers invocations. Its fields are set before the first one.
type Function struct {
	Name     string // of the function on AWS, by which its metrics are told from those of others
	API      http.Handler
	BasePath string // the gateway's stage, such as "/v2"; the API strips it
	Tasks    Tasks
	Logger   *slog.Logger
	Init     time.Duration // from the start of the process until it was ready for events

	warm atomic.Bool // it has answered an invocation
}

// Tasks is the work that comes as events of its own. What a task returns becomes the answer, as JSON.
type Tasks struct {
	Minute  func(context.Context) (any, error) // EventBridge's scheduled event
	Migrate func(context.Context) (any, error) // {"action":"migrate"}
	Check   func(context.Context) (any, error) // {"action":"check"}
}

// goodbye is what remains of an invocation's time when its context ends: enough to answer, before
// Lambda ends the process.
const goodbye = 500 * time.Millisecond

// Invoke answers one event. Its error is what the caller of the function reads, as errorMessage; API
// Gateway makes a 500 of it, so requests never end in one.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	cold := !f.warm.Swap(true)
	ctx, cancel := beforeTheEnd(postgres.PingFirst(ctx))
	defer cancel()
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, errors.New("the event is not a JSON object of a known form: " + knownEvents)
	}
	if e.isHTTP() {
		return f.serve(ctx, &e, cold)
	}
	return f.run(ctx, &e, cold)
}

func beforeTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-goodbye))
	}
	return ctx, func() {}
}

const (
	knownEvents = `this function takes requests of API Gateway (payload 2.0 and 1.0) and of function URLs, EventBridge's "Scheduled Event", {"action":"migrate"} and {"action":"check"}`

	sourceEventBridge = "aws.events"
	scheduledEvent    = "Scheduled Event"
)

// run does the task that an event asks for.
func (f *Function) run(ctx context.Context, e *event, cold bool) ([]byte, error) {
	name, task := e.Action, (func(context.Context) (any, error))(nil)
	switch {
	case e.Source == sourceEventBridge && e.DetailType == scheduledEvent:
		name, task = "minute", f.Tasks.Minute
	case e.Action == "migrate":
		task = f.Tasks.Migrate
	case e.Action == "check":
		task = f.Tasks.Check
	case e.Action != "":
		return nil, fmt.Errorf("there is no action %q: %s", e.Action, knownEvents)
	}
	if task == nil {
		return nil, errors.New("the event is of no known kind: " + knownEvents)
	}
	started := time.Now()
	done, err := task(ctx)
	if err != nil && name != "migrate" { // whoever migrates needs the script's own error
		err = errors.New(httpapi.FaultText(err))
	}
	f.logTask(ctx, name, done, err, time.Since(started), cold)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return json.Marshal(done)
}

func (f *Function) logTask(ctx context.Context, name string, done any, err error, took time.Duration, cold bool) {
	attrs := []slog.Attr{slog.String("task", name), slog.Float64("duration_ms", milliseconds(took))}
	attrs = append(attrs, f.about(traceID(ctx), cold)...)
	if err != nil {
		f.Logger.LogAttrs(ctx, slog.LevelError, "task", append(attrs, slog.String("error", err.Error()))...)
		return
	}
	f.Logger.LogAttrs(ctx, slog.LevelInfo, "task", append(attrs, slog.Any("report", done))...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
