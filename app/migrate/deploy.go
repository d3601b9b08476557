package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Mode says what a failed deployment takes back of the changes it has deployed.
type Mode string

// The modes. The change that fails leaves nothing behind in any of them.
const (
	ModeChange Mode = "change" // nothing: what was deployed before the failure stays
	ModeTag    Mode = "tag"    // back to the last tag
	ModeAll    Mode = "all"    // all of this run
)

// DeployOptions say what to deploy.
type DeployOptions struct {
	To       string // a change or a tag of the plan; empty: the last change
	Mode     Mode   // empty: deploy.mode of sqitch.conf, or ModeChange
	LogOnly  bool   // record the changes without running their deploy scripts
	NoVerify bool   // do not run the verify scripts
}

// A Result is what a deployment or a revert did, in order. After an error it holds what was done
// before.
type Result struct {
	Applied []string        // names of the changes
	Took    []time.Duration // how long each of them took
}

// deployment is one run of Deploy.
type deployment struct {
	*session
	opts    DeployOptions
	state   *state
	changes []*Change
	deploy  map[*Change]*script
	verify  map[*Change]*script
	resolve map[*depend]string // ids of the required changes
	work    *pgx.Conn
	result  *Result
	width   int
	tagged  *Change // the last change with a tag that this run deployed
	run     []*Change
}

// Deploy deploys the changes of the plan that the database does not have, one transaction each. It
// waits for other deployers (ErrLocked when that takes too long) and does nothing twice. Everything
// that can be checked is checked before the first change runs; a deployment that is refused may leave
// an empty registry, as Sqitch's does.
func (m *Migrator) Deploy(ctx context.Context, o DeployOptions) (*Result, error) {
	d := &deployment{opts: o, result: &Result{}, resolve: map[*depend]string{}}
	if err := d.chooseMode(m); err != nil {
		return d.result, err
	}
	var err error
	if d.session, d.state, err = m.begin(ctx, true); err != nil {
		return d.result, err
	}
	defer d.session.close(ctx)
	if err = d.prepare(ctx); err == nil && len(d.changes) > 0 {
		err = d.deployAll(ctx)
	}
	return d.result, d.explain(err)
}

func (d *deployment) chooseMode(m *Migrator) error {
	if d.opts.Mode == "" {
		d.opts.Mode = Mode(m.project.conf.get(string(ModeChange), "deploy.mode"))
	}
	if !slices.Contains([]Mode{ModeChange, ModeTag, ModeAll}, d.opts.Mode) {
		return fmt.Errorf("unknown deployment mode %q; use change, tag or all", d.opts.Mode)
	}
	return nil
}

// prepare decides what to deploy and checks it. With nothing to do it leaves changes empty.
func (d *deployment) prepare(ctx context.Context) error {
	plan := d.m.project.plan
	if err := d.m.reg.checkProject(ctx, d.conn, d.state, plan.uri); err != nil {
		return err
	}
	from, err := d.m.position(d.state)
	if err != nil {
		return err
	}
	to, err := d.target(from)
	if err != nil {
		return err
	}
	if err := d.recordNewTags(ctx, from); err != nil {
		return err
	}
	if from == to {
		d.sayNothing()
		return nil
	}
	d.changes = plan.changes[from:to]
	if d.state.readOnly {
		return d.readOnly()
	}
	if err := d.announce(ctx); err != nil {
		return err
	}
	if err := d.checkDependencies(ctx); err != nil {
		return err
	}
	return d.readScripts()
}

func (d *deployment) readOnly() error {
	return fmt.Errorf("%s is read-only (a standby, or default_transaction_read_only is on); nothing was deployed: connect to the writer", d.destination)
}

// target returns the index behind the last change to deploy.
func (d *deployment) target(from int) (int, error) {
	plan := d.m.project.plan
	if len(plan.changes) == 0 {
		return 0, fmt.Errorf("nothing to deploy: %s has no changes", plan.file)
	}
	if d.opts.To == "" {
		return len(plan.changes), nil
	}
	c, err := plan.find(d.opts.To)
	if err != nil {
		return 0, err
	}
	if c.index+1 < from {
		return 0, fmt.Errorf("cannot deploy to %q, which comes before the deployed %q; use \"revert --to %s\" instead", d.opts.To, plan.changes[from-1].Name, d.opts.To)
	}
	return c.index + 1, nil
}

func (d *deployment) sayNothing() {
	if d.opts.To != "" {
		d.m.printf("Nothing to deploy (already at %q)\n", d.opts.To)
		return
	}
	d.m.printf("Nothing to deploy (up-to-date)\n")
}

// readScripts reads all scripts before the first of them runs.
func (d *deployment) readScripts() (err error) {
	if !d.opts.LogOnly {
		if d.deploy, err = d.m.project.scripts(d.changes, "deploy"); err != nil {
			return err
		}
		if d.opts.Mode != ModeChange {
			if _, err = d.m.project.scripts(d.changes, "revert"); err != nil {
				return err
			}
		}
	}
	if !d.opts.NoVerify {
		d.verify, err = d.m.project.scripts(d.changes, "verify")
	}
	return err
}

// announce says what will be deployed and makes the registry where it is missing. As with Sqitch it
// is there even when the deployment is refused after that, so that both answer alike from then on.
func (d *deployment) announce(ctx context.Context) error {
	if !d.state.exists {
		d.m.printf("Adding registry tables to %s\n", d.destination)
	}
	if err := d.m.reg.create(ctx, d.conn, d.state, d.m.project.plan.uri); err != nil {
		if isCode(err, "25006") {
			return d.readOnly()
		}
		return fmt.Errorf("the registry in schema %s cannot be made; the role needs CREATE on the database: %w", d.m.reg.schema, err)
	}
	if d.opts.To != "" {
		d.m.printf("Deploying changes through %s to %s\n", d.changes[len(d.changes)-1], d.destination)
	} else {
		d.m.printf("Deploying changes to %s\n", d.destination)
	}
	d.width = widest(d.changes)
	return nil
}

func widest(changes []*Change) (n int) {
	for _, c := range changes {
		n = max(n, len([]rune(c.String())))
	}
	return n
}

// startLine prints what is being worked on, with dots up to the width of the longest name.
func (m *Migrator) startLine(sign string, c *Change, width int) {
	m.printf("  %s %s ..%s ", sign, c, strings.Repeat(".", max(0, width-len([]rune(c.String())))))
}

func (m *Migrator) endLine(err error, took time.Duration) {
	word := "ok"
	if err != nil {
		word = "not ok"
	}
	m.printf("%s (%s)\n", word, took.Round(100*time.Microsecond))
}

// deployAll deploys the changes in turn and, in the modes that say so, takes them back when one
// fails.
func (d *deployment) deployAll(ctx context.Context) (err error) {
	if d.work, err = d.m.dial(ctx); err != nil {
		return err
	}
	defer func() { closeConn(ctx, d.work) }()
	for _, c := range d.changes {
		d.m.startLine("+", c, d.width)
		began := time.Now()
		err := d.deployChange(ctx, c)
		d.m.endLine(err, time.Since(began))
		if err != nil {
			err = fmt.Errorf("deploy of %q failed: %w", c.Name, err)
			next := "deploy again"
			if d.opts.Mode == ModeChange {
				next += "; what was deployed before this change stays"
			}
			return errors.Join(err, d.rollBack(ctx), advise(err, next))
		}
		d.result.Applied = append(d.result.Applied, c.Name)
		d.result.Took = append(d.result.Took, time.Since(began))
		d.run = append(d.run, c)
		if d.opts.Mode == ModeTag && len(c.Tags) > 0 {
			d.run, d.tagged = nil, c
		}
	}
	return nil
}

// rollBack reverts what the mode does not let stand.
func (d *deployment) rollBack(ctx context.Context) error {
	if d.opts.Mode == ModeChange || len(d.run) == 0 {
		return nil
	}
	if d.tagged != nil {
		d.m.printf("Reverting to %s\n", d.tagged)
	} else {
		d.m.printf("Reverting all changes of this run\n")
	}
	slices.Reverse(d.run)
	r := &reversal{session: d.session, changes: d.run, result: &Result{}, opts: RevertOptions{LogOnly: d.opts.LogOnly}}
	if err := r.revertAll(ctx); err != nil {
		return fmt.Errorf("and what was deployed before could not be reverted: %w", err)
	}
	d.result.Applied = d.result.Applied[:len(d.result.Applied)-len(d.run)]
	d.result.Took = d.result.Took[:len(d.result.Applied)]
	return nil
}
