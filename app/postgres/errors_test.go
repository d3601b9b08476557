package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// A server that refuses the login is one that cannot be reached, whatever it says: RDS refuses tokens when many
// log in at once.
func TestRefusedLogins(t *testing.T) {
	t.Parallel()
	c := testdb.New(t).Pool.Config().ConnConfig
	for refusal, change := range map[string]func(*postgres.Options){
		"an unknown role":     func(o *postgres.Options) { o.User = "nobody_here" },
		"an unknown database": func(o *postgres.Options) { o.Name = "nowhere" },
	} {
		o := postgres.Options{Host: c.Host, Port: int(c.Port), Name: c.Database, User: c.User, Password: c.Password, SSLMode: "disable"}
		change(&o)
		pool, err := postgres.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		err = postgres.InTx(t.Context(), pool, func(pgx.Tx) error { return nil })
		if !errors.Is(err, postgres.ErrUnavailable) {
			t.Errorf("%s: %v", refusal, err)
		}
	}
}
