package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// labOutcome is what a run came to: whole cycles, also per second, and bytes of WAL.
type labOutcome struct{ cycles, rate, wal float64 }

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
	length := "--time=" + strconv.Itoa(int(run.Seconds()))
	if turns := l.bench.size.turns; turns > 0 {
		length = "--transactions=" + strconv.Itoa(turns)
	}
	command := exec.CommandContext(ctx, l.bench.pgbench, length, "-n", "-M", "prepared", "-f", l.script, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", devdb.User,
		"-c", strconv.Itoa(clients), "-j", "2", "-D", "first="+strconv.Itoa(first), "-D", "raffles="+strconv.Itoa(raffles), "-D", "numbers="+strconv.Itoa(l.bench.size.numbers), l.name)
	command.Env = append(os.Environ(), "PGPASSWORD="+l.bench.pg.Password)
	started := time.Now()
	if output, err := command.CombinedOutput(); err != nil {
		return o, fmt.Errorf("pgbench: %w\n%s", err, output)
	}
	seconds := time.Since(started).Seconds()
	if l.bench.size.turns == 0 {
		seconds = run.Seconds() // without the time to connect
	}
	after, err := l.bench.count(ctx, l.db, `SELECT done FROM cycles`)
	if err != nil {
		return o, err
	}
	cycles := after.value - before.value
	return labOutcome{cycles: cycles, rate: cycles / seconds, wal: after.wal - before.wal}, nil
}

// reading is a count and how much WAL had been written then.
type reading struct{ value, wal float64 }

func (b *bench) count(ctx context.Context, db *pgxpool.Pool, sql string) (r reading, err error) {
	err = db.QueryRow(ctx, `SELECT (`+sql+`)::float8, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8`).Scan(&r.value, &r.wal)
	return r, err
}
