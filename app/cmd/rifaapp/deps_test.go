package main

import (
	"os/exec"
	"strings"
	"testing"
)

// What only tests need must not be in the binary.
func TestBinaryHasNoTestDependencies(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.Lines(string(output)) {
		for _, banned := range []string{"testcontainers", "terratest", "testify", "embedded-postgres"} {
			if strings.Contains(dependency, banned) {
				t.Errorf("the binary depends on %s", strings.TrimSpace(dependency))
			}
		}
	}
}
