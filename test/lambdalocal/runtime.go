package lambdalocal

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// runtimeAPI is the side of Lambda that a process talks to, as AWS documents it in "Using the Lambda
// runtime API for custom runtimes": next, response, error and init error.
type runtimeAPI struct {
	address string
	server  *http.Server

	asked      chan time.Time   // the process asked for an event; one entry each time
	events     chan *invocation // what it is given
	initFailed chan error

	mu      sync.Mutex
	running map[string]*invocation
}

// invocation is one event on its way.
type invocation struct {
	id, trace string
	payload   []byte
	deadline  time.Time
	done      chan result
}

type result struct {
	answer []byte
	err    error
}

func newInvocation(payload []byte, deadline time.Time) *invocation {
	return &invocation{
		id: uuid.NewString(), payload: payload, deadline: deadline, done: make(chan result, 1),
		trace: fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), randomHex(12), randomHex(8)),
	}
}

func startRuntimeAPI() (*runtimeAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{
		address: listener.Addr().String(), asked: make(chan time.Time, 1), events: make(chan *invocation),
		initFailed: make(chan error, 1), running: map[string]*invocation{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = a.server.Serve(listener) }() // ends with close
	return a, nil
}

func (a *runtimeAPI) close() { _ = a.server.Close() }

// next is where the process waits for an event.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case a.asked <- time.Now():
	default: // it asks twice without having been given anything
		http.Error(w, "an earlier request for an event is still waiting", http.StatusForbidden)
		return
	}
	var call *invocation
	select {
	case call = <-a.events:
	case <-r.Context().Done():
		return
	}
	a.mu.Lock()
	a.running[call.id] = call
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+region+":123456789012:function:rifaapp-local")
	h.Set("Lambda-Runtime-Trace-Id", call.trace)
	_, _ = w.Write(call.payload) // a process that is gone shows in its exit
}

// finish gives the invocation its result; false means that there is no such invocation.
func (a *runtimeAPI) finish(id string, r result) bool {
	a.mu.Lock()
	call := a.running[id]
	delete(a.running, id)
	a.mu.Unlock()
	if call == nil {
		return false
	}
	call.done <- r
	return true
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	answer, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		return
	}
	if len(answer) > maxPayload {
		a.finish(r.PathValue("id"), result{err: &Error{"Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}})
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	a.accept(w, a.finish(r.PathValue("id"), result{answer: answer}))
}

func (a *runtimeAPI) failure(w http.ResponseWriter, r *http.Request) {
	a.accept(w, a.finish(r.PathValue("id"), result{err: readError(r)}))
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	select {
	case a.initFailed <- readError(r):
	default: // it has said so already
	}
	a.accept(w, true)
}

func (a *runtimeAPI) accept(w http.ResponseWriter, known bool) {
	w.Header().Set("Content-Type", "application/json")
	if !known {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errorType":"InvalidRequestID","errorMessage":"there is no such invocation"}`)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func readError(r *http.Request) error {
	said := &Error{}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxPayload)).Decode(said); err != nil || said.Message == "" {
		said.Message = "the function failed without saying how"
	}
	if said.Type == "" {
		said.Type = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return said
}

func randomHex(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
