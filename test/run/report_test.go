package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What `go test -json` says about a package that passes, one that fails, one that skips, one without
// tests and one that does not compile.
const events = `
{"Action":"run","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestGood"}
{"Action":"output","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestGood","Output":"    a_test.go:7: figure: R4   5000 operations\n"}
{"Action":"pass","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestGood","Elapsed":0.1}
{"Action":"output","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestAway","Output":"=== RUN   TestAway\n"}
{"Action":"output","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestAway","Output":"    a_test.go:7: sqitch is not installed: apt-get install sqitch\n"}
{"Action":"output","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestAway","Output":"--- SKIP: TestAway (0.00s)\n"}
{"Action":"skip","Package":"github.com/rifaapp/rifaapp/app/a","Test":"TestAway","Elapsed":0}
{"Action":"pass","Package":"github.com/rifaapp/rifaapp/app/a","Elapsed":1.5}
{"Action":"output","Package":"github.com/rifaapp/rifaapp/app/b","Test":"TestBad","Output":"    b_test.go:9: want 1, got 2\n"}
{"Action":"fail","Package":"github.com/rifaapp/rifaapp/app/b","Test":"TestBad","Elapsed":0.1}
{"Action":"fail","Package":"github.com/rifaapp/rifaapp/app/b","Elapsed":0.2}
{"Action":"skip","Package":"github.com/rifaapp/rifaapp/app/none","Elapsed":0}
{"Action":"build-output","ImportPath":"github.com/rifaapp/rifaapp/app/c","Output":"c.go:1: syntax error\n"}
{"Action":"output","Package":"github.com/rifaapp/rifaapp/app/c","Output":"FAIL app/c [build failed]\n"}
{"Action":"fail","Package":"github.com/rifaapp/rifaapp/app/c","Elapsed":0,"FailedBuild":"github.com/rifaapp/rifaapp/app/c"}
`

func TestReport(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	r := &report{out: &text, database: "embedded", watched: 1, plain: 2}
	for line := range strings.Lines(strings.TrimSpace(events)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		r.add(e)
	}
	if r.failed() != 2 {
		t.Errorf("%d failures, want the test and the package that does not compile", r.failed())
	}
	if early := text.String(); !strings.Contains(early, "failed: app/b: TestBad\n        b_test.go:9: want 1, got 2\nFAIL app/b") {
		t.Errorf("a failure is not told when it happens:\n%s", early)
	}
	r.print()
	for _, want := range []string{
		"app/a                                    1       1       0       1.5",
		"app/c                                    0       0       0       0.0  failed outside its tests",
		"skipped: app/a: TestAway: sqitch is not installed: apt-get install sqitch",
		"R4       5000 operations", "with the race detector in 1 of 3 packages", "b_test.go:9: want 1, got 2", "c.go:1: syntax error",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &text)
		}
	}
	_, end, _ := strings.Cut(text.String(), "promise  figures")
	for _, want := range []string{"failed: app/b: TestBad\n        b_test.go:9: want 1, got 2\n", "failed: app/c failed outside its tests\n        FAIL app/c [build failed]\n"} {
		if !strings.Contains(end, want) {
			t.Errorf("the end of the report lacks %q:\n%s", want, end)
		}
	}
	if strings.Contains(text.String(), "app/none") {
		t.Error("a package without tests is in the table")
	}
	if !strings.HasSuffix(text.String(), "\n1 passed, 2 failed, 1 skipped\n") {
		t.Errorf("the last line is not the summary:\n%s", &text)
	}
}

func TestReasonOfASkipThatSaysNothing(t *testing.T) {
	t.Parallel()
	if got := reason(nil); got != "no reason given" {
		t.Errorf("got %q", got)
	}
}

func TestSlowestFirst(t *testing.T) {
	t.Parallel()
	packages := []string{module + "app/auth", module + "sqitch", module + "app/query", module + "test/trust/chaos"}
	slowestFirst(packages)
	want := []string{module + "test/trust/chaos", module + "sqitch", module + "app/auth", module + "app/query"}
	if !slices.Equal(packages, want) {
		t.Errorf("got %q, want %q", packages, want)
	}
	for _, name := range slowest {
		if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
			t.Errorf("slowest names a package that is not there: %v", err)
		}
	}
}
