package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
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

// betweenLogins is long enough for the API to have cleared up after the last one, which would count as its
// password's time otherwise.
const betweenLogins = 30 * time.Millisecond

// logins compares a login with argon2id's own time in it, as the API's log has it, and looks at other requests
// meanwhile. The time is not taken in another process: by where their memory happens to lie, the same hash
// takes 28 ms in one and 33 ms in the next, which is more than all that a login has besides.
func (b *bench) logins() *measurement {
	body := fmt.Appendf(nil, `{"email":%q,"password":%q}`, b.owner.email, ownerPassword)
	var api *process
	setup := func(ctx context.Context) (err error) {
		api, err = b.serve(ctx, b.pg.Port, "info")
		return err
	}
	round := func(_ context.Context, f figures) error {
		before, err := api.passwords()
		if err != nil {
			return err
		}
		c, err := api.client()
		if err != nil {
			return err
		}
		defer c.close()
		var login outcome
		for range b.size.logins {
			time.Sleep(betweenLogins)
			if err := login.login(c, body); err != nil {
				return err
			}
		}
		if _, err := c.call("GET", "/rifaapp/health", "", nil); err != nil { // the last login's line is written by then
			return err
		}
		own, err := api.passwords()
		if err != nil {
			return err
		}
		if own = own[len(before):]; len(own) != len(login.latencies) {
			return fmt.Errorf("%d logins left %d lines in the log", len(login.latencies), len(own))
		}
		beyond := make([]float64, len(own))
		for nth, took := range login.latencies {
			beyond[nth] = ms(took) - own[nth]
		}
		f["login"], f["argon2id"], f["beyond"] = ms(login.quantile(0.5)), median(own), median(beyond)
		f["others"], err = b.whileLoggingIn(body)
		return err
	}
	return &measurement{name: "login", setup: setup, rested: true, round: round, rows: func(f figures) []row {
		return []row{
			under("login beyond argon2id", f["beyond"], 5, fmt.Sprintf("login %s, argon2id %s", millis(f["login"]), millis(f["argon2id"]))),
			under("others during 20 logins: p95", f["others"], 50, ""),
		}
	}}
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

// passwords are the milliseconds that the password of each login took so far.
func (p *process) passwords() (took []float64, err error) {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(log)) {
		var request struct {
			Took float64 `json:"password_ms"`
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			return nil, fmt.Errorf("the API's log has %q: %w", line, err)
		}
		if request.Took > 0 {
			took = append(took, request.Took)
		}
	}
	return took, nil
}

func (o *outcome) login(c *client, body []byte) error {
	status, err := o.timed(c, "/rifaapp/auth/login", body)
	if err == nil && status != 200 {
		err = fmt.Errorf("login answered %d: %s", status, c.body)
	}
	return err
}

// whileLoggingIn is the 95th percentile of other requests while 20 people log in at once.
func (b *bench) whileLoggingIn(body []byte) (float64, error) {
	ids, err := b.createMany(1, 100)
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	running := make(chan struct{})
	go func() {
		logins, err := b.api.together(b.size.crowd, func(c *client, _ int) (o outcome, err error) {
			for range max(1, b.size.logins/4) { // on a slow machine some are told to come back later
				status, err := o.timed(c, "/rifaapp/auth/login", body)
				switch {
				case err != nil:
					return o, err
				case status == 200:
					o.cycles++
				case status != 429 && status != 503:
					return o, fmt.Errorf("login answered %d: %s", status, c.body)
				}
			}
			return o, nil
		})
		close(running)
		if err == nil && logins.cycles < b.size.crowd {
			err = fmt.Errorf("only %d of %d people's logins came through", logins.cycles, b.size.crowd)
		}
		done <- err
	}()
	others, err := b.api.together(1, func(c *client, _ int) (o outcome, err error) {
		for {
			started := time.Now()
			status, err := c.call("GET", "/rifaapp/v2/raffles/"+ids[0], "", nil)
			if err == nil && status != 200 {
				err = fmt.Errorf("a raffle's read answered %d: %s", status, c.body)
			}
			if err != nil {
				return o, err
			}
			o.latencies = append(o.latencies, time.Since(started))
			select {
			case <-running:
				return o, nil
			case <-time.After(time.Millisecond):
			}
		}
	})
	return ms(others.quantile(0.95)), errors.Join(err, <-done)
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
