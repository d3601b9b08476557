package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Range bounds what Verify and Check look at: changes or tags that are deployed. Empty means from
// the first, to the last.
type Range struct{ From, To string }

// bounds returns the indexes of the first and behind the last deployed change in the range.
func (m *Migrator) bounds(st *state, r Range) (from, to int, err error) {
	to = len(st.changes)
	if r.From != "" {
		if from, err = m.deployedIndex(st, r.From); err != nil {
			return 0, 0, err
		}
	}
	if r.To != "" {
		if to, err = m.deployedIndex(st, r.To); err != nil {
			return 0, 0, err
		}
		to++
	}
	if r.From != "" && from >= to {
		return 0, 0, fmt.Errorf("%q comes after %q; swap --from and --to", r.From, r.To)
	}
	return from, to, nil
}

func (m *Migrator) deployedIndex(st *state, key string) (int, error) {
	i, err := st.find(key)
	switch {
	case err != nil:
		return 0, err
	case i >= 0:
		return i, nil
	}
	if _, err := m.project.plan.find(key); err == nil {
		return 0, fmt.Errorf("change %q has not been deployed; deploy it first", key)
	}
	return 0, fmt.Errorf("cannot find %q in the database or the plan; \"log\" lists what was deployed", key)
}

// planIndex is the index of a deployed change in the plan; -1 when the plan does not have it.
func (m *Migrator) planIndex(d *deployed) int {
	if at, ok := m.project.plan.lookup[d.id]; ok {
		return at[0]
	}
	return -1
}

// Verify runs the verify scripts of the deployed changes, each in a transaction that is rolled back,
// and looks whether the changes are deployed in the order of the plan. It reports on
// Options.Progress; an error says that something is wrong.
func (m *Migrator) Verify(ctx context.Context, r Range) error {
	s, st, err := m.beginRead(ctx)
	if err != nil {
		return err
	}
	defer s.close(ctx)
	m.printf("Verifying %s\n", s.destination)
	if len(st.changes) == 0 {
		m.printf("No changes deployed\n")
		return nil
	}
	if len(m.project.plan.changes) == 0 {
		return errors.New("there are deployed changes, but none planned; deploy with the plan that has them")
	}
	from, to, err := m.bounds(st, r)
	if err != nil {
		return err
	}
	checked, faults, err := s.verifyRange(ctx, st, from, to, r.To == "")
	if err != nil {
		return s.explain(err)
	}
	if faults > 0 {
		m.printf("\nVerify Summary Report\n---------------------\nChanges: %d\nErrors:  %d\n", checked, faults)
		return fmt.Errorf("verify failed: %d of %d changes have errors; see above which", faults, checked)
	}
	m.printf("Verify successful\n")
	return nil
}

func (s *session) verifyRange(ctx context.Context, st *state, from, to int, pending bool) (checked, faults int, err error) {
	plan := s.m.project.plan
	first, last, width := 0, len(plan.changes)-1, 0
	if from < to {
		first, last = s.m.planIndex(st.changes[from]), s.m.planIndex(st.changes[to-1])
	}
	if first < 0 {
		first = 0
	}
	if last < 0 {
		last = len(plan.changes) - 1
	}
	var changes []*Change
	for _, d := range st.changes[from:to] {
		changes = append(changes, s.m.planned(st, d))
	}
	width = max(widest(changes), widest(plan.changes[first:max(first, last+1)]))
	seen := map[int]bool{}
	for i, d := range st.changes[from:to] {
		s.m.startName(changes[i], width)
		at := s.m.planIndex(d)
		seen[at] = true
		var wrong []string
		if at < 0 {
			wrong = append(wrong, "Not present in the plan")
		} else if at != first+i {
			wrong = append(wrong, "Out of order")
		}
		if at < 0 || len(plan.changes[at].reworkTags) == 0 {
			if err := s.verifyOne(ctx, changes[i]); err != nil {
				if s.conn.IsClosed() {
					return 0, 0, err
				}
				wrong = append(wrong, err.Error())
			}
		}
		faults += len(wrong)
		s.m.endName(wrong)
	}
	for i := first; i <= last; i++ {
		if !seen[i] {
			s.m.startName(plan.changes[i], width)
			s.m.endName([]string{"Not deployed"})
			faults++
		}
	}
	if pending && last+1 < len(plan.changes) {
		formatPending(s.m.options.Progress, plan.changes[last+1:])
	}
	return to - from, faults, nil
}

func (m *Migrator) startName(c *Change, width int) {
	m.printf("  * %s ..%s ", c, strings.Repeat(".", max(0, width-len([]rune(c.String())))))
}

func (m *Migrator) endName(wrong []string) {
	if len(wrong) == 0 {
		m.printf("ok\n")
		return
	}
	m.printf("# %s\nnot ok\n", strings.Join(wrong, "\n# "))
}

// verifyOne runs the verify script of one change. A missing script is a warning.
func (s *session) verifyOne(ctx context.Context, c *Change) error {
	script, err := s.m.project.script(c, "verify")
	if errors.Is(err, fs.ErrNotExist) {
		s.m.printf("Verify script %s does not exist ", s.m.project.scriptPath(c, "verify"))
		return nil
	}
	if err != nil {
		return err
	}
	pg := s.conn.PgConn()
	if _, err := pg.Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return err
	}
	failed := runInside(ctx, s.conn, script)
	if _, err := pg.Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, discard(ctx, s.conn))
}

// ErrDiverged says that a deployed script was edited after it was deployed.
var ErrDiverged = errors.New("failed one check")

// Check compares the deploy scripts with those that were deployed. It reports on Options.Progress;
// ErrDiverged says that one differs.
func (m *Migrator) Check(ctx context.Context, r Range) error {
	s, st, err := m.beginRead(ctx)
	if err != nil {
		return err
	}
	defer s.close(ctx)
	m.printf("Checking %s\n", s.destination)
	if len(st.changes) == 0 {
		m.printf("No changes deployed\n")
		return nil
	}
	from, to, err := m.bounds(st, r)
	if err != nil {
		return err
	}
	first := from
	if from < to && r.From != "" {
		if first = m.planIndex(st.changes[from]); first < 0 {
			return fmt.Errorf("change %q is deployed, but not planned", r.From)
		}
	}
	for i, d := range st.changes[from:to] {
		at, hash := first+i, ""
		if at < len(m.project.plan.changes) {
			if hash, err = m.project.scriptHash(m.project.plan.changes[at]); err != nil {
				return err
			}
		}
		if at >= len(m.project.plan.changes) || hash != d.hash {
			m.printf("Script signatures diverge at change %s\n", m.planned(st, d))
			return fmt.Errorf("%w: the deploy script of %q is not the one that was deployed; undo the edit and put it into a new change", ErrDiverged, d.name)
		}
	}
	m.printf("Check successful\n")
	return nil
}
