package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// buying is the cycle of reserving 1–3 numbers and confirming or releasing them, over HTTP and in
// the shapes of the lab, on so many raffles.
func (b *bench) buying(name string, raffles int, distant bool) *measurement {
	api, port := b.api, b.pg.Port
	shapes := []string{best, naive}
	if distant {
		api, port = b.distant, b.delayed
	}
	if raffles > 1 {
		shapes = []string{best}
	}
	round := func(ctx context.Context, f figures) error {
		for _, clients := range b.size.clients {
			if err := b.buyOverHTTP(ctx, api, name, clients, raffles, f); err != nil {
				return err
			}
			if raffles > 1 { // in the same round: the machine's speed changes within minutes
				if err := b.buyHot(api, clients, f); err != nil {
					return err
				}
				f.compare("api", "hot", clients)
			}
			for _, shape := range shapes {
				o, err := b.labs[shape].fastest(ctx, port, clients, raffles)
				if err != nil {
					return err
				}
				f[key(shape, clients)] = o.rate
				f.compare("api", shape, clients)
				f[shape+" wal"] += o.wal
				f[shape+" cycles"] += o.cycles
			}
		}
		f.share("wal", "wal cycles")
		f.share(best+" wal", best+" cycles")
		f["wal/"+best] = ratio(f["wal"], f[best+" wal"])
		return nil
	}
	return &measurement{name: name, round: round, rows: func(f figures) []row { return b.buyingRows(name, raffles, distant, f) }}
}

func key(what string, clients int) string { return what + " " + strconv.Itoa(clients) }

// compare notes how many times the other's rate this one is in the round.
func (f figures) compare(what, other string, clients int) {
	f[key(what+"/"+other, clients)] = ratio(f[key(what, clients)], f[key(other, clients)])
}

func (b *bench) buyOverHTTP(ctx context.Context, api *process, name string, clients, raffles int, f figures) error {
	ids, err := b.createMany(raffles, b.size.numbers)
	if err != nil {
		return err
	}
	finish := b.profile(ctx, api, name, clients)
	before, err := b.count(ctx, b.db, `SELECT 0`)
	if err != nil {
		return err
	}
	apiBefore, pgBefore := cpu(api.command.Process.Pid, false), cpu(b.postgresPID(), true)
	o, err := b.buy(api, clients, ids, b.size.run)
	cycles := max(1, float64(o.cycles))
	f["api cpu"], f["db cpu"] = (cpu(api.command.Process.Pid, false)-apiBefore)/cycles, (cpu(b.postgresPID(), true)-pgBefore)/cycles
	finish()
	if err != nil {
		return err
	}
	after, err := b.count(ctx, b.db, `SELECT 0`)
	if err != nil {
		return err
	}
	f[key("api", clients)] = float64(o.cycles) / o.took.Seconds()
	f[key("p95", clients)] = ms(o.quantile(0.95))
	f[worst+"faults"] += float64(o.faults)
	f["wal"] += after.wal - before.wal
	f["wal cycles"] += cycles
	return nil
}

// buyHot is how many cycles one raffle takes, beside many.
func (b *bench) buyHot(api *process, clients int, f figures) error {
	ids, err := b.createMany(1, b.size.numbers)
	if err != nil {
		return err
	}
	o, err := b.buy(api, clients, ids, b.size.run)
	f[key("hot", clients)] = float64(o.cycles) / o.took.Seconds()
	f[worst+"faults"] += float64(o.faults)
	return err
}

func (b *bench) buyingRows(name string, raffles int, distant bool, f figures) (rows []row) {
	for _, clients := range b.size.clients {
		toBest, toNaive := f[key("api/"+best, clients)], f[key("api/"+naive, clients)]
		r := row{what: fmt.Sprintf("%s, %d clients", name, clients), figure: perSecond(f[key("api", clients)])}
		r.beside = fmt.Sprintf("best %.0f, %.2f×", f[key(best, clients)], toBest)
		r.bar, r.below = "≥ 0.6× best", toBest < 0.6
		if least := leastOfNaive(raffles, distant); least > 0 {
			r.beside += fmt.Sprintf("; naive %.0f, %.1f×", f[key(naive, clients)], toNaive)
			r.bar += fmt.Sprintf(", ≥ %g× naive", least)
			r.below = r.below || toNaive < least
		}
		rows = append(rows, r)
		if raffles > 1 {
			toHot := f[key("api/hot", clients)]
			rows = append(rows, row{what: "  beside the hot raffle", figure: fmt.Sprintf("%.2f×", toHot), beside: "which has " + perSecond(f[key("hot", clients)]), bar: "≥ 0.9×", below: toHot < 0.9})
		}
	}
	if raffles == 1 && !distant {
		few := b.size.clients[0]
		b.measured.CycleAPIMillis, b.measured.CycleDatabaseMillis, b.measured.CycleWALBytes = f["api cpu"], f["db cpu"], f["wal"]
		rows = append(rows, under(fmt.Sprintf("  p95 of a request, %d clients", few), f[key("p95", few)], 30, ""),
			row{what: "  WAL of a cycle", figure: fmt.Sprintf("%.0f B", f["wal"]), beside: fmt.Sprintf("best %.0f B, %.2f×", f[best+" wal"], f["wal/"+best]),
				bar: "≤ 1.3× best", below: f["wal/"+best] > 1.3},
			row{what: "  processor time of a cycle", figure: millis(f["api cpu"] + f["db cpu"]),
				beside: fmt.Sprintf("API %s, PostgreSQL %s", millis(f["api cpu"]), millis(f["db cpu"]))})
	}
	return append(rows, none("  5xx", f[worst+"faults"]))
}

// leastOfNaive is how many times the naive shape the API must reach; 0: not compared.
func leastOfNaive(raffles int, distant bool) float64 {
	switch {
	case raffles > 1:
		return 0
	case distant:
		return 6
	}
	return 2
}

// fighting is many clients that want the same hundred numbers.
func (b *bench) fighting() *measurement {
	hot := min(100, b.size.numbers)
	return &measurement{
		name: "rivals",
		round: func(_ context.Context, f figures) error {
			ids, err := b.createMany(1, 10*hot)
			if err != nil {
				return err
			}
			o, err := b.fight(ids[0], b.size.rivals, hot)
			if err != nil {
				return err
			}
			sold, err := b.sold(ids[0])
			f["sold"], f[worst+"miscount"] = float64(sold), math.Abs(float64(sold-hot))
			f["refused"], f[worst+"faults"], f["p99"] = float64(o.conflicts), float64(o.faults), ms(o.quantile(0.99))
			return err
		},
		rows: func(f figures) []row {
			return []row{
				{what: fmt.Sprintf("%d clients on the same %d: sold", b.size.rivals, hot), figure: fmt.Sprintf("%.0f", f["sold"]),
					beside: fmt.Sprintf("%.0f refused, naming the taken", f["refused"]), bar: strconv.Itoa(hot) + " in each round", below: f[worst+"miscount"] != 0},
				under("  p99 of a request", f["p99"], 500, ""), none("  5xx and others", f[worst+"faults"]),
			}
		},
	}
}

func (b *bench) sold(raffle string) (int, error) {
	c, err := b.api.client()
	if err != nil {
		return 0, err
	}
	defer c.close()
	if _, err := c.call("GET", "/rifaapp/v2/raffles/"+raffle, "", nil); err != nil {
		return 0, err
	}
	var answer struct {
		Sold int `json:"tickets_sold"`
	}
	return answer.Sold, json.Unmarshal(c.body, &answer)
}

// creating makes raffles of both sizes in turns.
func (b *bench) creating() *measurement {
	return &measurement{
		name: "create",
		round: func(_ context.Context, f figures) error {
			c, err := b.api.client()
			if err != nil {
				return err
			}
			defer c.close()
			var large, little outcome
			for range 15 {
				for o, numbers := range map[*outcome]int{&large: 100_000, &little: 100} {
					started := time.Now()
					if _, err := b.create(c, numbers); err != nil {
						return err
					}
					o.latencies = append(o.latencies, time.Since(started))
				}
			}
			f["large"], f["little"] = ms(large.quantile(0.5)), ms(little.quantile(0.5))
			f["large/little"] = ratio(f["large"], f["little"])
			return nil
		},
		rows: func(f figures) []row {
			r := under("create a raffle of 100 000", f["large"], 100, fmt.Sprintf("of 100: %s, %.1f×", millis(f["little"]), f["large/little"]))
			r.bar += ", ≤ 3× of 100"
			r.below = r.below || f["large/little"] > 3
			return []row{r}
		},
	}
}

// deadlocks are those that PostgreSQL resolved for the API since it began: it repeats such a command, so that no
// client sees one. They are counted last, because a connection tells of its own with a delay of seconds.
func (b *bench) deadlocks() *measurement {
	return &measurement{
		name: "deadlocks",
		round: func(ctx context.Context, f figures) (err error) {
			r, err := b.count(ctx, b.db, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
			f[worst+"deadlocks"] = r.value
			return err
		},
		rows: func(f figures) []row { return []row{none("deadlocks, all of the above", f[worst+"deadlocks"])} },
	}
}
