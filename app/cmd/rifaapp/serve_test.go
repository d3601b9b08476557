package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// Before the migrations are deployed the process is up and says so, and refuses everything else.
// Deploying is for who has the token; of two processes that do it at once only one does.
func TestUntilMigrated(t *testing.T) {
	t.Parallel()
	db := testdb.NewEmpty(t)
	env := append(db.Env(), "MIGRATIONS_TOKEN=sesame")
	closed, one, two := start(t, db.Env()...), start(t, env...), start(t, env...)
	one.logs("the database is not migrated", "rifaapp migrate deploy")
	for _, command := range []string{"check", "rebuild"} {
		if status, said := invoke(t, environment(env...), "projections", command); status != 1 || !strings.Contains(said, "run `rifaapp migrate`") {
			t.Errorf("projections %s: exit status %d: %s", command, status, said)
		}
	}
	one.want(one.call("GET", "/health", ""), 200, "")
	one.want(one.call("GET", "/ready", ""), 503, "not_ready")
	one.want(one.call("GET", "/v2/raffles", ""), 503, "not_ready")
	closed.want(closed.call("POST", "/migrations/run", "sesame"), 404, "not_found")
	one.want(one.call("POST", "/migrations/run", ""), 401, "unauthenticated")
	one.want(one.call("POST", "/migrations/run", "open"), 401, "unauthenticated")

	answers := make([]answer, 2)
	var group sync.WaitGroup
	for i, p := range []*process{one, two} {
		group.Go(func() { answers[i] = p.call("POST", "/migrations/run", "sesame") })
	}
	group.Wait()
	deployed := 0
	for _, a := range answers {
		one.want(a, 200, "")
		if applied, ok := a.body["applied"].([]any); ok && len(applied) > 0 {
			deployed++
		}
	}
	if deployed != 1 {
		t.Errorf("%d processes deployed: %v", deployed, answers)
	}
	for _, p := range []*process{closed, one, two} {
		p.want(p.call("GET", "/ready", ""), 200, "")
		p.eventually("/v2/raffles", http.StatusOK)
	}
}

// logs waits until all of the words are in the log.
func (p *process) logs(words ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		missing := slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(p.log.String(), word) })
		if !missing {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%q is not in the log:\n%s", words, p.log)
		}
	}
}

// eventually asks until the answer has the status: a refusal stands for a moment.
func (p *process) eventually(path string, status int) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		a := p.call("GET", path, "")
		if a.status == status {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s still answers %d %v", path, a.status, a.body)
		}
	}
}

func TestAutoMigrate(t *testing.T) {
	t.Parallel()
	db := testdb.NewEmpty(t)
	p := start(t, append(db.Env(), "AUTO_MIGRATE=true", "DOCS_ENABLED=false")...)
	p.want(p.call("GET", "/ready", ""), 200, "")
	p.want(p.call("GET", "/docs", ""), 404, "not_found")
	p.want(p.call("GET", "/redoc", ""), 404, "not_found")
	if err := p.end(); err != nil {
		t.Errorf("stopped on request, it says: %v", err)
	}
	if _, err := http.Get(p.url + "/health"); err == nil {
		t.Error("it still answers after its end")
	}
}

// Only lists that anybody may see are asked of DB_READ_HOST; here nothing answers there.
func TestReadHost(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	p := start(t, append(db.Env(), "DB_READ_HOST=127.0.0.77")...)
	p.want(p.call("GET", "/v2/raffles", ""), 503, "database_unavailable")
	p.want(p.call("GET", "/v2/raffles/0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6", ""), 404, "not_found")
	p.want(p.call("GET", "/ready", ""), 200, "")
}
