package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/test/testdb"
)

func TestPeopleErase(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	if _, err := db.Pool.Exec(t.Context(), `INSERT INTO participants (id, name, email) VALUES (gen_random_uuid(), 'Luz', 'luz@example.com')`); err != nil {
		t.Fatal(err)
	}
	getenv := environment(db.Env()...)
	erase := func(answer string, args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append([]string{"people"}, args...), getenv, strings.NewReader(answer), &out, &out)
		return out.String(), err
	}
	left := func() (n int) {
		if err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM participants WHERE name = 'Luz' OR email IS NOT NULL`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var exit exitError
	if out, err := erase("", "delete"); !errors.As(err, &exit) || exit != 2 || !strings.Contains(out, "Usage") {
		t.Errorf("a wrong command: %v, %s", err, out)
	}
	if out, err := erase("no\n", "erase", "luz@example.com"); !errors.As(err, &exit) || left() != 1 || !strings.Contains(out, "Nothing was erased") {
		t.Errorf("without a yes: %v, %s", err, out)
	}
	if out, err := erase("yes\n", "erase", "luz@example.com"); err != nil || left() != 0 {
		t.Errorf("erase: %v, %s", err, out)
	}
	if _, err := erase("", "erase", "--yes", "luz@example.com"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("erasing nobody: %v", err)
	}
}
