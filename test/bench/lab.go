package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/devdb"
)

// The shapes that the API is compared with.
const (
	best  = "best"
	naive = "naive"
)

//go:embed lab
var labFiles embed.FS

// lab is one shape of the buying cycle in plain SQL, in a database of its own.
type lab struct {
	name   string
	bench  *bench
	db     *pgxpool.Pool
	script string
	next   int // the id of the next raffle
}

func (b *bench) newLab(ctx context.Context, name string) (*lab, error) {
	schema, err := labFiles.ReadFile("lab/" + name + ".schema.sql")
	if err != nil {
		return nil, err
	}
	script, err := labFiles.ReadFile("lab/" + name + ".pgbench.sql")
	if err != nil {
		return nil, err
	}
	l := &lab{name: name, bench: b, next: 1, script: filepath.Join(b.folder, name+".pgbench.sql")}
	if err := os.WriteFile(l.script, script, 0o600); err != nil {
		return nil, err
	}
	if err := b.execute(ctx, "postgres", "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	if err := b.execute(ctx, name, string(schema)); err != nil {
		return nil, err
	}
	if l.db, err = pgxpool.New(ctx, b.pg.DSN(name)); err == nil {
		b.later(l.db.Close)
	}
	return l, err
}

// labOutcome is what a run came to: whole cycles, those per second once everybody was warm, and bytes of WAL.
type labOutcome struct{ cycles, rate, wal float64 }

// warmUp is how long pgbench runs before its rate counts. Its connections are new in each run, those of the API
// are not: a new one has to read the catalogue, plan the functions and map the server's memory, which on some
// hosts takes it a hundred milliseconds of processor.
const warmUp = 2 * time.Second

// poolSize is how many connections the API has for all its clients, unless DB_POOL_SIZE says otherwise.
const poolSize = 16

// fastest is the faster one of two runs: with a connection for each client, and with those that the API has.
// More of them than the processor can serve slow each other down.
func (l *lab) fastest(ctx context.Context, port, clients, raffles int) (labOutcome, error) {
	o, err := l.buy(ctx, port, clients, raffles, l.bench.size.run)
	if err != nil || clients <= poolSize {
		return o, err
	}
	fewer, err := l.buy(ctx, port, poolSize, raffles, l.bench.size.run)
	if fewer.rate > o.rate {
		o = fewer
	}
	return o, err
}

// buy lets clients buy in so many new raffles.
func (l *lab) buy(ctx context.Context, port, clients, raffles int, run time.Duration) (o labOutcome, err error) {
	first := l.next
	l.next += raffles
	if _, err := l.db.Exec(ctx, `SELECT make_raffle(id, $3) FROM generate_series($1::int, $2) AS id`, first, l.next-1, l.bench.size.numbers); err != nil {
		return o, err
	}
	before, err := l.bench.count(ctx, l.db, `SELECT done FROM cycles`)
	if err != nil {
		return o, err
	}
	length := "--time=" + strconv.Itoa(int((warmUp + run).Seconds()))
	if turns := l.bench.size.turns; turns > 0 {
		length = "--transactions=" + strconv.Itoa(turns)
	}
	command := exec.CommandContext(ctx, l.bench.pgbench, length, "--progress=1", "-n", "-M", "prepared", "-f", l.script, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", devdb.User,
		"-c", strconv.Itoa(clients), "-j", "2", "-D", "first="+strconv.Itoa(first), "-D", "raffles="+strconv.Itoa(raffles), "-D", "numbers="+strconv.Itoa(l.bench.size.numbers), l.name)
	command.Env = append(os.Environ(), "PGPASSWORD="+l.bench.pg.Password)
	output, err := command.CombinedOutput()
	if err != nil {
		return o, fmt.Errorf("pgbench: %w\n%s", err, output)
	}
	after, err := l.bench.count(ctx, l.db, `SELECT done FROM cycles`)
	if err != nil {
		return o, err
	}
	told, err := readPgbench(string(output))
	if err != nil {
		return o, err
	}
	o = labOutcome{cycles: after.value - before.value, wal: after.wal - before.wal}
	o.rate = told.rate * o.cycles / told.transactions // a transaction whose numbers were taken is no cycle
	return o, nil
}

// pgbenchTold is what pgbench says of a run: all transactions, and those per second after the warm-up.
type pgbenchTold struct{ transactions, rate float64 }

var (
	ofAll    = regexp.MustCompile(`number of transactions actually processed: (\d+)`)
	ofRun    = regexp.MustCompile(`(?m)^tps = ([\d.]+)`)
	ofSecond = regexp.MustCompile(`(?m)^progress: ([\d.]+) s, ([\d.]+) tps`)
)

// readPgbench reads pgbench's report and its line a second. A run that is too short for one counts whole.
func readPgbench(output string) (told pgbenchTold, err error) {
	all, whole := ofAll.FindStringSubmatch(output), ofRun.FindStringSubmatch(output)
	if all == nil || whole == nil {
		return told, fmt.Errorf("pgbench reports no transactions:\n%s", output)
	}
	told.transactions, _ = strconv.ParseFloat(all[1], 64)
	told.rate, _ = strconv.ParseFloat(whole[1], 64)
	var sum, seconds, before float64
	for _, line := range ofSecond.FindAllStringSubmatch(output, -1) {
		at, _ := strconv.ParseFloat(line[1], 64)
		tps, _ := strconv.ParseFloat(line[2], 64)
		if at > warmUp.Seconds()+0.5 {
			sum, seconds = sum+tps*(at-before), seconds+at-before
		}
		before = at
	}
	if seconds > 0 {
		told.rate = sum / seconds
	}
	if told.transactions == 0 {
		return told, fmt.Errorf("pgbench made no transaction:\n%s", output)
	}
	return told, nil
}

// reading is a count and how much WAL had been written then.
type reading struct{ value, wal float64 }

func (b *bench) count(ctx context.Context, db *pgxpool.Pool, sql string) (r reading, err error) {
	err = db.QueryRow(ctx, `SELECT (`+sql+`)::float8, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8`).Scan(&r.value, &r.wal)
	return r, err
}
