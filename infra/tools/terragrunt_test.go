package tools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What people type is the one that is built.
func TestReadmeNamesTheBuiltTerragrunt(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if path := ".rifaapp/tools/terragrunt-" + TerragruntVersion + `"`; !strings.Contains(string(readme), path) {
		t.Errorf("infra/README.md does not show %s", path)
	}
}

func TestAtLeastOne(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"terragrunt version v1.0.0":      true,
		"terragrunt version 1.4.2":       true,
		"terragrunt version v12.0.1":     true,
		"terragrunt version v0.99.4":     false,
		"terragrunt version latest":      false,
		"":                               false,
		"v1 is not a whole version line": false,
	} {
		if got := atLeastOne(line); got != want {
			t.Errorf("atLeastOne(%q) = %v, want %v", line, got, want)
		}
	}
}

// script writes a program that prints line, as an installed Terragrunt would for --version.
func script(t *testing.T, path, line string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+line+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestTerragruntPrefersARecentOneInPath(t *testing.T) {
	path := t.TempDir()
	script(t, filepath.Join(path, "terragrunt"), "terragrunt version v1.2.0")
	t.Setenv("PATH", path+":/bin:/usr/bin")
	got, err := Terragrunt(t.Context(), t.TempDir(), os.Stderr)
	if err != nil || got != filepath.Join(path, "terragrunt") {
		t.Fatalf("got %q, %v; want the one in PATH", got, err)
	}
}

func TestTerragruntPassesOverAnOldOne(t *testing.T) {
	path, dir := t.TempDir(), t.TempDir()
	script(t, filepath.Join(path, "terragrunt"), "terragrunt version v0.77.0")
	built := filepath.Join(dir, "terragrunt-"+TerragruntVersion)
	script(t, built, "terragrunt version "+TerragruntVersion)
	t.Setenv("PATH", path+":/bin:/usr/bin")
	got, err := Terragrunt(t.Context(), dir, os.Stderr)
	if err != nil || got != built {
		t.Fatalf("got %q, %v; want the one built earlier, %q", got, err, built)
	}
	if found, ok := FindTerragrunt(t.Context(), dir); !ok || found != built {
		t.Fatalf("FindTerragrunt = %q, %v; want %q", found, ok, built)
	}
}

func TestTerragruntWithoutToolchainSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Terragrunt(t.Context(), t.TempDir(), os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "install either") {
		t.Fatalf("err = %v; want a sentence that says what to install", err)
	}
	if _, ok := FindTerragrunt(t.Context(), t.TempDir()); ok {
		t.Fatal("FindTerragrunt found one where there is none")
	}
}
