package sqitch_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/sqitch"
	"github.com/rifaapp/rifaapp/test/sqitchcli"
	"github.com/rifaapp/rifaapp/test/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// TestForwardBackwardForward walks the plan with the real Sqitch: forward one change at a time, back
// the same way, and forward again at once. Each step back must restore the schema of before the
// change, and the second way forward must make the schema of the first, which is also the one that
// our own deployer makes.
func TestForwardBackwardForward(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sqitch", "pg_dump"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian: apt-get install sqitch libdbd-pg-perl postgresql-client)", program)
		}
	}
	project, err := migrate.Open(sqitch.Files)
	if err != nil {
		t.Fatal(err)
	}
	c := cli{t: t, database: testdb.NewEmpty(t)}
	var schemas [][]byte // before the first change, after the first, …
	for _, change := range project.Changes() {
		schemas = append(schemas, c.schema())
		c.run("deploy", "--verify", "--to", change.Name)
	}
	whole := c.schema()
	c.run("verify")
	c.exec(drawnWithoutWinner)
	for i, change := range slices.Backward(project.Changes()) {
		if i > 0 {
			c.run("revert", "-y", "--to", "@HEAD^")
		} else {
			c.run("revert", "-y")
		}
		if change.Name == "draw" {
			c.want("closed closed closed", wherever)
		}
		if back := c.schema(); !bytes.Equal(back, schemas[i]) {
			t.Errorf("reverting %s leaves another schema than before:\n%s", change.Name, difference(schemas[i], back))
		}
	}
	c.run("deploy", "--verify")
	if again := c.schema(); !bytes.Equal(again, whole) {
		t.Errorf("deployed again, the plan makes another schema:\n%s", difference(whole, again))
	}
	c.sameAsOurs(whole)
}

// drawnWithoutWinner is a raffle whose lottery drew a number that nobody had bought. What is before the
// change draw knows no such raffle.
const drawnWithoutWinner = `
	INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status)
	VALUES ('00000000-0000-7000-8000-000000000001', 'Nobody won', 1, 'EUR', 10, 0, 'drawn');
	INSERT INTO raffles_read SELECT * FROM raffles_definition;
	INSERT INTO participants (id, name) VALUES ('00000000-0000-7000-8000-000000000002', 'Ana');
	INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at)
	VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', '{1}', now());
	INSERT INTO purchases (id, raffle_id, reservation_id, participant_id, numbers, total_price, currency, payment_method)
	VALUES ('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000003',
	        '00000000-0000-7000-8000-000000000002', '{1}', 1, 'EUR', 'cash');
	INSERT INTO tickets (raffle_id, number, status, reservation_id, purchase_id)
	VALUES ('00000000-0000-7000-8000-000000000001', 1, 'sold', '00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000004');`

// wherever is the status of the raffle in each table that keeps it.
const wherever = `SELECT concat_ws(' ', r.status, s.status, p.raffle_status)
	FROM raffles r LEFT JOIN raffles_read s USING (id) LEFT JOIN purchases_read p ON p.raffle_id = r.id`

func (c cli) exec(sql string) {
	c.t.Helper()
	if _, err := c.database.Pool.Exec(c.t.Context(), sql); err != nil {
		c.t.Fatal(err)
	}
}

func (c cli) want(want, sql string) {
	c.t.Helper()
	var got string
	if err := c.database.Pool.QueryRow(c.t.Context(), sql).Scan(&got); err != nil || got != want {
		c.t.Errorf("found %q, not %q: %v", got, want, err)
	}
}

// sameAsOurs compares with what our own deployer makes of the same plan.
func (c cli) sameAsOurs(theirs []byte) {
	c.t.Helper()
	ours := cli{t: c.t, database: testdb.New(c.t)}.schema()
	if !bytes.Equal(ours, theirs) {
		c.t.Errorf("our deployer makes another schema than Sqitch:\n%s", difference(theirs, ours))
	}
}

// cli runs the real Sqitch on a database.
type cli struct {
	t        *testing.T
	database *testdb.Database
}

// run stops the test when Sqitch does not end well.
func (c cli) run(args ...string) {
	c.t.Helper()
	o := c.database.Options()
	target := fmt.Sprintf("db:pg://%s:%s@%s:%d/%s?sslmode=disable", o.User, o.Password, o.Host, o.Port, o.Name)
	dir, err := os.Getwd()
	if err != nil {
		c.t.Fatal(err)
	}
	printed, status, err := sqitchcli.Run(dir, append(args, target)...)
	if err != nil || status != 0 {
		c.t.Fatalf("sqitch %v: status %d, %v\n%s", args, status, err, printed)
	}
}

// changing are lines of a dump that differ between two dumps of the same schema.
var changing = regexp.MustCompile(`(?m)^(\\(un)?restrict .*|--.*)\n`)

// schema is everything in the database but Sqitch's own records.
func (c cli) schema() []byte {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), "pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--exclude-schema=sqitch", c.database.DSN)
	output, err := command.Output()
	if err != nil {
		c.t.Fatalf("pg_dump: %v", err)
	}
	return changing.ReplaceAll(output, nil)
}

// difference lists lines that only one of two schemas has.
func difference(want, got []byte) string {
	var b bytes.Buffer
	a, z := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	missing := func(from, in [][]byte, sign string) {
		for _, line := range from {
			if !slices.ContainsFunc(in, func(other []byte) bool { return bytes.Equal(line, other) }) {
				fmt.Fprintf(&b, "%s %s\n", sign, line)
			}
		}
	}
	missing(a, z, "-")
	missing(z, a, "+")
	return b.String()
}
