package migrate_test

import (
	"testing"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// A change that the server ends because it and a buyer wait for each other is run again.
func TestDeadlockWithTheProduct(t *testing.T) {
	t.Parallel()
	d := testdb.NewEmpty(t)
	if _, err := d.Pool.Exec(t.Context(), `CREATE TABLE one (); CREATE TABLE two ()`); err != nil {
		t.Fatal(err)
	}
	dir := writeProject(t, project(with(planOf("a"), "deploy/a.sql", "BEGIN;\nLOCK TABLE one;\nLOCK TABLE two;\nCREATE TABLE a0 (id int);\nCOMMIT;\n")))
	buyer, err := d.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = buyer.Rollback(t.Context()) }()
	if _, err := buyer.Exec(t.Context(), `SET LOCAL deadlock_timeout = '1h'; LOCK TABLE two`); err != nil { // not the buyer is to give way
		t.Fatal(err)
	}
	deployed := make(chan result, 1)
	go func() { deployed <- golang(t, dir, d.DSN, "deploy") }()
	for query(t, d, `SELECT count(*) FROM pg_locks WHERE relation = 'two'::regclass AND NOT granted`) != "1" {
		select {
		case early := <-deployed:
			t.Fatalf("it did not wait: %s", early.output)
		default:
		}
	}
	if _, err := buyer.Exec(t.Context(), `LOCK TABLE one`); err != nil {
		t.Fatal(err)
	}
	if err := buyer.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := <-deployed; r.code != 0 {
		t.Errorf("deploy: %s", r.output)
	}
	if got := query(t, d, `SELECT event || ' ' || change FROM sqitch.events`); got != "deploy a" {
		t.Errorf("the events are %q", got)
	}
}
