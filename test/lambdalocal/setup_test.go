package lambdalocal

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/infra/build/artifact"
	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// bootstrap is built once, as `mage build` does, and unpacked as Lambda does.
var bootstrap struct {
	once sync.Once
	dir  string
	path string
	zip  artifact.Artifact
	err  error
}

func TestMain(m *testing.M) { testdb.Main(thenRemove{m}) }

// thenRemove runs the tests and removes the bootstrap.
type thenRemove struct{ tests *testing.M }

// Run returns the tests' exit code.
func (r thenRemove) Run() int {
	code := r.tests.Run()
	if bootstrap.path != "" && flag.Lookup("test.run").Value.String() == "" {
		for _, leak := range canaries.Judge(nil) {
			fmt.Fprintln(os.Stderr, leak)
			code = 1
		}
	}
	_ = os.RemoveAll(bootstrap.dir)
	return code
}

func program(t testing.TB) string {
	t.Helper()
	bootstrap.once.Do(func() {
		if bootstrap.dir, bootstrap.err = os.MkdirTemp("", "rifaapp-lambda-"); bootstrap.err != nil {
			return
		}
		if bootstrap.zip, bootstrap.err = artifact.Build(context.Background(), artifact.Options{Dir: bootstrap.dir, Arch: runtime.GOARCH}); bootstrap.err == nil {
			bootstrap.path, bootstrap.err = artifact.Unpack(bootstrap.zip.Path, bootstrap.dir)
		}
	})
	if bootstrap.err != nil {
		t.Fatal(bootstrap.err)
	}
	return bootstrap.path
}

// canaries are the secrets of all tests: no log of a function and no answer but their owner's may hold
// one.
var canaries = canary.Plant()

// client looks through every answer for them.
var client = &http.Client{Transport: canaries.Watch(&http.Transport{DisableCompression: true, DisableKeepAlives: true})}

// keys are the function's JWT_KEYS.
func keys(t testing.TB) string {
	t.Helper()
	text, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		t.Fatal(err)
	}
	return "JWT_KEYS=" + string(text)
}

// local is a function with a gateway in front and a link to its database behind.
type local struct {
	t        testing.TB
	function *Function
	link     *Link
	log      *testserver.Log
	url      string // up to and including /rifaapp
}

// start runs the bootstrap on the database, with further variables.
func start(t testing.TB, database *testdb.Database, o Options) *local {
	t.Helper()
	options := database.Options()
	link, err := NewLink(fmt.Sprintf("%s:%d", options.Host, options.Port))
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(link.Address, ":")
	l := &local{t: t, link: link, log: &testserver.Log{}}
	o.Program, o.Log = program(t), l.log
	o.Env = append([]string{keys(t)}, append(database.Env(), append([]string{"DB_HOST=" + host, "DB_PORT=" + port}, o.Env...)...)...)
	l.function = New(o)
	server := httptest.NewServer(Gateway{l.function})
	l.url = server.URL + "/rifaapp"
	t.Cleanup(func() {
		server.Close()
		l.function.Close()
		_ = link.Close()
		for _, leak := range canaries.Found(l.log.String()) {
			t.Errorf("the function's log tells a secret: %s", leak)
		}
		if t.Failed() {
			t.Logf("the function's log, without what went well:\n%s", complaints(l.log.String()))
		}
	})
	return l
}

// complaints are the lines of a log that are not of level INFO.
func complaints(log string) string {
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"level":"INFO"`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// call sends a request and returns the answer; body may be nil.
func (l *local) call(method, path, token string, body any) (status int, answer []byte) {
	l.t.Helper()
	data := []byte{}
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			l.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(l.t.Context(), method, l.url+path, bytes.NewReader(data))
	if err != nil {
		l.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		l.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// want is call that stops the test unless the status is the expected one; it returns the answer's
// members.
func (l *local) want(status int, method, path, token string, body any) map[string]any {
	l.t.Helper()
	got, answer := l.call(method, path, token, body)
	if got != status {
		l.t.Fatalf("%s %s: got %d, want %d: %.500s", method, path, got, status, answer)
	}
	var members map[string]any
	if err := json.Unmarshal(answer, &members); err != nil {
		l.t.Fatalf("%s %s: %v: %.500s", method, path, err, answer)
	}
	return members
}

// raffle registers an organiser and opens a raffle of so many numbers.
func (l *local) raffle(numbers int) (path string) {
	l.t.Helper()
	account := l.want(201, "POST", "/auth/register", "", map[string]any{
		"name": canaries.Get("organiser name"), "email": canaries.Get("organiser e-mail"), "password": canaries.Get("organiser password"),
	})
	token, _ := account["access_token"].(string)
	raffle := l.want(201, "POST", "/v2/raffles", token, map[string]any{"title": "Moto 0 km", "ticket_price": 5000, "total_tickets": numbers})
	return fmt.Sprintf("/v2/raffles/%s", raffle["id"])
}
