package migrate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// registry is Sqitch's registry in one database.
type registry struct {
	schema  string // quoted
	raw     string
	project string
	person  person
}

type person struct{ name, email string }

// sql puts the registry's schema in place of each @. of a statement.
func (r *registry) sql(s string) string { return strings.ReplaceAll(s, "@.", r.schema+".") }

// state is what the registry says, read at one moment.
type state struct {
	exists     bool
	releases   bool // the table of releases exists: registry 1.0 or later
	readOnly   bool
	version    string // empty when no release is recorded
	registered bool
	uri        string
	changes    []*deployed // of the project, in the order of deployment
	tags       []deployedTag
}

// deployed is a change as the registry has it.
type deployed struct {
	id, hash, name, note string
	committedAt          time.Time
	committer, planner   person
	plannedAt            time.Time
	tags                 []string // with "@", in the order of their names
}

type deployedTag struct {
	id, tag, changeID string
	committedAt       time.Time
}

func (s *state) head() *deployed {
	if n := len(s.changes); n > 0 {
		return s.changes[n-1]
	}
	return nil
}

// load reads the registry.
func (r *registry) load(ctx context.Context, conn *pgx.Conn) (*state, error) {
	s := &state{}
	err := conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL,
		pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'`,
		r.sql("@.changes"), r.sql("@.releases")).Scan(&s.exists, &s.releases, &s.readOnly)
	if err != nil || !s.exists || !s.releases {
		return s, err
	}
	b := &pgx.Batch{}
	b.Queue(r.sql(`SELECT COALESCE(MAX(version)::TEXT, '') FROM @.releases`)).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.version)
	})
	b.Queue(r.sql(`SELECT COALESCE(uri, '') FROM @.projects WHERE project = $1`), r.project).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			s.registered = true
			if err := rows.Scan(&s.uri); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	b.Queue(r.sql(`SELECT c.change_id, COALESCE(c.script_hash, ''), c.change, c.note, c.committed_at, c.committer_name,
		c.committer_email, c.planner_name, c.planner_email, c.planned_at,
		ARRAY(SELECT t.tag FROM @.tags t WHERE t.change_id = c.change_id ORDER BY t.tag)
		FROM @.changes c WHERE c.project = $1 ORDER BY c.committed_at`), r.project).Query(s.scanChanges)
	b.Queue(r.sql(`SELECT tag_id, tag, change_id, committed_at FROM @.tags WHERE project = $1 ORDER BY committed_at`), r.project).Query(func(rows pgx.Rows) error {
		var err error
		s.tags, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t deployedTag, err error) {
			return t, row.Scan(&t.id, &t.tag, &t.changeID, &t.committedAt)
		})
		return err
	})
	return s, conn.SendBatch(ctx, b).Close()
}

func (s *state) scanChanges(rows pgx.Rows) (err error) {
	s.changes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*deployed, error) {
		d := &deployed{}
		return d, row.Scan(&d.id, &d.hash, &d.name, &d.note, &d.committedAt, &d.committer.name, &d.committer.email,
			&d.planner.name, &d.planner.email, &d.plannedAt, &d.tags)
	})
	return err
}

// compatible refuses registries that are not of version 1.1.
func (s *state) compatible() error {
	switch {
	case !s.exists, s.version == registryVersion:
		return nil
	case s.version == "" && s.releases:
		return nil // made, but its release not yet recorded: deploy records it
	case newerVersion(s.version, registryVersion):
		return fmt.Errorf("the registry is of version %s, newer than %s, the newest known here; deploy with a newer release of this program", s.version, registryVersion)
	}
	return fmt.Errorf("the registry is older than version %s; run \"sqitch upgrade\" with Sqitch 1.3 first", registryVersion)
}

// newerVersion compares versions, which are numbers to Sqitch.
func newerVersion(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 32)
	y, errY := strconv.ParseFloat(b, 32)
	return errX == nil && errY == nil && x > y
}

// create makes the registry where it is missing, and makes the project known to it.
func (r *registry) create(ctx context.Context, conn *pgx.Conn, s *state, uri string) error {
	if s.exists && s.registered && s.version != "" {
		return nil
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if !s.exists {
		if _, err := conn.PgConn().Exec(ctx, registryDDL(r.raw)).ReadAll(); err != nil {
			return err
		}
	}
	if s.version == "" {
		_, err = tx.Exec(ctx, r.sql(`INSERT INTO @.releases (version, installer_name, installer_email) VALUES (1.1, $1, $2)`), r.person.name, r.person.email)
	}
	if err == nil && !s.registered {
		_, err = tx.Exec(ctx, r.sql(`INSERT INTO @.projects (project, uri, creator_name, creator_email) VALUES ($1, NULLIF($2, ''), $3, $4)`),
			r.project, uri, r.person.name, r.person.email)
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// checkProject refuses a database in which the project, or its URI, is somebody else's.
func (r *registry) checkProject(ctx context.Context, conn *pgx.Conn, s *state, uri string) error {
	shown := func(u string) string {
		if u == "" {
			return "without a URI"
		}
		return "with the URI " + u
	}
	const advice = "; this is the database of another project: check where you are connected, or the %%uri of the plan"
	if s.registered {
		if s.uri != uri {
			return fmt.Errorf("project %q is registered in this database %s, and the plan has it %s"+advice, r.project, shown(s.uri), shown(uri))
		}
		return nil
	}
	if !s.exists || uri == "" {
		return nil
	}
	var other string
	err := conn.QueryRow(ctx, r.sql(`SELECT project FROM @.projects WHERE uri = $1`), uri).Scan(&other)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("the URI %s belongs to project %q in this database, and the plan is of project %q"+advice, uri, other, r.project)
}

// isCode tells whether the server answered with this SQLSTATE.
func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
