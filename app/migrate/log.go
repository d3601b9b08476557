package migrate

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// An Event is a row of the registry's history.
type Event struct {
	Kind           string // deploy, revert, fail or merge
	Project        string
	ChangeID       string
	Change         string
	Note           string
	Tags           []string // with "@"
	CommittedAt    time.Time
	CommitterName  string
	CommitterEmail string
}

// LogOptions say which events to read.
type LogOptions struct {
	Limit   int  // at most so many; 0: all
	Skip    int  // leave out so many first
	Reverse bool // oldest first; otherwise newest first
}

// Log reads the history of all projects in the database.
func (m *Migrator) Log(ctx context.Context, o LogOptions) ([]Event, error) {
	s, _, err := m.beginRead(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	order := "DESC"
	if o.Reverse {
		order = "ASC"
	}
	rows, err := s.conn.Query(ctx, m.reg.sql(`SELECT event, project, change_id, change, note, tags, committed_at, committer_name, committer_email
		FROM @.events ORDER BY committed_at `+order+` LIMIT NULLIF($1::bigint, 0) OFFSET $2::bigint`), o.Limit, o.Skip)
	if err != nil {
		return nil, s.explain(err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Event, err error) {
		return e, row.Scan(&e.Kind, &e.Project, &e.ChangeID, &e.Change, &e.Note, &e.Tags, &e.CommittedAt, &e.CommitterName, &e.CommitterEmail)
	})
}

// Format writes the event as Sqitch does, with times in the local time zone.
func (e Event) Format(w io.Writer) {
	kind := e.Kind
	if kind != "" && kind != "merge" {
		kind = strings.ToUpper(kind[:1]) + kind[1:]
	}
	note := "    " + strings.ReplaceAll(strings.TrimSuffix(e.Note, "\n"), "\n", "\n    ")
	fmt.Fprintf(w, "%s %s\nName:      %s\nCommitter: %s <%s>\nDate:      %s\n\n%s\n\n", kind, e.ChangeID, e.Change,
		e.CommitterName, e.CommitterEmail, e.CommittedAt.Local().Format(isoTime), note)
}
