package infra

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/infra/tools"
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
	w.attach(t)
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
			out, err := w.run(t.Context(), filepath.Join("modules", name), "terraform", "test")
			if err != nil || !strings.Contains(out, "Success!") {
				t.Fatalf("terraform test: %v\n%s", err, out)
			}
		})
	}
}

// TestScan finds no HIGH and no CRITICAL fault; what is excepted says why beside it.
func TestScan(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tfsec, ok := tools.Tfsec.Find("../../.rifaapp/tools")
	if !ok {
		t.Skip("tfsec is not in .rifaapp/tools: `go tool mage scan` builds and runs it")
	}
	if out, err := w.run(t.Context(), ".", tfsec, "modules", "--minimum-severity", "HIGH", "--no-color", "--concise-output"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, file := range moduleFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if strings.HasPrefix(strings.TrimSpace(line), "#tfsec:ignore:") && (i == 0 || !strings.HasPrefix(strings.TrimSpace(lines[i-1]), "# ")) {
				t.Errorf("%s:%d: the exception has no reason above it", file, i+1)
			}
		}
	}
}

func moduleFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../infra/modules/*/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatal("no modules", err)
	}
	return files
}

// TestModulesAreDescribed: every variable has a type and a description, and every one that is not a plain switch refuses
// what cannot be.
func TestModulesAreDescribed(t *testing.T) {
	t.Parallel()
	for _, file := range moduleFiles(t) {
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
