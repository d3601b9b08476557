// Command bench measures the speed that buyers feel, on one embedded PostgreSQL with durable commits:
// the binary over HTTP beside the same work in plain SQL under pgbench, in the naive and in the best
// shape known (lab/). Everything is measured in several rounds, one after the other in each. The table
// at the end has the medians of the rounds' figures and of their ratios, and the bars they must reach:
// the machine's speed changes from one round to the next, which a ratio of medians would show.
//
// It needs pgbench, which comes with PostgreSQL. -save writes the table to RESULTS.md, -profile
// keeps a CPU and a heap profile of the API under the hot run, -quick is the size for tests: it shows
// that everything still runs, its figures say nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	if helped, err := help(os.Args[1:]); helped {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	size := full
	quick := flag.Bool("quick", false, "a small size, to see that everything runs")
	save := flag.Bool("save", false, "write the table to "+resultsFile)
	only := flag.String("only", "", "run measurements whose name has this in it")
	plain := flag.Bool("no-go", false, "leave the Go benchmarks out")
	seconds := flag.Float64("seconds", full.run.Seconds(), "how long one measurement under load takes")
	flag.StringVar(&size.profiles, "profile", "", "keep cpu.pprof and heap.pprof of the hot run in this folder")
	flag.Parse()
	size.run = time.Duration(*seconds * float64(time.Second))
	if *quick {
		profiles := size.profiles
		size = small
		size.profiles = profiles
	}
	size.only, size.goBenchmarks = *only, size.goBenchmarks && !*plain
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, size, *save)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// help makes this process one of those that the bench starts besides the API, until it is ended.
func help(args []string) (helped bool, err error) {
	switch {
	case len(args) == 2 && args[0] == selectOneArg:
		return true, serveSelectOne(args[1])
	case len(args) == 3 && args[0] == delayArg:
		return true, serveDelay(args[1], args[2], roundTrip/2)
	}
	return false, nil
}

// sizes say how much is measured.
type sizes struct {
	rounds       int
	run          time.Duration // of one measurement under load
	clients      []int
	turns        int // cycles of each client of pgbench, instead of run
	numbers      int // of the large raffle
	raffles      int // of the list
	rivals       int // clients that want the same numbers
	logins       int
	crowd        int  // people who log in at once
	ephemeral    bool // PostgreSQL in memory, nothing synced
	goBenchmarks bool
	profiles     string
	only         string
}

var (
	full  = sizes{rounds: 5, run: 4 * time.Second, clients: []int{8, 32}, numbers: 100_000, raffles: 10_000, rivals: 200, logins: 30, crowd: 20, goBenchmarks: true}
	small = sizes{rounds: 1, run: 50 * time.Millisecond, clients: []int{4, 8}, turns: 5, numbers: 2_000, raffles: 20, rivals: 8, logins: 1, crowd: 2, ephemeral: true}
)

// errBelow is the end of a run in which a figure misses its bar: the table says which.
var errBelow = errors.New("some figures miss their bars")

func run(ctx context.Context, size sizes, save bool) error {
	started := time.Now()
	if save && (size.only != "" || size.ephemeral) {
		return errors.New("only a whole run is saved: leave -only and -quick out, or -save")
	}
	b, err := start(ctx, size)
	if err != nil {
		return err
	}
	defer b.stop()
	wanted := slices.DeleteFunc(b.measurements(), func(m *measurement) bool { return !m.wanted(size.only) })
	if len(wanted) == 0 {
		return fmt.Errorf("nothing that is measured has %q in its name", size.only)
	}
	for _, m := range wanted {
		err := b.measure(ctx, m)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted while measuring %s: %w", m.name, ctx.Err())
		}
		if err != nil && size.ephemeral {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err != nil { // the rest is worth measuring all the same
			b.failed(m.name, err)
		}
	}
	if size.goBenchmarks {
		if b.table.goes, err = benchmarks(ctx, ".", b.pg.DSN("postgres")); err != nil {
			b.failed("Go benchmarks", err)
		}
	}
	b.table.took = time.Since(started)
	b.table.print(os.Stdout)
	if save {
		if err := b.table.save(ctx, b); err != nil {
			return err
		}
	}
	if !size.ephemeral && b.table.below() > 0 {
		return errBelow
	}
	return nil
}

// failed keeps in the table that something could not be measured, or not whole.
func (b *bench) failed(what string, err error) {
	progress("%s: %v", what, err)
	b.table.rows = append(b.table.rows, row{what: what, figure: "failed", bar: "measured", below: true})
}
