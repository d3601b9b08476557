// Command scaling works out what RifaApp needs on AWS, from 10 buyers of one raffle to 50 000 buyers
// of a thousand: functions, connections, capacity, money. It prints the table of infra/SCALING.md, or
// writes it there with --write. Inputs are measured.json, which `go tool mage bench -save=true` writes,
// and the assumptions in model.go.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

//go:embed measured.json
var measuredJSON []byte

const (
	page  = "infra/SCALING.md"
	begin = "<!-- written by go run ./infra/scaling --write -->\n"
	end   = "<!-- end -->\n"
)

func main() {
	write := flag.Bool("write", false, "write the table into "+page)
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	var m Measured
	if err := json.Unmarshal(measuredJSON, &m); err != nil {
		return fmt.Errorf("measured.json: %w; go tool mage bench -save=true writes it", err)
	}
	if !write {
		fmt.Print(report(m, assumptions))
		return nil
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	renewed, err := renew(string(text), report(m, assumptions))
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(renewed), 0o644)
}

// renew puts the report between the marks of a page.
func renew(text, report string) (string, error) {
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", errors.New(page + " has lost the marks around its table")
	}
	return before + begin + report + end + after, nil
}

// loads are the lines of the table.
var loads = []Load{
	{1, 10, false}, {1, 1_000, false}, {1, 1_000, true}, {1, 10_000, true}, {1, 50_000, true},
	{100, 10_000, true}, {1_000, 50_000, false}, {1_000, 50_000, true},
}

func report(m Measured, a Assumptions) string {
	var s strings.Builder
	fmt.Fprintf(&s, "A cycle takes %.2f ms of the API's processor and %.2f ms of the database's, and writes %.1f kB of WAL; a look at the board takes %.2f and %.2f ms (measured at commit %s). "+
		"One raffle's counters let %.0f cycles a second through, if a commit takes %.0f ms.\n\n",
		m.CycleAPIMillis, m.CycleDatabaseMillis, m.CycleWALBytes/1000, m.LookAPIMillis, m.LookDatabaseMillis, m.Commit, HotLimit(a), a.CommitMillis)
	s.WriteString("| raffles | buyers at once | CDN | cycles/s | reads/s at the API | of a raffle's limit | functions | connections had | enough | ACU | per 1 000 sales | capacity's part |\n" +
		"|--:|--:|---|--:|--:|--:|--:|--:|---|--:|--:|--:|\n")
	for _, l := range loads {
		n := Reckon(m, a, l)
		fmt.Fprintf(&s, "| %.0f | %.0f | %s | %.1f | %.0f | %.0f %% | %.0f | %.0f | %s | %.1f | $%.4f | %.0f %% |\n", l.Raffles, l.Buyers, yes(l.CDN), n.CyclesPerSecond,
			n.OriginReads, 100*n.OfHotLimit, n.Concurrency, n.ConnectionsHad, yes(n.Enough), n.ACU, n.CostPer1000Sales, 100*n.DatabaseShare)
	}
	return s.String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
