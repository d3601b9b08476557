package testdb

import (
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachTestHasItsOwnMigratedDatabase(t *testing.T) {
	t.Parallel()
	a, b := New(t), New(t)
	if a.Name == b.Name {
		t.Fatal("two tests share a database")
	}
	if _, err := a.Pool.Exec(t.Context(), `INSERT INTO users (id, name, email, email_key, password_hash) VALUES (gen_random_uuid(), 'A', 'a', 'a', 'x')`); err != nil {
		t.Fatal(err)
	}
	var users int
	if err := b.Pool.QueryRow(t.Context(), `SELECT count(*) FROM users`).Scan(&users); err != nil || users != 0 {
		t.Errorf("the other database has %d users, %v", users, err)
	}
}

func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	var tables int
	err := NewEmpty(t).Pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("an empty database has %d tables, %v", tables, err)
	}
}
