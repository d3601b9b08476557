package migrate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// unansweredCommit is a connection that is lost when the server answers a COMMIT.
type unansweredCommit struct {
	net.Conn
	committing atomic.Bool
}

func (c *unansweredCommit) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if bytes.Contains(p, []byte("COMMIT\x00")) {
		c.committing.Store(true)
	}
	return n, err
}

func (c *unansweredCommit) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.committing.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// TestRevertWhoseCommitIsNotAnswered loses the connection at a COMMIT that the server has done. Revert
// goes on; when it cannot connect again it names what is reverted.
func TestRevertWhoseCommitIsNotAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dials   int // that succeed: to look, to work, to ask, to work again
		applied []string
		left    string
	}{
		"the server is back":    {100, []string{"b", "a"}, ""},
		"the server stays away": {3, []string{"b"}, "a0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, fsys := testdb.NewEmpty(t), project(planOf("a", "b"))
			m, _ := migrator(t, fsys, d.DSN)
			if _, err := m.Deploy(t.Context(), migrate.DeployOptions{}); err != nil {
				t.Fatal(err)
			}
			p, err := migrate.Open(fsys)
			if err != nil {
				t.Fatal(err)
			}
			away, dials := errors.New("the server is away"), 0
			flaky := func(context.Context) (*pgx.ConnConfig, error) {
				if dials++; dials > c.dials {
					return nil, away
				}
				config, err := pgx.ParseConfig(d.DSN)
				if err == nil && dials == 2 {
					dial := config.DialFunc
					config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := dial(ctx, network, address)
						return &unansweredCommit{Conn: conn}, err
					}
				}
				return config, err
			}
			result, err := migrate.New(p, flaky, migrate.Options{}).Revert(t.Context(), migrate.RevertOptions{})
			if done := c.left == ""; done != (err == nil) || !done && !errors.Is(err, away) {
				t.Errorf("error %v", err)
			}
			if got := userTables(t, d); got != c.left || !slices.Equal(result.Applied, c.applied) {
				t.Errorf("it says that it reverted %v and leaves the tables %s", result.Applied, got)
			}
		})
	}
}
