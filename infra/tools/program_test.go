package tools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var scanner = Program{Name: "scanner", Version: "v1.2.3", Package: "example.com/scanner", Patience: "no time"}

// fakeGo puts a toolchain into PATH whose `go install` runs script, with the package as $2.
func fakeGo(t *testing.T, script string) {
	t.Helper()
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "go"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path+":/bin:/usr/bin")
}

func TestProgramIsBuiltOnce(t *testing.T) {
	fakeGo(t, `echo "$2" > "$GOBIN/scanner"; chmod +x "$GOBIN/scanner"`)
	dir := t.TempDir()
	if _, ok := scanner.Find(dir); ok {
		t.Fatal("found where there is none")
	}
	var log strings.Builder
	path, err := scanner.Path(t.Context(), dir, &log)
	if err != nil || path != filepath.Join(dir, "scanner-v1.2.3", "scanner") {
		t.Fatalf("path is %q, %v", path, err)
	}
	if built, err := os.ReadFile(path); string(built) != "example.com/scanner@v1.2.3\n" || !strings.Contains(log.String(), "building scanner v1.2.3 (once, no time)") {
		t.Errorf("built %q, %v; said %q", built, err, log.String())
	}
	fakeGo(t, "exit 1")
	if again, err := scanner.Path(t.Context(), dir, &log); again != path || err != nil {
		t.Errorf("the second time it is %q, %v", again, err)
	}
}

func TestProgramThatDoesNotBuild(t *testing.T) {
	fakeGo(t, "echo no such module; exit 1")
	var log strings.Builder
	if _, err := scanner.Path(t.Context(), t.TempDir(), &log); err == nil || !strings.Contains(err.Error(), "the Go module proxy must be reachable") || !strings.Contains(log.String(), "no such module") {
		t.Errorf("err = %v, said %q", err, log.String())
	}
	fakeGo(t, "exit 0")
	if _, err := scanner.Path(t.Context(), t.TempDir(), &log); err == nil || !strings.Contains(err.Error(), "left no program called scanner") {
		t.Errorf("err = %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := scanner.Path(t.Context(), t.TempDir(), &log); err == nil || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("err = %v", err)
	}
}
