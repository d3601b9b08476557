package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// benchmarks runs the Go benchmarks of all packages on the same PostgreSQL and keeps their lines.
func (b *bench) benchmarks(ctx context.Context) error {
	progress("Go benchmarks")
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", "200ms", "-p", "1", "./...")
	command.Env = append(os.Environ(), testdb.EnvDSN+"="+b.pg.DSN("postgres"))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("the Go benchmarks: %w\n%s", err, output)
	}
	lines := bufio.NewScanner(strings.NewReader(string(output)))
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, "Benchmark") {
			b.table.goes = append(b.table.goes, line)
		}
	}
	return lines.Err()
}
