package comment

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
)

// gitHub keeps the comments of pull request 12.
type gitHub struct {
	*httptest.Server
	bodies []string // id is the place, from 1
}

func newGitHub(t *testing.T, others int) *gitHub {
	t.Helper()
	g := &gitHub{}
	for i := range others {
		g.bodies = append(g.bodies, fmt.Sprintf("comment %d", i))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/rifaapp/rifaapp/issues/12/comments", func(w http.ResponseWriter, r *http.Request) {
		var page, size int
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		fmt.Sscan(r.URL.Query().Get("per_page"), &size)
		list := []map[string]any{}
		for id := (page-1)*size + 1; id <= min(page*size, len(g.bodies)); id++ {
			list = append(list, map[string]any{"id": id, "body": g.bodies[id-1]})
		}
		_ = json.NewEncoder(w).Encode(list)
	})
	mux.HandleFunc("POST /repos/rifaapp/rifaapp/issues/12/comments", func(w http.ResponseWriter, r *http.Request) {
		g.bodies = append(g.bodies, read(r))
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("PATCH /repos/rifaapp/rifaapp/issues/comments/{id}", func(_ http.ResponseWriter, r *http.Request) {
		var id int
		fmt.Sscan(r.PathValue("id"), &id)
		g.bodies[id-1] = read(r)
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func read(r *http.Request) string {
	var content struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&content)
	return content.Body
}

func (g *gitHub) pullRequest() PullRequest {
	return PullRequest{Target: dispatch.Target{API: g.URL, Repository: "rifaapp/rifaapp", Token: "t"}, Number: "12"}
}

func TestPutMakesOneCommentForEachTitle(t *testing.T) {
	t.Parallel()
	g := newGitHub(t, 130)
	for _, plan := range []struct{ title, text string }{{"Plan of dev", "first"}, {"Plan of prod", "other"}, {"Plan of dev", "second ```` end"}} {
		if err := Put(t.Context(), g.pullRequest(), plan.title, "1 to add", plan.text); err != nil {
			t.Fatal(err)
		}
	}
	if len(g.bodies) != 132 {
		t.Fatalf("%d comments", len(g.bodies))
	}
	dev := g.bodies[130]
	if !strings.Contains(dev, "### Plan of dev: 1 to add") || strings.Contains(dev, "first") || !strings.Contains(dev, "\n`````\nsecond ```` end\n`````\n") {
		t.Errorf("dev's comment is %q", dev)
	}
	if !strings.Contains(g.bodies[131], "other") {
		t.Errorf("prod's comment is %q", g.bodies[131])
	}
}

func TestPutKeepsTheEndOfALongPlan(t *testing.T) {
	t.Parallel()
	g := newGitHub(t, 0)
	if err := Put(t.Context(), g.pullRequest(), "Plan of dev", "", strings.Repeat("ñ", 50_000)+"Plan: 1 to add"); err != nil {
		t.Fatal(err)
	}
	if body := g.bodies[0]; len(body) > 65_536 || !strings.Contains(body, "Plan: 1 to add") || !strings.Contains(body, "the beginning is in the job's log") {
		t.Errorf("%d bytes, ending %q", len(body), body[len(body)-100:])
	}
}

func TestPutSaysWhatTheTokenLacks(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "t is bad")
	}))
	defer server.Close()
	err := Put(t.Context(), PullRequest{Target: dispatch.Target{API: server.URL, Repository: "a/b", Token: "t"}, Number: "1"}, "Plan", "", "")
	if err == nil || !strings.Contains(err.Error(), "allowed to write pull requests") {
		t.Errorf("err = %v", err)
	}
}

func TestFromEnvNamesEverythingMissing(t *testing.T) {
	t.Parallel()
	_, err := FromEnv(func(string) string { return "" })
	for _, name := range []string{"GITHUB_REPOSITORY", "GITHUB_TOKEN", "PULL_REQUEST"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
