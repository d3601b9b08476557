package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Status says where a database stands in the plan.
type Status struct {
	Destination string
	Project     string
	ChangeID    string // of the last deployed change; empty: nothing is deployed
	Change      string
	Tags        []string // with "@"
	DeployedAt  time.Time
	DeployedBy  string    // name <e-mail>
	Pending     []*Change // what is still to come, in order
}

// isoTime is how Sqitch prints times by default.
const isoTime = "2006-01-02 15:04:05 -0700"

// ErrNothingDeployed says that no change of the project is deployed.
var ErrNothingDeployed = errors.New(`no changes deployed; "plan" lists what is to come, "deploy" brings it`)

// Status reads where the database stands. It needs no lock and no registry. A plan that does not
// have the last deployed change is an error.
func (m *Migrator) Status(ctx context.Context) (*Status, error) {
	s, st, err := m.begin(ctx, false)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	status := &Status{Destination: s.destination, Project: m.project.plan.project}
	if d := st.head(); d != nil {
		status.ChangeID, status.Change, status.Tags = d.id, d.name, d.tags
		status.DeployedAt, status.DeployedBy = d.committedAt, d.committer.name+" <"+d.committer.email+">"
	}
	at, err := m.position(st)
	if err == nil {
		status.Pending = m.project.plan.changes[at:]
	}
	return status, err
}

// Plan returns the changes that are still to come, in order.
func (m *Migrator) Plan(ctx context.Context) ([]*Change, error) {
	s, err := m.Status(ctx)
	if err != nil {
		return nil, err
	}
	return s.Pending, nil
}

// Format writes the status as Sqitch does, with times in the local time zone.
func (s *Status) Format(w io.Writer) {
	fmt.Fprintf(w, "# On database %s\n", s.Destination)
	if s.ChangeID == "" {
		return
	}
	fmt.Fprintf(w, "# Project:  %s\n# Change:   %s\n# Name:     %s\n", s.Project, s.ChangeID, s.Change)
	switch n := len(s.Tags); {
	case n == 1:
		fmt.Fprintf(w, "# Tag:      %s\n", s.Tags[0])
	case n > 1:
		fmt.Fprintf(w, "# Tags:     %s\n", strings.Join(s.Tags, ", "))
	}
	fmt.Fprintf(w, "# Deployed: %s\n# By:       %s\n# \n", s.DeployedAt.Local().Format(isoTime), s.DeployedBy)
}

// formatPending writes the changes to come as Sqitch does.
func formatPending(w io.Writer, pending []*Change) {
	switch len(pending) {
	case 0:
		fmt.Fprintln(w, "Nothing to deploy (up-to-date)")
		return
	case 1:
		fmt.Fprintln(w, "Undeployed change:")
	default:
		fmt.Fprintln(w, "Undeployed changes:")
	}
	for _, c := range pending {
		fmt.Fprintf(w, "  * %s\n", c)
	}
}
