// Package lambdalocal runs the very program that Lambda would run, on this machine, under a Lambda
// Runtime API and an API Gateway front of ours. Between invocations it freezes the process as Lambda
// does; it can also kill it and cut its connections to the database while it sleeps.
//
// What it does not imitate: IAM, memory and processor limits, extensions, response streaming.
package lambdalocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Options say what to run.
type Options struct {
	Program   string   // the bootstrap of the zip
	Env       []string // the function's own variables, each as name=value; nothing else is passed on
	Log       io.Writer
	Timeout   time.Duration // of one invocation; 0 means 15 s, as the function has on AWS
	Instances int           // how many may run at once; 0 means 20
	Warm      bool          // leave processes running between invocations, as Lambda never does
}

// Function is a function with all its instances: processes of one program, each of which answers one
// invocation at a time.
type Function struct {
	options Options
	places  chan struct{} // one for each instance that may be busy

	mu     sync.Mutex
	idle   []*instance // the one used last is taken first, as Lambda does
	all    map[*instance]struct{}
	starts []Start
	closed bool
}

// Start is what one cold start came to.
type Start struct {
	Init time.Duration // from exec until the process asked for its first event
}

// Limits of Lambda itself.
const (
	defaultTimeout   = 15 * time.Second
	defaultInstances = 20
	initTimeout      = 10 * time.Second
	maxPayload       = 6 << 20 // bytes of an event, and of an answer
)

// New makes a function without an instance; the first invocation starts one.
func New(o Options) *Function {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Instances == 0 {
		o.Instances = defaultInstances
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return &Function{options: o, places: make(chan struct{}, o.Instances), all: map[*instance]struct{}{}}
}

// Error is how an invocation failed: in the function's words, or in Lambda's.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Invoke has an instance answer an event. An error that is an *Error came from the function or from
// what Lambda does to it; it waits while all instances are busy.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, &Error{"RequestEntityTooLarge", fmt.Sprintf("the event has %d bytes, more than %d", len(payload), maxPayload)}
	}
	select {
	case f.places <- struct{}{}:
		defer func() { <-f.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	i, err := f.take()
	if err != nil {
		return nil, err
	}
	answer, err := i.invoke(payload, f.options.Timeout)
	f.put(i)
	return answer, err
}

// take wakes the idle instance that was used last, or starts one.
func (f *Function) take() (*instance, error) {
	for {
		f.mu.Lock()
		if f.closed {
			f.mu.Unlock()
			return nil, errors.New("the function is closed")
		}
		if len(f.idle) == 0 {
			f.mu.Unlock()
			return f.start()
		}
		i := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		f.mu.Unlock()
		if i.wake() {
			return i, nil
		}
		f.forget(i) // it died in its sleep
	}
}

func (f *Function) start() (*instance, error) {
	i, took, err := startInstance(f.options)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts = append(f.starts, Start{Init: took})
	f.all[i] = struct{}{}
	return i, nil
}

// put lets an instance sleep once it asks for its next event, which is when Lambda freezes it.
func (f *Function) put(i *instance) {
	if !i.settle(!f.options.Warm) {
		f.forget(i)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = append(f.idle, i)
}

func (f *Function) forget(i *instance) {
	i.kill()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, i)
}

// KillIdle kills all sleeping instances, as Lambda does when it needs the room, and returns how many.
func (f *Function) KillIdle() int {
	f.mu.Lock()
	sleeping := slices.Clone(f.idle)
	f.idle = nil
	f.mu.Unlock()
	for _, i := range sleeping {
		f.forget(i)
	}
	return len(sleeping)
}

// Starts lists the cold starts so far, the first one first.
func (f *Function) Starts() []Start {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

// Pids are the processes of the instances that live.
func (f *Function) Pids() (pids []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.all {
		pids = append(pids, i.process.Process.Pid)
	}
	return pids
}

// Close ends all instances.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	instances := make([]*instance, 0, len(f.all))
	for i := range f.all {
		instances = append(instances, i)
	}
	f.mu.Unlock()
	for _, i := range instances {
		i.kill()
	}
}
