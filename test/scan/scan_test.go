package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const said = `
{"config":{"scanner_name":"govulncheck"}}
{"finding":{"osv":"GO-1","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8"}]}}
{"finding":{"osv":"GO-1","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8","package":"net/http","function":"Get"}]}}
{"finding":{"osv":"GO-2","fixed_version":"v0.9.1","trace":[{"module":"example.com/zip","version":"v0.9.0"}]}}
`

func TestWeaknessesOfModulesCount(t *testing.T) {
	t.Parallel()
	r, err := read(strings.NewReader(said))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.tell(&text); err != nil {
		t.Errorf("weaknesses of Go and of code that is not reached fail the scan: %v", err)
	}
	for _, want := range []string{"GO-1 in Go's library: build with Go 1.26.9 or later (this is 1.26.8)", "0 weaknesses of modules and 1 of Go's library are reached; 1 more are not"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &text)
		}
	}
	const reached = `{"finding":{"osv":"GO-2","fixed_version":"v0.9.1","trace":[{"module":"example.com/zip","version":"v0.9.0","function":"Open"}]}}`
	if r, err = read(strings.NewReader(said + reached)); err != nil {
		t.Fatal(err)
	}
	if err := r.tell(&text); err == nil || !strings.Contains(text.String(), "GO-2 in example.com/zip v0.9.0, reached 1 times: mended in v0.9.1") {
		t.Errorf("a module's weakness gives %v:\n%s", err, &text)
	}
	if _, err := read(strings.NewReader(`{"finding":`)); err == nil {
		t.Error("half an answer counts as a whole one")
	}
}

// The exceptions of .gitleaks.toml are for the values they name: others in the same files are found.
func TestExceptionsAreNarrow(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	scanner, ok := gitleaks.Find(filepath.Join(root, ".rifaapp", "tools"))
	if !ok {
		t.Skip("gitleaks is not in .rifaapp/tools: `go tool mage scan` builds and runs it")
	}
	for name, line := range map[string]string{
		"app/httpapi/accounts.go":       `"refresh_token": "%s"`,
		"app/auth/passwords_test.go":    `salt, key := "%s"`,
		"test/trust/canary/new_test.go": `s.Add("access token", "%s")`,
	} {
		digest := sha256.Sum256([]byte(name)) // written out here it would be found here
		text := fmt.Sprintf(line, base64.RawURLEncoding.EncodeToString(digest[:]))
		dir := t.TempDir()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		look := exec.Command(scanner, "dir", ".", "--config", filepath.Join(root, ".gitleaks.toml"), "--redact", "--no-banner")
		look.Dir = dir
		if said, err := look.CombinedOutput(); err == nil {
			t.Errorf("nothing is found in %s: %s\n%s", name, text, said)
		}
	}
}
