package chaos

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/test/trust"
)

// edits make the program that lies: the environment says which of the mistakes it makes. They are
// laid over the sources for this one build (go build -overlay) and are in no other.
var edits = []struct{ file, from, to string }{
	{"app/command/idempotency.go", // the key is stored beside the command's transaction, not by it
		`run(postgres.WithTx(ctx, tx))`,
		`run(map[bool]context.Context{true: ctx, false: postgres.WithTx(ctx, tx)}[postgres.Mistake("idempotency")])`},
	// The board is brought up to date after the commit, as late as from a busy process: an instant
	// later it would at times be right before anybody had looked.
	{"app/command/reserve_numbers.go",
		`projection.NumbersHeld("$1", "r.numbers", "r.fresh", "r.expires_at", "$13") +`,
		`map[bool]string{true: "$13::smallint", false: projection.NumbersHeld("$1", "r.numbers", "r.fresh", "r.expires_at", "$13")}[postgres.Mistake("projection")]+`},
	{"app/command/reserve_numbers.go",
		`return reservation, refusal(err)`,
		`if err == nil && postgres.Mistake("projection") {
			_, _ = c.DB.Exec(ctx, "SELECT pg_sleep(0.3), "+projection.NumbersHeld("r.raffle_id", "r.numbers", "cardinality(r.numbers)", "r.expires_at", "0::smallint")+" FROM reservations r WHERE r.id = $1", reservation.ID)
		}
		return reservation, refusal(err)`},
	{"app/postgres/tx.go", // an unanswered commit is taken for one that failed
		`func resolve(ctx context.Context, db *pgxpool.Pool, lookup Lookup) (done bool, err error) {`,
		`func resolve(ctx context.Context, db *pgxpool.Pool, lookup Lookup) (done bool, err error) {
			if Mistake("retry") {
				return false, nil
			}`},
}

const mistake = `package postgres

import "os"

func Mistake(name string) bool { return os.Getenv("MISTAKE") == name }
`

// buildMutant compiles the binary with the edits.
func buildMutant(t *testing.T) string {
	t.Helper()
	dir, overlay := t.TempDir(), map[string]string{}
	sources := map[string]string{"app/postgres/mistake.go": mistake}
	for _, edit := range edits {
		if sources[edit.file] == "" {
			sources[edit.file] = string(trust.File(t, edit.file))
		}
		if strings.Count(sources[edit.file], edit.from) != 1 {
			t.Fatalf("%s does not contain %q once: give the mutant of it another place", edit.file, edit.from)
		}
		sources[edit.file] = strings.Replace(sources[edit.file], edit.from, edit.to, 1)
	}
	for file, source := range sources {
		changed := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(changed, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[trust.Path(t, file)] = changed
	}
	list, _ := json.Marshal(map[string]any{"Replace": overlay})
	listed, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "rifaapp")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", listed, "-o", binary, "github.com/rifaapp/rifaapp/app/cmd/rifaapp")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the mutant: %v\n%s", err, output)
	}
	return binary
}

// What writes to tickets, for dawdle.
const (
	sales         = "UPDATE"
	holdsAndSales = "INSERT OR UPDATE"
)

// dawdle makes these take as long as they do with a busy network between, so that others, or a fault, come
// between.
func dawdle(these, seconds string) string {
	return `
		CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(` + seconds + `); RETURN new; END $$;
		CREATE TRIGGER dawdle BEFORE ` + these + ` ON tickets FOR EACH ROW EXECUTE FUNCTION dawdle()`
}

// tries is how often a mutant may get away: a rare run does not meet the mistake at all.
const tries = 3

// The checks can fail (R5): each of five programs that make one mistake is caught, under the same
// load and faults that the program without a mistake stands (which the large size shows).
func TestMutantsAreCaught(t *testing.T) {
	seed := trust.Seed(t)
	binary, server := buildMutant(t), startPostgres(t)
	rush := sizes{buyers: 20, attempts: 160, raffles: 8, buys: 0.9, keyless: 0.5, oneByOne: true}
	storms := sizes{buyers: 20, attempts: 200, raffles: 8, buys: 0.2, storms: 3, lostAnswers: 2, roundsPerStorm: 5, attemptsPerOutrage: 5, rounds: 1}
	silence := sizes{buyers: 20, attempts: 300, raffles: 24, buys: 0.2, keyless: 1, lostAnswers: 4, roundsPerStorm: 5, attemptsPerOutrage: 10, rounds: 1}
	caught := 0
	for _, m := range []struct {
		name, mistake string
		sizes         sizes
		prepare       []string
	}{
		{"none, in a rush", "", rush, []string{dawdle(sales, "0.3")}},
		{"none, in storms", "", storms, []string{dawdle(sales, "0.02")}},
		{"none, in silence", "", silence, []string{dawdle(holdsAndSales, "0.02")}},
		{"no unique index", "index", rush, []string{`ALTER TABLE tickets DROP CONSTRAINT tickets_pkey, ADD CONSTRAINT tickets_pkey UNIQUE (raffle_id, number, id)`}},
		{"no lock", "lock", rush, []string{dawdle(sales, "0.3"), `CREATE OR REPLACE FUNCTION lock_raffle(p_raffle uuid, p_alone boolean) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'`}},
		{"idempotency row outside the transaction", "idempotency", storms, []string{dawdle(sales, "0.02")}},
		{"projection outside the transaction", "projection", rush, nil},
		{"blind retry after an unknown commit", "retry", silence, []string{dawdle(holdsAndSales, "0.02")}},
	} {
		t.Run(m.name, func(t *testing.T) {
			if m.mistake == "" && !trust.Soaking() {
				t.Skip("TestChaos shows that there is nothing to find without a mistake; under these loads too: go tool mage soak")
			}
			var findings []string
			for try := uint64(0); try < tries && len(findings) == 0; try++ {
				w := newWorld(t, server, options{binary: binary, processes: 2, env: []string{"MISTAKE=" + m.mistake}, prepare: m.prepare})
				_, findings = start(t, w, m.sizes, seed+try)
			}
			switch {
			case m.mistake == "" && len(findings) > 0:
				t.Errorf("without a mistake there are findings: %q", findings)
			case m.mistake != "" && len(findings) == 0:
				t.Errorf("it was not caught, in %d tries", tries)
			case m.mistake != "":
				caught++
				t.Logf("%d findings, such as: %.300s", len(findings), findings[0])
			}
		})
	}
	trust.Figure(t, "R5", "mutants", 5, "caught", caught)
}
