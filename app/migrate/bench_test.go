package migrate_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// ourPlan makes a Migrator for the plan of this product.
func ourPlan(b *testing.B, d *testdb.Database) *migrate.Migrator {
	b.Helper()
	p, err := migrate.Open(sqitch.Files)
	if err != nil {
		b.Fatal(err)
	}
	config, err := pgx.ParseConfig(d.DSN)
	if err != nil {
		b.Fatal(err)
	}
	return migrate.New(p, migrate.Static(config), migrate.Options{})
}

// BenchmarkDeployOurPlan deploys the whole plan of this product to an empty database, with its verify
// scripts, and then lets the real Sqitch do the same: it has to take under a second, and a tenth of
// Sqitch's time.
func BenchmarkDeployOurPlan(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		d := testdb.NewEmpty(b)
		m := ourPlan(b, d)
		b.StartTimer()
		if _, err := m.Deploy(b.Context(), migrate.DeployOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	ours := b.Elapsed() / time.Duration(b.N)
	if ours > time.Second {
		b.Errorf("deploying the whole plan takes %s, over a second", ours)
	}
	if tool := missingTool(); tool != "" {
		b.Logf("%s is not installed: nothing was compared with the real Sqitch", tool)
		return
	}
	d := testdb.NewEmpty(b)
	began := time.Now()
	mustCLI(b, "../../sqitch", d.DSN, "deploy", "--verify")
	times := float64(time.Since(began)) / float64(ours)
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "sqitch-ms")
	b.ReportMetric(times, "times-faster-than-sqitch")
	if times < 10 {
		b.Errorf("our deployer takes %s, which is only %.1f times faster than Sqitch", ours, times)
	}
}

// BenchmarkDeployNothing deploys to a database that has everything, connecting included: it has to take
// under 30 ms, or under twice a bare connection where the machine needs most of that to start a backend.
func BenchmarkDeployNothing(b *testing.B) {
	d := testdb.New(b)
	m := ourPlan(b, d)
	for b.Loop() {
		result, err := m.Deploy(b.Context(), migrate.DeployOptions{})
		if err != nil || len(result.Applied) > 0 {
			b.Fatalf("deployed %v, error %v", result.Applied, err)
		}
	}
	took := b.Elapsed() / time.Duration(b.N)
	connecting := connectTime(b, d, b.N)
	b.ReportMetric(float64(connecting.Nanoseconds()), "connect-ns")
	if limit := max(30*time.Millisecond, 2*connecting); took > limit {
		b.Errorf("a deploy with nothing to do takes %s, over %s; a connection alone %s", took, limit, connecting)
	}
}

// connectTime is what one connection takes, ended included, by the mean of so many.
func connectTime(b *testing.B, d *testdb.Database, times int) time.Duration {
	b.Helper()
	began := time.Now()
	for range times {
		conn, err := pgx.Connect(b.Context(), d.DSN)
		if err != nil {
			b.Fatal(err)
		}
		if err := conn.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / time.Duration(times)
}

// BenchmarkOpen reads the configuration and the plan of this product, as every process does at its
// start.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := migrate.Open(sqitch.Files); err != nil {
			b.Fatal(err)
		}
	}
}
