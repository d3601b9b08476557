package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The test binary plays the compiler and GitHub's program, by the name of the link it is started through, and with
// underTest set it is the command itself.
const underTest = "RIFAAPP_PUBLISH_UNDER_TEST"

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "go": // writes where `go build -o` would
		for i, arg := range os.Args {
			if arg == "-o" && os.WriteFile(os.Args[i+1], []byte("a program of "+os.Getenv("GOARCH")), 0o755) != nil {
				os.Exit(1)
			}
		}
		os.Exit(0)
	case "gh":
		fmt.Println("gh", strings.Join(os.Args[1:], " "), "in", os.Getenv("GH_REPO"))
		os.Exit(0)
	}
	if os.Getenv(underTest) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const changelog = "# Changelog\n\n## 2.1.0, unreleased\n\n- Soon.\n\n## 2.0.0, 2026-12-24\n\n- Written anew.\n\n### For operators\n\n- One binary.\n\n## 1.0.0, 2025-01-01\n\n- First.\n"

// checkout is a repository with a commit, and links to the programs it is worked on with.
type checkout struct{ dir, bin string }

func newCheckout(t *testing.T) checkout {
	t.Helper()
	c := checkout{t.TempDir(), t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]string{"go": self, "gh": self, "git": git} {
		if err := os.Symlink(program, filepath.Join(c.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"CHANGELOG.md": changelog, "app/httpapi/openapi.yaml": "openapi: 3.1.0\n", ".gitignore": "/dist/\n"} {
		c.write(t, name, text)
	}
	c.git(t, "init", "--quiet", "--initial-branch=main")
	c.commit(t)
	return c
}

func (c checkout) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func (c checkout) git(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = c.dir
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, said)
	}
	return strings.TrimSpace(string(said))
}

func (c checkout) commit(t *testing.T) {
	t.Helper()
	c.git(t, "add", ".")
	c.git(t, "-c", "user.name=RifaApp", "-c", "user.email=dev@rifaapp.example", "commit", "--quiet", "--allow-empty", "-m", "Begin")
}

func (c checkout) run(t *testing.T, args ...string) (said string, ok bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, args...)
	command.Dir = c.dir
	command.Env = []string{underTest + "=1", "PATH=" + c.bin, "HOME=" + c.bin, "GITHUB_REPOSITORY=rifaapp/rifaapp", "GITHUB_TOKEN=t"}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), err == nil
}

func (c checkout) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRelease(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	said, ok := c.run(t, "--publish", "v2.0.0")
	if !ok {
		t.Fatal(said)
	}
	if want := "- Written anew.\n\n### For operators\n\n- One binary.\n"; c.read(t, "dist/release/NOTES.md") != want {
		t.Errorf("notes are %q, want %q", c.read(t, "dist/release/NOTES.md"), want)
	}
	for _, part := range []string{
		"version v2.0.0, commit " + c.git(t, "rev-parse", "HEAD"),
		"gh release create v2.0.0 --target " + c.git(t, "rev-parse", "HEAD") + " --title v2.0.0 --notes-file dist/release/NOTES.md",
		"rifaapp-lambda-arm64.zip dist/release/rifaapp-lambda-amd64.zip dist/release/openapi.yaml dist/release/SHA256SUMS in rifaapp/rifaapp",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in\n%s", part, said)
		}
	}
	sums := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = filepath.Join(c.dir, "dist", "release")
	if out, err := sums.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != 3 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func TestReleaseRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, c checkout)
		args  []string
		says  string
	}{
		"no version":  {nil, []string{"2.0"}, `"2.0" is not a version such as v2.0.0`},
		"no section":  {nil, []string{"v3.0.0"}, `CHANGELOG.md has no section "## 3.0.0, <date>"`},
		"no day":      {nil, []string{"v2.1.0"}, `CHANGELOG.md says that 2.1.0 is "unreleased": write the day of its release`},
		"changes":     {func(t *testing.T, c checkout) { c.write(t, "new", "") }, []string{"v2.0.0"}, "only commits are released"},
		"another tag": {func(t *testing.T, c checkout) { c.git(t, "tag", "v2.0.0"); c.commit(t) }, []string{"v2.0.0"}, "v2.0.0 is the tag of commit"},
		"no gh": {func(t *testing.T, c checkout) {
			if err := os.Remove(filepath.Join(c.bin, "gh")); err != nil {
				t.Fatal(err)
			}
		}, []string{"--publish", "v2.0.0"}, "gh is not in PATH: install it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newCheckout(t)
			if c.spoil != nil {
				c.spoil(t, in)
			}
			said, ok := in.run(t, c.args...)
			if ok || !strings.Contains(said, c.says) {
				t.Errorf("ok = %v, said %q, want %q", ok, said, c.says)
			}
			if _, err := os.Stat(filepath.Join(in.dir, "dist")); err == nil {
				t.Error("something was built")
			}
		})
	}
}
