package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// explainRows says what a clash in the registry means.
func explainRows(err error, c *Change) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "changes_project_script_hash_key" {
		return fmt.Errorf("the deploy script of %q is the same, byte for byte, as that of a deployed change; Sqitch's registry takes each script once: change a comment in it: %w", c.Name, err)
	}
	return err
}

// RevertOptions say what to revert.
type RevertOptions struct {
	To      string // the change or tag that stays, with what is before it; empty: revert everything
	LogOnly bool   // record the reverts without running the scripts
	// Confirm is asked before anything is reverted, with a question for a person; nil: go ahead.
	Confirm func(question string) (bool, error)
}

// ErrNotConfirmed says that the person asked did not agree to a revert.
var ErrNotConfirmed = errors.New("nothing reverted")

// reversal is one run of Revert.
type reversal struct {
	*session
	opts    RevertOptions
	changes []*Change // the last one first
	scripts map[*Change]*script
	work    *pgx.Conn
	result  *Result
}

// Revert takes back the deployed changes behind opts.To, the last one first, one transaction each.
// Everything that can be checked is checked before the first script runs. The Result names the
// reverted changes.
func (m *Migrator) Revert(ctx context.Context, o RevertOptions) (*Result, error) {
	r := &reversal{opts: o, result: &Result{}}
	var st *state
	var err error
	if r.session, st, err = m.begin(ctx, true); err != nil {
		return r.result, err
	}
	defer r.session.close(ctx)
	if !st.exists {
		return r.result, fmt.Errorf("no registry found in %s: nothing was ever deployed there", r.destination)
	}
	from, err := r.keep(st)
	if err != nil {
		return r.result, err
	}
	if from == len(st.changes) {
		r.sayNothing()
		return r.result, nil
	}
	if st.readOnly {
		return r.result, fmt.Errorf("%s is read-only (a standby, or default_transaction_read_only is on); nothing was reverted: connect to the writer", r.destination)
	}
	for _, d := range slices.Backward(st.changes[from:]) {
		r.changes = append(r.changes, m.planned(st, d))
	}
	err = r.confirm(st, from)
	if err == nil {
		err = r.checkRequired(ctx)
	}
	if err == nil {
		err = r.revertAll(ctx)
	}
	return r.result, r.explain(err)
}

func (r *reversal) sayNothing() {
	if r.opts.To == "" {
		r.m.printf("Nothing to revert (nothing deployed)\n")
		return
	}
	r.m.printf("No changes deployed since: %q\n", r.opts.To)
}

// keep returns how many of the deployed changes stay.
func (r *reversal) keep(st *state) (int, error) {
	if r.opts.To == "" {
		return 0, nil
	}
	i, err := st.find(r.opts.To)
	if err != nil {
		return 0, err
	}
	if i >= 0 {
		return i + 1, nil
	}
	if _, err := r.m.project.plan.find(r.opts.To); err == nil {
		return 0, fmt.Errorf("change not deployed: %q; see \"status\" for what is", r.opts.To)
	}
	return 0, fmt.Errorf("unknown change: %q is neither in the plan nor deployed; \"log\" lists what was deployed", r.opts.To)
}

func (r *reversal) confirm(st *state, from int) error {
	what := "all changes"
	if from > 0 {
		what = "changes to " + r.m.planned(st, st.changes[from-1]).String()
	}
	if r.opts.Confirm == nil {
		r.m.printf("Reverting %s from %s\n", what, r.destination)
		return nil
	}
	yes, err := r.opts.Confirm(fmt.Sprintf("Revert %s from %s?", what, r.destination))
	if err == nil && !yes {
		err = ErrNotConfirmed
	}
	return err
}

// planned returns the change of the plan that a deployed one is. One that the plan no longer has is
// made from the registry; its scripts are those of its name.
func (m *Migrator) planned(st *state, d *deployed) *Change {
	c := &Change{ID: d.id, Name: d.name, Note: d.note, PlannerName: d.planner.name, PlannerEmail: d.planner.email, PlannedAt: d.plannedAt.UTC()}
	for _, tag := range d.tags {
		c.Tags = append(c.Tags, &Tag{Name: strings.TrimPrefix(tag, "@")})
	}
	if at, ok := m.project.plan.lookup[d.id]; ok {
		p := m.project.plan.changes[at[0]]
		c.reworkTags, c.index = p.reworkTags, p.index
		return c
	}
	i := slices.Index(st.changes, d)
	for j, later := range st.changes[i+1:] {
		if later.name != d.name {
			continue
		}
		for k := i + j; k >= i; k-- {
			for _, tag := range st.changes[k].tags {
				c.reworkTags = append(c.reworkTags, &Tag{Name: strings.TrimPrefix(tag, "@")})
			}
		}
		break
	}
	return c
}

// checkRequired refuses to revert what a change that stays requires.
func (r *reversal) checkRequired(ctx context.Context) error {
	ids := make([]string, len(r.changes))
	at := map[string]int{}
	for i, c := range r.changes {
		ids[i], at[c.ID] = c.ID, i
	}
	rows, err := r.conn.Query(ctx, r.m.reg.sql(`SELECT d.dependency_id, c.change_id, c.project, c.change
		FROM @.dependencies d JOIN @.changes c ON c.change_id = d.change_id WHERE d.dependency_id = ANY($1)`), ids)
	if err != nil {
		return err
	}
	var faults []string
	var required, id, project, name string
	_, err = pgx.ForEachRow(rows, []any{&required, &id, &project, &name}, func() error {
		if i, reverted := at[id]; reverted && i <= at[required] {
			return nil
		}
		if project != r.m.reg.project {
			name = project + ":" + name
		}
		faults = append(faults, fmt.Sprintf("change %q is required by the deployed change %q", r.changes[at[required]].Name, name))
		return nil
	})
	if err == nil && len(faults) > 0 {
		err = errors.New(strings.Join(faults, "; ") + "; revert that first; nothing was reverted")
	}
	return err
}

// revertAll runs the revert scripts.
func (r *reversal) revertAll(ctx context.Context) (err error) {
	if !r.opts.LogOnly {
		if r.scripts, err = r.m.project.scripts(r.changes, "revert"); err != nil {
			return err
		}
	}
	if r.work, err = r.m.dial(ctx); err != nil {
		return err
	}
	defer func() { closeConn(ctx, r.work) }()
	width := widest(r.changes)
	for _, c := range r.changes {
		if err := r.reconnect(ctx); err != nil {
			return fmt.Errorf("revert of %q was not begun: %w", c.Name, err)
		}
		r.m.startLine("-", c, width)
		began := time.Now()
		err := r.revertChange(ctx, c)
		r.m.endLine(err, time.Since(began))
		if err != nil {
			err = fmt.Errorf("revert of %q failed: %w", c.Name, explainLost(r.destination, r.work, r.scripts[c], err))
			return errors.Join(err, advise(err, "revert again; what was reverted before this change stays so"))
		}
		r.result.Applied = append(r.result.Applied, c.Name)
		r.result.Took = append(r.result.Took, time.Since(began))
	}
	return nil
}

// reconnect connects anew when the connection was lost.
func (r *reversal) reconnect(ctx context.Context) error {
	if !r.work.IsClosed() {
		return nil
	}
	work, err := r.m.dial(ctx)
	if err == nil {
		r.work = work
	}
	return err
}

func (r *reversal) revertChange(ctx context.Context, c *Change) error {
	s := r.scripts[c]
	if s != nil && s.noTransaction {
		if err := runOutside(ctx, r.work, s); err != nil {
			return err
		}
		if err := discard(ctx, r.work); err != nil {
			return err
		}
	}
	if err := r.m.beginChange(ctx, r.work, c.ID); err != nil {
		return err
	}
	if s != nil && !s.noTransaction {
		if err := runInside(ctx, r.work, s); err != nil {
			return err
		}
		if _, err := r.work.PgConn().Exec(ctx, resetInside).ReadAll(); err != nil {
			return err
		}
	}
	if err := r.m.recordRevert(ctx, r.work, c); err != nil {
		return err
	}
	if err := r.m.commit(ctx, r.work, c.ID, false); err != nil {
		return err
	}
	if r.work.IsClosed() { // lost at COMMIT, which was done
		return nil
	}
	return discard(ctx, r.work)
}
