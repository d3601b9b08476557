package query

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// A page of a list costs the same however many raffles there are: it walks one index and looks the rest up.
// That must hold with and without statistics, because raffles can be made faster than they are gathered,
// and for a plan that was made when there were none.
func TestListReadsOnlyItsPage(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.New(t).Pool) // which keeps its plans
	first, none := ListRaffles{Limit: UsualPage}.statement()
	if len(none) > 0 {
		t.Fatalf("the first page has parameters: %v", none)
	}
	if _, err := db.Exec(t.Context(), `PREPARE first AS `+first+`; EXECUTE first`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`ALTER TABLE raffles_read SET (autovacuum_enabled = off)`,
		`ALTER TABLE raffle_counts_read SET (autovacuum_enabled = off)`,
		`ALTER TABLE draws_read SET (autovacuum_enabled = off)`,
		`INSERT INTO raffles_read (id, title, ticket_price, currency, total_tickets, number_start, number_end, status, confirmation, created_at, updated_at)
			SELECT gen_random_uuid(), 'Moto', 5000, 'COP', 1000, 0, 999, 'open', 'self', now() - n * interval '1 second', now() FROM generate_series(1, 3000) AS n`,
		`INSERT INTO raffle_counts_read (raffle_id, slot) SELECT id, slot FROM raffles_read, generate_series(0, 15) AS slot ORDER BY id`,
		`ALTER TABLE raffle_numbers_read SET (autovacuum_enabled = off)`,
		`INSERT INTO raffle_numbers_read (raffle_id, number, status, reserved_until)
			SELECT id, n, 'reserved', now() + interval '1 hour' FROM (SELECT id FROM raffles_read LIMIT 10) AS r, generate_series(0, 199) AS n`,
		`INSERT INTO draws_read (raffle_id, method, rules, rules_hash, commitment) SELECT id, 'commit_reveal', '', '', '' FROM raffles_read`,
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	second, args := ListRaffles{Limit: 50, After: &Position{CreatedAt: time.Now()}}.statement()
	for _, statistics := range []string{`SELECT`, `ANALYZE`} {
		if _, err := db.Exec(t.Context(), statistics); err != nil {
			t.Fatal(err)
		}
		for statement, args := range map[string][]any{`EXECUTE first`: nil, first: nil, second: args} {
			if plan := testdb.Explain(t, db, statement, args...); strings.Contains(plan, "Seq Scan") {
				t.Errorf("after %s %s reads a whole table:\n%s", statistics, statement, plan)
			}
		}
	}
}

// Only the usual page has a text of its own: each text stays planned in each session.
func TestPageSizesShareAStatement(t *testing.T) {
	t.Parallel()
	texts := map[string]bool{}
	for limit := 1; limit <= 200; limit++ {
		sql, _ := ListRaffles{Limit: limit}.statement()
		texts[sql] = true
	}
	if len(texts) != 2 {
		t.Errorf("200 sizes of a page are %d statements", len(texts))
	}
}

// A page of a board looks at its own numbers only, with a plan that suits every page.
func TestPageReadsOnlyItsStretch(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.New(t).Pool)
	for _, sql := range []string{
		`INSERT INTO raffle_numbers_read (raffle_id, number, status) SELECT '` + uuid.Nil.String() + `', n, 'sold' FROM generate_series(0, 9999) AS n`,
		`ANALYZE raffle_numbers_read`,
		`SET plan_cache_mode = force_generic_plan`, // as after five of them
		`PREPARE page (uuid, uuid, integer, integer) AS ` + selectBoard(stretch),
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	plan := testdb.Explain(t, db, `EXECUTE page ('`+uuid.Nil.String()+`', NULL, 300, 100)`)
	if !regexp.MustCompile(`Index Cond: .*number >= .*number < `).MatchString(plan) {
		t.Errorf("the numbers are not looked up by number:\n%s", plan)
	}
}

// Whoever has bought two thousand times gets their last page as fast as the first: it begins at its place in the
// index.
func TestPurchasesBeginAtTheirPosition(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.New(t).Pool)
	raffleID, participantID := uuid.New(), uuid.New()
	page, args := purchasesPage(participantID, &Position{CreatedAt: time.Now()}, UsualPage)
	if len(args) != 4 {
		t.Fatalf("a later page has the parameters %v", args)
	}
	for _, sql := range []string{
		`INSERT INTO raffles_read (id, title, ticket_price, currency, total_tickets, number_start, number_end, status, confirmation, created_at, updated_at)
			VALUES ('` + raffleID.String() + `', 'Moto', 5000, 'COP', 100000, 0, 99999, 'open', 'self', now(), now())`,
		`INSERT INTO sales_read (id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at)
			SELECT gen_random_uuid(), '` + raffleID.String() + `', CASE WHEN n % 2 = 0 THEN '` + participantID.String() + `' ELSE gen_random_uuid() END,
				ARRAY[n], 5000, 'COP', 'confirmed', 'demo', false, now() - n * interval '1 minute' FROM generate_series(1, 4000) AS n`,
		`ANALYZE raffles_read, sales_read`,
		`SET plan_cache_mode = force_generic_plan`, // as after five of them
		`PREPARE page (uuid, integer, timestamptz, uuid) AS ` + page,
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	plan := testdb.Explain(t, db, `EXECUTE page ('`+participantID.String()+`', 51, now() - interval '3900 minutes', '`+uuid.Nil.String()+`')`)
	if !regexp.MustCompile(`Index Cond: .*participant_id.*ROW\(`).MatchString(plan) {
		t.Errorf("the purchases before the position are read too:\n%s", plan)
	}
}

// Drafts and cancelled raffles are listed to their owner, so everybody else's are not looked through.
func TestHiddenRafflesAreFoundByOwner(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.New(t).Pool)
	organiser := uuid.New()
	for _, sql := range []string{
		`INSERT INTO raffles_read (id, title, ticket_price, currency, total_tickets, number_start, number_end, status, confirmation, created_at, updated_at, owner_id)
			SELECT gen_random_uuid(), 'Moto', 5000, 'COP', 1000, 0, 999, CASE WHEN n % 9 = 0 THEN 'draft' ELSE 'open' END, 'self', now() - n * interval '1 second', now(),
				CASE WHEN n > 2990 THEN '` + organiser.String() + `' ELSE gen_random_uuid() END FROM generate_series(1, 3000) AS n`,
		`ANALYZE raffles_read`,
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, status := range []raffle.Status{raffle.Draft, raffle.Cancelled} {
		for _, caller := range []*uuid.UUID{nil, &organiser} {
			statement, args := ListRaffles{Caller: caller, Status: status, Limit: UsualPage}.statement()
			if plan := testdb.Explain(t, db, statement, args...); strings.Contains(plan, "raffles_read_newest") || strings.Contains(plan, "Seq Scan") {
				t.Errorf("everybody's raffles are looked through for those of %v that are %s:\n%s", caller, status, plan)
			}
		}
	}
	for caller, want := range map[*uuid.UUID]int{nil: 0, &organiser: 1} { // one of ten is a draft
		got, _, err := (&Queries{DB: db}).Raffles(t.Context(), ListRaffles{Caller: caller, Status: raffle.Draft, Limit: UsualPage})
		if err != nil || len(got) != want {
			t.Errorf("%v sees %d drafts, %v; want %d", caller, len(got), err, want)
		}
	}
}

// A whole board is read page by page, also where most boards are small and the planner takes this one for
// such: row by row it takes twice as long.
func TestWholeBoardIsReadInPageOrder(t *testing.T) {
	t.Parallel()
	db := testdb.New(t).Pool
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	large := uuid.New()
	for _, sql := range []string{
		`INSERT INTO raffle_numbers_read (raffle_id, number, status) SELECT gen_random_uuid(), 1, 'sold' FROM generate_series(1, 3000)`,
		`INSERT INTO raffle_numbers_read (raffle_id, number, status) SELECT '` + large.String() + `', n, 'sold' FROM generate_series(0, 9999) AS n ORDER BY random()`,
		`ANALYZE raffle_numbers_read`,
		`SET LOCAL plan_cache_mode = force_generic_plan`, // as after five of them
		pageOrder,
		`PREPARE whole (uuid, uuid) AS ` + selectBoard(""),
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	plan := testdb.Explain(t, tx, `EXECUTE whole ('`+large.String()+`', NULL)`)
	if strings.Contains(plan, "Index Scan using raffle_numbers_read_pkey") || !strings.Contains(plan, "Heap Scan on raffle_numbers_read") {
		t.Errorf("the numbers are not read in page order:\n%s", plan)
	}
}

// The planner is told for the one query, and for no other on that connection.
func TestPageOrderEndsWithItsQuery(t *testing.T) {
	t.Parallel()
	db := testdb.OneConnection(t, testdb.New(t).Pool)
	const setting = `SELECT current_setting('enable_indexscan')`
	for range 2 { // once prepared it is another exchange
		var within, after string
		if err := inPageOrder(t.Context(), db, func(row pgx.Row) error { return row.Scan(&within) }, setting); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(t.Context(), setting).Scan(&after); err != nil {
			t.Fatal(err)
		}
		if within != "off" || after != "on" {
			t.Errorf("index scans are %s in a query over a whole board and %s after it", within, after)
		}
	}
}

// Whoever asks for one page does not share the answer of another, whatever the cursor says.
func TestDifferentPagesAreDifferentQuestions(t *testing.T) {
	t.Parallel()
	first := ListRaffles{Limit: 50}
	for _, other := range []ListRaffles{
		{Limit: 50, After: &Position{}},
		{Limit: 50, OwnerID: new(uuid.UUID)},
		{Limit: 50, Status: raffle.Open},
		{Limit: 50, Text: "moto"},
		{Limit: 49},
	} {
		if first.question() == other.question() {
			t.Errorf("%+v asks the same as %+v", other, first)
		}
	}
}

// A reader waits for one answer of the database, whatever they look at. Whoever has a board already asks
// for its version first.
func TestReadsTakeOneTrip(t *testing.T) {
	t.Parallel()
	db, trips := testdb.CountTrips(t, testdb.New(t).Pool)
	id := uuid.New()
	_, err := db.Exec(t.Context(), `
		INSERT INTO raffles_read (id, title, ticket_price, currency, total_tickets, number_start, number_end, status, confirmation, created_at, updated_at)
		VALUES ($1, 'Moto', 5000, 'COP', 1000, 0, 999, 'open', 'self', now(), now())`, id)
	if err != nil {
		t.Fatal(err)
	}
	q := &Queries{DB: db}
	for what, read := range map[string]func() error{
		"a raffle":       func() error { _, err := q.Raffle(t.Context(), id, nil); return err },
		"a list":         func() error { _, _, err := q.Raffles(t.Context(), ListRaffles{Limit: 50}); return err },
		"a page":         func() error { _, err := q.Board(t.Context(), id, nil, 300, 100); return err },
		"a board":        func() error { _, err := q.Board(t.Context(), id, nil, 0, 0); return err },
		"a board's head": func() error { _, err := q.BoardHead(t.Context(), id, nil); return err },
		"a compact head": func() error { _, err := q.CompactHead(t.Context(), id, nil); return err },
	} {
		ask := func() {
			if err := read(); err != nil {
				t.Error(err)
			}
		}
		ask() // prepares its statement
		if made := trips(ask); made != 1 {
			t.Errorf("%s takes %d trips", what, made)
		}
	}
}
