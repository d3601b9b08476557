package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// resultsFile is where -save writes, from the root of the repository.
const resultsFile = "test/bench/RESULTS.md"

// table is what the run came to.
type table struct {
	rows []row
	took time.Duration
	goes []string // the lines of the Go benchmarks
}

// row is one figure and what it must reach; an empty bar is for information.
type row struct {
	what, figure, beside, bar string
	below                     bool
}

func (r row) verdict() string {
	switch {
	case r.bar == "":
		return ""
	case r.below:
		return "MISSED"
	}
	return "ok"
}

func (t *table) below() (n int) {
	for _, r := range t.rows {
		if r.below {
			n++
		}
	}
	return n
}

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "\n%-36s %14s  %-32s %-22s %s\n", "what", "measured", "beside", "bar", "")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%-36s %14s  %-32s %-22s %s\n", r.what, r.figure, r.beside, r.bar, r.verdict())
	}
	for _, line := range t.goes {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "\n%s; %d of %d bars missed\n", t.took.Round(time.Second), t.below(), t.bars())
}

func (t *table) bars() (n int) {
	for _, r := range t.rows {
		if r.bar != "" {
			n++
		}
	}
	return n
}

// save writes the table as Markdown.
func (t *table) save(ctx context.Context, b *bench) error {
	var s strings.Builder
	measuredAt := commit(ctx) // before the files that are written here are a change of their own
	fmt.Fprintf(&s, "# Speed, as measured\n\nWritten by `go tool mage bench -save=true`; medians of %d rounds, of figures and of ratios; a ratio compares figures of the same round. Faults, deadlocks and the peak of memory are the worst of all rounds. "+
		"What is measured and how is in `test/bench`.\n\n", b.size.rounds)
	fmt.Fprintf(&s, "| | |\n|---|---|\n| commit | %s |\n| date | %s |\n| machine | %s |\n| PostgreSQL | %s |\n| took | %s |\n\n",
		measuredAt, time.Now().UTC().Format("2006-01-02"), machine(), b.version(ctx), t.took.Round(time.Second))
	s.WriteString("| what | measured | beside | bar | |\n|---|---|---|---|---|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s |\n", r.what, r.figure, r.beside, r.bar, r.verdict())
	}
	if len(t.goes) > 0 {
		s.WriteString("\n```text\n" + strings.Join(t.goes, "\n") + "\n```\n")
	}
	if err := os.WriteFile(resultsFile, []byte(s.String()), 0o644); err != nil {
		return err
	}
	b.measured.Commit = measuredAt
	inputs, err := json.MarshalIndent(b.measured, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(measuredFile, append(inputs, '\n'), 0o644)
}

// measuredFile are the inputs of the model of infra/SCALING.md, whose table follows them:
// go run ./infra/scaling --write.
const measuredFile = "infra/scaling/measured.json"

// measured are processor times, which say the same on a busy machine, and bytes.
type measured struct {
	Commit              string  `json:"commit"`
	CycleAPIMillis      float64 `json:"cycle_api_ms"`
	CycleDatabaseMillis float64 `json:"cycle_database_ms"`
	CycleWALBytes       float64 `json:"cycle_wal_bytes"`
	LookAPIMillis       float64 `json:"look_api_ms"` // of the compact board
	LookDatabaseMillis  float64 `json:"look_database_ms"`
}

func commit(ctx context.Context) string {
	output, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(output))
}

func machine() string {
	name := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	load := ""
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load " + strings.Fields(string(text))[0] + " at the end"
	}
	return fmt.Sprintf("%d cores (%s), %s, %s%s", runtime.NumCPU(), name, runtime.GOOS, runtime.Version(), load)
}

func (b *bench) version(ctx context.Context) (version string) {
	if err := b.db.QueryRow(ctx, `SHOW server_version`).Scan(&version); err != nil {
		return "unknown"
	}
	return version
}
