package migrate

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// event is a row of the registry's events.
type event struct {
	kind, id, name, note      string
	requires, conflicts, tags []string
	planner                   person
	plannedAt                 time.Time
}

func (m *Migrator) eventOf(kind string, c *Change) event {
	plan := m.project.plan
	return event{kind: kind, id: c.ID, name: c.Name, note: c.Note, requires: plan.dependTexts(c.requires),
		conflicts: plan.dependTexts(c.conflicts), tags: tagNames(c.Tags), planner: person{c.PlannerName, c.PlannerEmail}, plannedAt: c.PlannedAt}
}

func tagNames(tags []*Tag) []string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = "@" + t.Name
	}
	return names
}

// instant is the time to write to the registry: now, but later than every time in it, because
// everything there is ordered by time.
func (m *Migrator) instant(ctx context.Context, conn *pgx.Conn) (at time.Time, err error) {
	err = conn.QueryRow(ctx, m.reg.sql(`SELECT greatest(clock_timestamp(), 
		(SELECT max(committed_at) FROM @.changes) + interval '1 microsecond',
		(SELECT max(committed_at) FROM @.tags) + interval '1 microsecond',
		(SELECT max(committed_at) FROM @.events) + interval '1 microsecond')`)).Scan(&at)
	return at, err
}

func (m *Migrator) queueEvent(b *pgx.Batch, e event, at time.Time) {
	b.Queue(m.reg.sql(`INSERT INTO @.events (event, change_id, change, project, note, requires, conflicts, tags,
		committed_at, committer_name, committer_email, planned_at, planner_name, planner_email)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`),
		e.kind, e.id, e.name, m.reg.project, e.note, e.requires, e.conflicts, e.tags,
		at, m.reg.person.name, m.reg.person.email, e.plannedAt, e.planner.name, e.planner.email)
}

func (m *Migrator) queueTag(b *pgx.Batch, c *Change, t *Tag, at time.Time) {
	b.Queue(m.reg.sql(`INSERT INTO @.tags (tag_id, tag, project, change_id, note, committed_at,
		committer_name, committer_email, planned_at, planner_name, planner_email)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tag_id) DO NOTHING`),
		t.ID, "@"+t.Name, m.reg.project, c.ID, t.Note, at,
		m.reg.person.name, m.reg.person.email, t.PlannedAt, t.PlannerName, t.PlannerEmail)
}

// recordDeploy writes the rows of a deployed change: itself, what it depends on, its tags, its event.
func (m *Migrator) recordDeploy(ctx context.Context, conn *pgx.Conn, c *Change, ids map[*depend]string) error {
	hash, err := m.project.scriptHash(c)
	if err != nil {
		return err
	}
	at, err := m.instant(ctx, conn)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(m.reg.sql(`INSERT INTO @.changes (change_id, script_hash, change, project, note, committed_at,
		committer_name, committer_email, planned_at, planner_name, planner_email)
		VALUES ($1, NULLIF($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11)`),
		c.ID, hash, c.Name, m.reg.project, c.Note, at,
		m.reg.person.name, m.reg.person.email, c.PlannedAt, c.PlannerName, c.PlannerEmail)
	insert := m.reg.sql(`INSERT INTO @.dependencies (change_id, type, dependency, dependency_id) VALUES ($1, $2, $3, NULLIF($4, ''))`)
	for _, d := range c.requires {
		b.Queue(insert, c.ID, "require", m.project.plan.dependText(d), ids[d])
	}
	for _, d := range c.conflicts {
		b.Queue(insert, c.ID, "conflict", m.project.plan.dependText(d), "")
	}
	for _, t := range c.Tags {
		at = at.Add(time.Microsecond)
		m.queueTag(b, c, t, at)
	}
	m.queueEvent(b, m.eventOf("deploy", c), at.Add(time.Microsecond))
	return explainRows(conn.SendBatch(ctx, b).Close(), c)
}

// recordEvent writes an event in a transaction of its own.
func (m *Migrator) recordEvent(ctx context.Context, conn *pgx.Conn, kind string, c *Change) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	at, err := m.instant(ctx, conn)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	m.queueEvent(b, m.eventOf(kind, c), at)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// recordNewTags records the tags that the plan has given to the last deployed change since. Tags
// given later to changes before it are never recorded, as with Sqitch.
func (d *deployment) recordNewTags(ctx context.Context, from int) error {
	if from == 0 {
		return nil
	}
	c := d.m.project.plan.changes[from-1]
	known := map[string]bool{}
	for _, t := range d.state.tags {
		known[t.id] = true
	}
	b := &pgx.Batch{}
	var at time.Time
	for _, t := range c.Tags {
		if known[t.ID] {
			continue
		}
		if d.state.readOnly {
			return d.readOnly()
		}
		if at.IsZero() {
			var err error
			if at, err = d.m.instant(ctx, d.conn); err != nil {
				return err
			}
		}
		d.m.queueTag(b, c, t, at)
		at = at.Add(time.Microsecond)
	}
	if b.Len() == 0 {
		return nil
	}
	return explainRows(d.conn.SendBatch(ctx, b).Close(), c)
}

// recordRevert deletes the rows of a change and writes its event.
func (m *Migrator) recordRevert(ctx context.Context, conn *pgx.Conn, c *Change) error {
	e := m.eventOf("revert", c)
	b := &pgx.Batch{}
	b.Queue(m.reg.sql(`SELECT ARRAY(SELECT dependency FROM @.dependencies WHERE change_id = $1 AND type = 'require'),
		ARRAY(SELECT dependency FROM @.dependencies WHERE change_id = $1 AND type = 'conflict')`), c.ID).QueryRow(func(row pgx.Row) error {
		return row.Scan(&e.requires, &e.conflicts)
	})
	b.Queue(m.reg.sql(`DELETE FROM @.tags WHERE change_id = $1 RETURNING tag`), c.ID).Query(func(rows pgx.Rows) (err error) {
		e.tags, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	// The time is taken before the rows go, so that it is later than theirs.
	at, err := m.instant(ctx, conn)
	if err != nil {
		return err
	}
	b.Queue(m.reg.sql(`DELETE FROM @.changes WHERE change_id = $1`), c.ID)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	if e.tags == nil {
		e.tags = []string{}
	}
	b = &pgx.Batch{}
	m.queueEvent(b, e, at)
	return conn.SendBatch(ctx, b).Close()
}
