package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// figures are what one round measured, by name; after all rounds, the medians, and of those whose name
// begins with worst the largest: what must never happen does not vanish in a middle.
type figures map[string]float64

const worst = "worst "

// share makes a total the mean of so many.
func (f figures) share(total, of string) { f[total] /= max(1, f[of]) }

// measurement is a group of figures that are measured together, in turns.
type measurement struct {
	name   string
	setup  func(ctx context.Context) error // once; may be nil
	rested bool                            // single answers are timed, which a vacuum of what ran before would delay
	round  func(ctx context.Context, f figures) error
	rows   func(f figures) []row
}

func (m *measurement) wanted(only string) bool { return strings.Contains(m.name, only) }

// measurements are all of them, in the order of the table.
func (b *bench) measurements() []*measurement {
	return []*measurement{
		b.buying("hot raffle", 1, false), b.buying("hot raffle, 0.65 ms away", 1, true), b.buying("100 raffles", 100, false),
		b.fighting(), b.creating(), b.boards(), b.reads(), b.logins(), b.deadlocks(),
	}
}

func (b *bench) measure(ctx context.Context, m *measurement) error {
	if m.setup != nil {
		progress("%s: preparing", m.name)
		if err := m.setup(ctx); err != nil {
			return err
		}
	}
	if m.rested {
		if err := b.rest(ctx); err != nil {
			return err
		}
	}
	all := map[string][]float64{}
	for round := range b.size.rounds {
		progress("%s: round %d of %d", m.name, round+1, b.size.rounds)
		f := figures{}
		if err := m.round(ctx, f); err != nil {
			return err
		}
		for name, value := range f {
			all[name] = append(all[name], value)
		}
	}
	medians := figures{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		medians[name] = median(all[name])
		if strings.HasPrefix(name, worst) {
			medians[name] = slices.Max(all[name])
		}
	}
	b.table.rows = append(b.table.rows, m.rows(medians)...)
	return nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 0 && middle > 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}

// How figures are shown.
func perSecond(v float64) string { return fmt.Sprintf("%.0f/s", v) }
func millis(v float64) string    { return fmt.Sprintf("%.2f ms", v) }
func ratio(a, b float64) float64 { return a / max(b, 1e-9) }
func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// under is a row whose figure in milliseconds must stay below a limit.
func under(what string, value, limit float64, beside string) row {
	return row{what: what, figure: millis(value), beside: beside, bar: fmt.Sprintf("under %g ms", limit), below: value >= limit}
}

// none is a row that must be zero.
func none(what string, value float64) row {
	return row{what: what, figure: fmt.Sprintf("%.0f", value), bar: "0", below: value != 0}
}
