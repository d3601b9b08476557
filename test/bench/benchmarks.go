package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// benchmarks runs the Go benchmarks of all packages below folder on the PostgreSQL at dsn and answers their
// lines, also when one of them fails.
func benchmarks(ctx context.Context, folder, dsn string) (lines []string, err error) {
	progress("Go benchmarks")
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", "200ms", "-p", "1", "./...")
	command.Dir = folder
	command.Env = append(os.Environ(), testdb.EnvDSN+"="+dsn)
	command.Stderr = os.Stderr
	output, err := command.Output()
	for line := range strings.Lines(string(output)) {
		if strings.HasPrefix(line, "Benchmark") && strings.Contains(line, "ns/op") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if err != nil {
		return lines, fmt.Errorf("%w\n%s", err, output)
	}
	return lines, nil
}
