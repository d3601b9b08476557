package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// checkDependencies makes sure that every change of the batch finds what it requires and meets
// nothing it conflicts with, before any of them runs.
func (d *deployment) checkDependencies(ctx context.Context) error {
	seen := map[string]bool{}
	var conflicts, missing []string
	for _, c := range d.changes {
		for _, dep := range c.conflicts {
			id, err := d.dependID(ctx, dep, seen)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", d.m.project.plan.file, c.Line, err)
			}
			if id != "" {
				conflicts = append(conflicts, fmt.Sprintf("%s (of %s)", d.m.project.plan.dependText(dep), c.Name))
			}
		}
		for _, dep := range c.requires {
			id, err := d.dependID(ctx, dep, seen)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", d.m.project.plan.file, c.Line, err)
			}
			if id == "" {
				missing = append(missing, fmt.Sprintf("%s (of %s)", d.m.project.plan.dependText(dep), c.Name))
			}
			d.resolve[dep] = id
		}
		seen[c.ID] = true
	}
	return d.dependencyError(conflicts, missing)
}

func (d *deployment) dependencyError(conflicts, missing []string) error {
	var parts []string
	if len(conflicts) > 0 {
		parts = append(parts, "conflicts with previously deployed changes: "+strings.Join(conflicts, ", ")+"; revert them first")
	}
	if len(missing) > 0 {
		parts = append(parts, "missing required changes: "+strings.Join(missing, ", ")+"; deploy them first")
	}
	deployed := map[string]bool{}
	for _, c := range d.state.changes {
		deployed[c.id] = true
	}
	for _, c := range d.changes {
		if deployed[c.ID] {
			parts = append(parts, fmt.Sprintf("change %q (%s) was deployed already, out of the order of the plan; revert it first", c.Name, c.ID))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return errors.New(strings.Join(parts, "; ") + "; nothing was deployed")
}

// dependID returns the id of the change that a dependency means, if it is deployed or comes before
// in the batch.
func (d *deployment) dependID(ctx context.Context, dep *depend, seen map[string]bool) (string, error) {
	plan := d.m.project.plan
	project, known := plan.projectOf(dep)
	if known && project == plan.project {
		c, err := plan.resolve(dep)
		if err != nil {
			return "", err
		}
		if seen[c.ID] {
			return c.ID, nil
		}
		dep = &depend{id: c.ID}
	}
	if !d.state.exists {
		return "", nil
	}
	var id string
	err := d.dependRow(ctx, project, dep).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return id, err
}

// dependRow asks for the deployed change that a dependency means: a bare name is the first of that
// name, name@tag the last of it up to the tag.
func (d *deployment) dependRow(ctx context.Context, project string, dep *depend) pgx.Row {
	r := d.m.reg
	order := "ASC"
	if dep.tag == "HEAD" {
		order = "DESC"
	}
	switch {
	case dep.id != "":
		return d.conn.QueryRow(ctx, r.sql(`SELECT change_id FROM @.changes WHERE change_id = $1`), dep.id)
	case dep.change != "" && (dep.tag == "" || dep.tag == "HEAD"):
		return d.conn.QueryRow(ctx, r.sql(`SELECT change_id FROM @.changes WHERE project = $1 AND change = $2 ORDER BY committed_at `+order+` LIMIT 1`), project, dep.change)
	case dep.change != "":
		return d.conn.QueryRow(ctx, r.sql(`SELECT c.change_id FROM @.changes c JOIN @.tags t ON c.committed_at <= t.committed_at AND c.project = t.project
			WHERE c.project = $1 AND c.change = $2 AND t.tag = $3 ORDER BY c.committed_at DESC LIMIT 1`), project, dep.change, "@"+dep.tag)
	case dep.tag == "HEAD" || dep.tag == "ROOT":
		return d.conn.QueryRow(ctx, r.sql(`SELECT change_id FROM @.changes WHERE project = $1 ORDER BY committed_at `+order+` LIMIT 1`), project)
	}
	return d.conn.QueryRow(ctx, r.sql(`SELECT change_id FROM @.tags WHERE project = $1 AND tag = $2`), project, "@"+dep.tag)
}
