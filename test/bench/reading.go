package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

// ask measures reads: so many clients, one request after the other, each client its path of those given.
func (p *process) ask(clients int, run time.Duration, paths []string, header string, want int) (outcome, error) {
	end := time.Now().Add(run)
	return p.together(clients, func(c *client, nth int) (o outcome, err error) {
		path := paths[nth%len(paths)]
		for time.Now().Before(end) {
			started := time.Now()
			status, err := c.call("GET", path, header, nil)
			if err != nil {
				return o, err
			}
			if status != want {
				return o, fmt.Errorf("%s answered %d instead of %d: %s", path, status, want, c.body)
			}
			o.latencies = append(o.latencies, time.Since(started))
		}
		return o, nil
	})
}

// boards reads a large board, half of it taken, in all its forms.
func (b *bench) boards() *measurement {
	var raffle, numbers, board, numbersTag, boardTag string
	const gzip = "Accept-Encoding: gzip\r\n"
	tagOf := func(path, header string) (string, error) {
		c, err := b.api.client()
		if err != nil {
			return "", err
		}
		defer c.close()
		status, err := c.call("GET", path, header, nil)
		if err == nil && status != 200 {
			err = fmt.Errorf("%s answered %d", path, status)
		}
		return c.etag, err
	}
	setup := func(context.Context) error {
		ids, err := b.createMany(1, b.size.numbers)
		if err != nil {
			return err
		}
		raffle = ids[0]
		numbers, board = "/rifaapp/v2/raffles/"+raffle+"/numbers", "/rifaapp/v2/raffles/"+raffle+"/board"
		return b.sell(raffle, rand.Perm(b.size.numbers)[:b.size.numbers/2])
	}
	round := func(_ context.Context, f figures) (err error) {
		if boardTag, err = tagOf(board, ""); err != nil {
			return err
		}
		if err := b.sellOne(raffle); err != nil { // something to answer since boardTag
			return err
		}
		if err := b.alone(f, "since", board+"?since="+strings.ReplaceAll(boardTag, `"`, "%22"), "", 200); err != nil {
			return err
		}
		if numbersTag, err = tagOf(numbers, gzip); err != nil {
			return err
		}
		if boardTag, err = tagOf(board, ""); err != nil {
			return err
		}
		b.api.forgetPeak()
		if err := b.alone(f, "numbers", numbers, gzip, 200); err != nil {
			return err
		}
		f[worst+"peak"] = b.api.peak()
		return errors.Join(
			b.alone(f, "numbers 304", numbers, gzip+"If-None-Match: "+numbersTag+"\r\n", 304),
			b.alone(f, "board", board, "", 200),
			b.alone(f, "board gzip", board, gzip, 200),
			b.alone(f, "board 304", board, "If-None-Match: "+boardTag+"\r\n", 304),
		)
	}
	return &measurement{name: "board", rested: true, setup: setup, round: round, rows: func(f figures) []row {
		b.measured.LookAPIMillis, b.measured.LookDatabaseMillis = f["board api cpu"], f["board db cpu"]
		return []row{
			under("full board of 100 000, gzip", f["numbers"], 60, ""),
			{what: "  peak memory of the API", figure: fmt.Sprintf("%.0f MB", f[worst+"peak"]), bar: "under 64 MB", below: f[worst+"peak"] >= 64},
			under("  304", f["numbers 304"], 3, ""),
			under("compact board of 100 000", f["board"], 10, "gzip "+millis(f["board gzip"])),
			under("  304", f["board 304"], 3, ""),
			under("  what changed since", f["since"], 10, ""),
		}
	}}
}

// sellOne sells one number that is free.
func (b *bench) sellOne(raffle string) error {
	c, err := b.api.client()
	if err != nil {
		return err
	}
	defer c.close()
	status, err := c.call("POST", "/rifaapp/v2/raffles/"+raffle+"/reservations", "", []byte(`{"participant":{"name":"Luz"},"quantity":1}`))
	if err == nil && status != 201 {
		err = fmt.Errorf("reserve answered %d: %s", status, c.body)
	}
	return err
}

// alone notes what a read costs that one client asks for again and again.
func (b *bench) alone(f figures, name, path, header string, want int) error {
	return b.load(f, name, 1, b.size.run/4, []string{path}, header, want)
}

// load notes of reads under a name: their median time in milliseconds, how many were answered a second, and the
// processor time of each in the API and in PostgreSQL.
func (b *bench) load(f figures, name string, clients int, run time.Duration, paths []string, header string, want int) error {
	apiBefore, pgBefore := cpu(b.api.command.Process.Pid, false), cpu(b.postgresPID(), true)
	o, err := b.api.ask(clients, run, paths, header, want)
	if err != nil {
		return err
	}
	answers := float64(len(o.latencies))
	f[name+" api cpu"] = (cpu(b.api.command.Process.Pid, false) - apiBefore) / answers
	f[name+" db cpu"] = (cpu(b.postgresPID(), true) - pgBefore) / answers
	f[name], f[name+"/s"] = ms(o.quantile(0.5)), answers/o.took.Seconds()
	return nil
}

// reads are the small ones, by 8 clients.
func (b *bench) reads() *measurement {
	paths := map[string][]string{"list": {firstPage}}
	setup := func(context.Context) error {
		raffles, err := b.many(b.size.raffles)
		if err != nil {
			return err
		}
		for _, raffle := range raffles[:8] {
			paths["eight"] = append(paths["eight"], "/rifaapp/v2/raffles/"+raffle)
		}
		paths["one"] = paths["eight"][:1]
		paths["page"] = []string{paths["one"][0] + "/numbers?offset=300&limit=100"}
		return nil
	}
	round := func(_ context.Context, f figures) error {
		for name, paths := range paths {
			if err := b.load(f, name, 8, b.size.run/2, paths, "", 200); err != nil {
				return err
			}
		}
		o, err := b.one.ask(8, b.size.run/2, []string{"/"}, "", 200)
		f["select/s"] = float64(len(o.latencies)) / o.took.Seconds()
		for _, name := range []string{"one", "eight"} {
			f[name+"/select"] = ratio(f[name+"/s"], f["select/s"])
		}
		return err
	}
	return &measurement{name: "reads", rested: true, setup: setup, round: round, rows: func(f figures) []row {
		return []row{
			under("list of 50 out of 10 000, 8 clients", f["list"], 5, perSecond(f["list/s"])),
			under("one raffle", f["one"], 2, perSecond(f["one/s"])),
			under("page of 100 numbers", f["page"], 3, perSecond(f["page/s"])),
			{what: "GET raffle", figure: perSecond(f["one/s"]), beside: besideSelect("one", f), bar: "≥ 0.5× SELECT 1", below: f["one/select"] < 0.5},
			{what: "  each client another raffle", figure: perSecond(f["eight/s"]), beside: besideSelect("eight", f)},
		}
	}}
}

// besideSelect is what SELECT 1 over HTTP reaches. People who read the same raffle while it is being read share
// the answer; those who read different ones do not.
func besideSelect(name string, f figures) string {
	return fmt.Sprintf("SELECT 1 %.0f/s, %.2f×", f["select/s"], f[name+"/select"])
}

// firstPage is the list that is measured, and how much of a raffle its counts tell.
const firstPage = "/rifaapp/v2/raffles?limit=50"

type listed struct {
	ID       string `json:"id"`
	Sold     int    `json:"tickets_sold"`
	Reserved int    `json:"tickets_reserved"`
}

// many makes raffles of 1 000 numbers and sells half of each that is on the first page of the list. It answers
// these.
func (b *bench) many(n int) (raffles []string, err error) {
	_, err = b.api.together(8, func(c *client, nth int) (o outcome, err error) {
		for i := nth; i < n && err == nil; i += 8 {
			_, err = b.create(c, 1000)
		}
		return o, err
	})
	if err != nil {
		return nil, err
	}
	page, err := b.list()
	if err != nil {
		return nil, err
	}
	for _, raffle := range page[:min(n, len(page))] {
		if err := b.sell(raffle.ID, rand.Perm(1000)[:500]); err != nil {
			return nil, err
		}
		raffles = append(raffles, raffle.ID)
	}
	page, err = b.list()
	for i := range raffles {
		if err == nil && page[i] != (listed{ID: raffles[i], Sold: 500}) {
			err = fmt.Errorf("half of 1000 numbers is sold, and the list has %+v", page[i])
		}
	}
	return raffles, err
}

// list reads the first page.
func (b *bench) list() (page []listed, err error) {
	c, err := b.api.client()
	if err != nil {
		return nil, err
	}
	defer c.close()
	status, err := c.call("GET", firstPage, "", nil)
	if err == nil && status != 200 {
		err = fmt.Errorf("%s answered %d: %s", firstPage, status, c.body)
	}
	return page, errors.Join(err, json.Unmarshal(c.body, &page))
}

// peak is the most memory that the process had since forgetPeak, in megabytes; 0 where the system does
// not tell.
func (p *process) peak() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kib / 1024
		}
	}
	return 0
}

func (p *process) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.command.Process.Pid), []byte("5"), 0)
}
