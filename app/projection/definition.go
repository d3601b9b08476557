package projection

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
)

// table pairs a read table with the view that defines it. The views come from the migrations
// cqrs_read_model and later ones, and their backfill uses them too.
type table struct {
	name       string
	key        string // columns, as in a USING clause
	read       string // the table as a relation comparable with the definition
	definition string
	rebuild    []string
}

var tables = []table{
	plainTable("raffles_read", "id", "raffles_definition", raffleColumns),
	{
		name:       "raffle_counts_read",
		key:        "raffle_id",
		read:       "(SELECT raffle_id, sum(reserved) AS reserved, sum(sold) AS sold FROM raffle_counts_read GROUP BY raffle_id)",
		definition: "raffle_counts_definition",
		rebuild: []string{
			`DELETE FROM raffle_counts_read`,
			// The version jumps ahead of every value it had before: entity tags must not repeat. The slots of a raffle
			// lie together, as Create leaves them: a list that adds them up would read sixteen pages for each otherwise.
			fmt.Sprintf(`INSERT INTO raffle_counts_read (raffle_id, slot, reserved, sold, version)
				SELECT raffle_id, slot, CASE slot WHEN 0 THEN reserved ELSE 0 END, CASE slot WHEN 0 THEN sold ELSE 0 END,
					CASE slot WHEN 0 THEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint ELSE 0 END
				FROM raffle_counts_definition, generate_series(0, %d) AS slot
				ORDER BY raffle_id, slot`, countSlots-1),
		},
	},
	plainTable("raffle_numbers_read", "raffle_id, number", "raffle_numbers_definition", "raffle_id, number, status, reserved_until"),
	{
		name: "purchases_read", key: "id", read: "purchases_read", definition: "purchases_definition",
		rebuild: []string{
			`DELETE FROM sales_read`,
			`INSERT INTO sales_read (` + saleColumns + `) SELECT ` + saleColumns + ` FROM purchases_definition`,
		},
	},
	plainTable("draws_read", "raffle_id", "draws_definition", drawColumns),
	plainTable("draw_entries_read", "raffle_id, chunk", "draw_entries_definition", entryColumns),
	plainTable("receipt_keys_read", "key_id", "receipt_keys_definition", "key_id, public_key, created_at"),
}

func plainTable(name, key, definition, columns string) table {
	return table{
		name: name, key: key, read: name, definition: definition,
		rebuild: []string{
			`DELETE FROM ` + name,
			`INSERT INTO ` + name + ` (` + columns + `) SELECT ` + columns + ` FROM ` + definition,
		},
	}
}

// Difference is one row of a read table that is not as its definition says.
type Difference struct {
	Table string
	Key   []string       // the columns that tell its rows apart
	Want  map[string]any // nil when the row should not be there
	Got   map[string]any // nil when the row is missing
}

// String is one line: the table, what is wrong, the key of the row and the columns that differ.
func (d Difference) String() string {
	switch {
	case d.Got == nil:
		return fmt.Sprintf("%s: missing row %s", d.Table, d.describe(d.Want, nil))
	case d.Want == nil:
		return fmt.Sprintf("%s: row that should not be there %s", d.Table, d.describe(d.Got, nil))
	}
	return fmt.Sprintf("%s: is %s, should be %s", d.Table, d.describe(d.Got, d.Want), d.describe(d.Want, d.Got))
}

// describe lists the key and the columns that differ from other.
func (d Difference) describe(row, other map[string]any) string {
	var parts []string
	for name, value := range row {
		if slices.Contains(d.Key, name) || other == nil || fmt.Sprint(value) != fmt.Sprint(other[name]) {
			parts = append(parts, fmt.Sprintf("%s=%v", name, value))
		}
	}
	slices.Sort(parts)
	return "(" + strings.Join(parts, " ") + ")"
}

// Check compares every read table with its definition in one snapshot and calls report for each
// difference. It is safe, and finds nothing, while sales run.
func Check(ctx context.Context, db *pgxpool.Pool, report func(Difference)) (differences int, err error) {
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, fmt.Errorf("projections check: %w", postgres.Translate(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := postgres.Unhurried(ctx, tx); err != nil {
		return 0, fmt.Errorf("projections check: %w", postgres.Translate(err))
	}
	for _, t := range tables {
		found, err := t.check(ctx, tx, report)
		if err != nil {
			return differences, fmt.Errorf("projections check: %s: %w", t.name, err)
		}
		differences += found
	}
	return differences, nil
}

func (t table) check(ctx context.Context, tx pgx.Tx, report func(Difference)) (found int, err error) {
	rows, err := tx.Query(ctx, `
		SELECT to_jsonb(d), to_jsonb(r)
		FROM `+t.definition+` AS d
		FULL JOIN `+t.read+` AS r USING (`+t.key+`)
		WHERE to_jsonb(d) IS DISTINCT FROM to_jsonb(r)`)
	if err != nil {
		return 0, err
	}
	var want, got []byte
	_, err = pgx.ForEachRow(rows, []any{&want, &got}, func() error {
		difference := Difference{Table: t.name, Key: strings.Split(t.key, ", ")}
		if err := unmarshal(want, &difference.Want); err != nil {
			return err
		}
		if err := unmarshal(got, &difference.Got); err != nil {
			return err
		}
		found++
		report(difference)
		return nil
	})
	return found, err
}

func unmarshal(data []byte, row *map[string]any) error {
	if data == nil {
		return nil
	}
	return json.Unmarshal(data, row)
}

// Rebuild fills every read table from its definition, in one transaction. Readers see the old rows
// until it commits; commands wait for it, and are refused as unavailable when their role's lock_timeout is
// shorter than it takes. It writes one line per table to progress.
func Rebuild(ctx context.Context, db *pgxpool.Pool, progress io.Writer) error {
	err := postgres.InTx(ctx, db, func(tx pgx.Tx) error {
		if err := postgres.Unhurried(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `LOCK TABLE raffles, participants, reservations, tickets, purchases, draw_rules, draw_owners, draw_seals,
			draw_entries, lottery_results, draws, draw_winners, receipt_keys IN SHARE MODE`); err != nil {
			return err
		}
		for _, t := range tables {
			for _, statement := range t.rebuild {
				tag, err := tx.Exec(ctx, statement)
				if err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				if tag.Insert() {
					fmt.Fprintf(progress, "%-20s %8d rows\n", t.name, tag.RowsAffected())
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("projections rebuild: %w", err)
	}
	return nil
}
