package hostile

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func open(t *testing.T, server *testserver.Server) *suite {
	t.Helper()
	s := &suite{base: server.URL, canaries: server.Canaries, known: &known{values: map[string][]string{}}, client: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     server.Canaries.Watch(&http.Transport{MaxIdleConnsPerHost: workers, DisableCompression: true}),
	}}
	response, err := s.client.Get(s.base + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	if s.d, err = describe(text.Bytes()); err != nil {
		t.Fatal(err)
	}
	return s
}

const workers = 4

// weight is how often an operation is called: hashing passwords costs a hundred times what the rest
// does.
func weight(o operation) int {
	switch {
	case strings.HasSuffix(o.path, "/auth/register"), strings.HasSuffix(o.path, "/auth/login"):
		return 1
	case strings.Contains(o.path, "/v2/"):
		return 12
	}
	return 4
}

// No request, however made, is answered with a fault of ours or with what is not documented (R7).
func TestMadeUpRequests(t *testing.T) {
	t.Parallel()
	seed := trust.Seed(t)
	server, err := testserver.Start("CORS_ALLOW_ORIGINS=*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s := open(t, server)
	s.begin(t)
	var lots []operation
	for _, o := range s.d.operations {
		for range weight(o) {
			lots = append(lots, o)
		}
	}
	total := trust.Size(10_000, 100_000)
	var next, refused, succeeded atomic.Int64
	var everybody sync.WaitGroup
	failures := &failures{t: t, s: s, seen: map[string]bool{}}
	for range workers {
		everybody.Go(func() {
			for i := int(next.Add(1)); i <= total; i = int(next.Add(1)) {
				if i%(total/20) == 0 {
					trust.Progress(t, "%d of %d requests", i, total)
				}
				m := maker{Rand: trust.Rand(seed, i), d: s.d, known: s.known, secret: s.canaries.Get}
				r := m.make(pick(m, lots...))
				status, err := s.try(r)
				if err != nil {
					failures.report(i, r, err)
				}
				if status >= 400 {
					refused.Add(1)
				} else if status > 0 {
					succeeded.Add(1)
				}
			}
		})
	}
	everybody.Wait()
	if _, told, panicked := strings.Cut(server.Log.String(), "panic"); panicked {
		t.Errorf("the log tells of a panic%.2000s", told)
	}
	for _, leak := range server.Leaks() {
		t.Error(leak)
	}
	trust.Figure(t, "R7", "operations", len(s.d.operations), "requests", total, "accepted", succeeded.Load(), "refused", refused.Load(), "findings", len(failures.seen))
	if succeeded.Load() < int64(total/5) || refused.Load() < int64(total/5) {
		t.Errorf("the requests are too much alike: %d accepted, %d refused", succeeded.Load(), refused.Load())
	}
}

// begin makes what the first requests can be about: somebody with a token, and some raffles.
func (s *suite) begin(t *testing.T) {
	t.Helper()
	post := func(path, body string) {
		r := request{operation: operation{method: "POST", path: "/rifaapp" + path}, header: map[string]string{"Content-Type": "application/json"}, body: []byte(body)}
		if token := s.known.values["access_token"]; token != nil {
			r.header["Authorization"] = "Bearer " + token[0]
		}
		response, err := r.send(s.client, s.base)
		if err != nil {
			t.Fatal(err)
		}
		var answer bytes.Buffer
		_, _ = answer.ReadFrom(response.Body)
		if response.StatusCode >= 300 {
			t.Fatalf("%s answers %d: %s", path, response.StatusCode, &answer)
		}
		s.known.learn(answer.Bytes())
	}
	post("/auth/register", fmt.Sprintf(`{"name":%q,"email":%q,"password":%q}`, s.canaries.Get("organiser name"), s.canaries.Get("organiser e-mail"), s.canaries.Get("organiser password")))
	for i := range 10 {
		post("/v2/raffles", `{"title":"Moto","ticket_price":5000,"total_tickets":200,"number_start":0}`)
		post("/v2/raffles/"+s.known.values["id"][i]+"/reservations", `{"participant":{"name":"Luz"},"quantity":3}`)
	}
}

// failures prints each kind of failure once, as small as it gets.
type failures struct {
	t    *testing.T
	s    *suite
	mu   sync.Mutex
	seen map[string]bool
}

func (f *failures) report(number int, r request, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := r.operation.method + r.operation.path + err.Error()[:min(40, len(err.Error()))]
	if f.seen[kind] || len(f.seen) >= 20 {
		return
	}
	f.seen[kind] = true
	small := f.s.shrink(r)
	_, now := f.s.try(small)
	f.t.Errorf("request %d, %s %s: %v\nas small as it gets: %v\n%s", number, r.operation.method, r.operation.path, err, now, small.curl(f.s.base, func(body []byte) string {
		path := trust.Keep(f.t, fmt.Sprintf("body-%d", number))
		if err := os.WriteFile(path, body, 0o600); err != nil {
			f.t.Error(err)
		}
		return path
	}))
}
