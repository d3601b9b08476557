package infra

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	out, err := w.run(t.Context(), ".", "terraform", "fmt", "-check", "-recursive")
	if err != nil {
		t.Errorf("run terraform fmt -recursive infra; these differ (%v):\n%s", err, out)
	}
}

// TestModules passes the tests that each module carries, on a mocked provider: what is built, and that bad input is refused.
func TestModules(t *testing.T) {
	t.Parallel()
	w := setup(t)
	modules, err := filepath.Glob(w.path("modules", "*", "versions.tf"))
	if err != nil || len(modules) < 6 {
		t.Fatalf("%d modules, %v; want at least six", len(modules), err)
	}
	for _, versions := range modules {
		name := filepath.Base(filepath.Dir(versions))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tests, _ := filepath.Glob(w.path("modules", name, "tests", "*.tftest.hcl")); len(tests) == 0 {
				t.Fatal("the module has no tests/*.tftest.hcl")
			}
			provider(t)
			dir := filepath.Join("modules", name)
			w.init(t, dir)
			out, err := w.run(t.Context(), dir, "terraform", "test")
			if err != nil || !strings.Contains(out, "Success!") {
				t.Fatalf("terraform test: %v\n%s", err, out)
			}
		})
	}
}

// TestModulesAreDescribed: every variable has a type and a description, and every one that is not a plain switch refuses
// what cannot be.
func TestModulesAreDescribed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../infra/modules/*/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatal("no modules", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split("\n"+string(text), "\nvariable \"")[1:] {
			name, body, _ := strings.Cut(block, "\"")
			body, _, _ = strings.Cut(body, "\n}\n")
			for _, want := range []string{"\n  type ", "\n  description ", "\n  validation {"} {
				if want == "\n  validation {" && strings.Contains(body, "= bool\n") {
					continue
				}
				if !strings.Contains(body, want) {
					t.Errorf("%s: variable %s has no %s", file, name, strings.TrimRight(strings.TrimSpace(want), " {"))
				}
			}
		}
		for _, block := range strings.Split("\n"+string(text), "\noutput \"")[1:] {
			if name, body, _ := strings.Cut(block, "\""); !strings.Contains(strings.SplitN(body, "\n}\n", 2)[0], "\n  description ") {
				t.Errorf("%s: output %s has no description", file, name)
			}
		}
	}
}
