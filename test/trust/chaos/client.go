package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// patience is how long a client repeats a request until it is answered. Only a run that hangs needs it.
const patience = 2 * time.Minute

// clients call the API processes in turn, as a load balancer does, and watch what every answer says.
type clients struct {
	http *http.Client
	urls []string
	next atomic.Uint64

	requests, unavailable, unanswered atomic.Int64

	mu     sync.Mutex
	faults []string // answers that may not be given at all
}

func newClients(urls []string, canaries *canary.Set) *clients {
	return &clients{urls: urls, http: &http.Client{
		Timeout:   30 * time.Second,
		Transport: canaries.Watch(&http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}),
	}}
}

// answer is what one request got; a zero status stands for none.
type answer struct {
	status   int
	code     string
	body     []byte
	replayed bool
}

func (a answer) decode(into any) { _ = json.Unmarshal(a.body, into) }

// settled says whether the answer tells what became of the request.
func (a answer) settled() bool {
	return a.status != 0 && a.status < 500 && a.code != "idempotency_key_in_use" && a.code != "too_many_attempts"
}

// request is a call of the API.
type request struct {
	method, path string
	body         any
	key          string // Idempotency-Key
	token        string
}

// send calls once.
func (c *clients) send(ctx context.Context, r request) answer {
	var body []byte
	if r.body != nil {
		body, _ = json.Marshal(r.body)
	}
	url := c.urls[c.next.Add(1)%uint64(len(c.urls))]
	call, err := http.NewRequestWithContext(ctx, r.method, url+r.path, bytes.NewReader(body))
	if err != nil {
		c.fault("%v", err)
		return answer{}
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Idempotency-Key": r.key, "Authorization": r.token} {
		if value != "" {
			call.Header.Set(name, value)
		}
	}
	c.requests.Add(1)
	response, err := c.http.Do(call)
	if err != nil {
		c.unanswered.Add(1)
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, replayed: response.Header.Get("Idempotency-Replayed") == "true"}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		c.unanswered.Add(1)
		return answer{}
	}
	var problem struct {
		Code string `json:"code"`
	}
	if a.status >= 400 {
		a.decode(&problem)
		a.code = problem.Code
	}
	if a.status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "" {
		c.unavailable.Add(1)
	} else if a.status >= 500 {
		c.fault("%s %s answered %d without being a 503 with Retry-After: %s", r.method, r.path, a.status, a.body)
	}
	return a
}

// settle repeats the call, with its key, until an answer tells what became of it.
func (c *clients) settle(ctx context.Context, random *rand.Rand, r request) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if a := c.send(ctx, r); a.settled() {
			return a
		}
		pause := time.NewTimer(time.Duration(5+random.IntN(45)) * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			c.fault("%s %s was not answered within %s", r.method, r.path, patience)
			return answer{}
		}
	}
}

func (c *clients) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < 20 { // the first ones explain the rest
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

func (c *clients) found() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.faults...)
}
