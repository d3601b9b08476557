package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options say how a Migrator works. The zero value is complete.
type Options struct {
	Progress       io.Writer     // a line per change, as Sqitch prints it; nil: silence
	CommitterName  string        // written to the registry; empty: user.name of sqitch.conf, or "rifaapp"
	CommitterEmail string        // likewise, user.email
	Registry       string        // schema of the registry; empty: engine.pg.registry of sqitch.conf, or "sqitch"
	LockTimeout    time.Duration // how long to wait for another deployer; 0: 60 s
	Destination    string        // the database's name in messages, without a password; empty: taken from the connection
}

// A Migrator deploys a project to one database. It may be used by many goroutines: the database's
// lock lets one of them work at a time.
type Migrator struct {
	project *Project
	source  Source
	options Options
	reg     *registry
}

// DefaultLockTimeout is how long Deploy and Revert wait for another deployer, as Sqitch does.
const DefaultLockTimeout = 60 * time.Second

// advisoryLock is the session lock that Sqitch takes before it deploys or reverts.
const advisoryLock = 75474063

// A Source says how to connect. It is asked before every new connection, so that it can hand out
// short-lived passwords.
type Source func(context.Context) (*pgx.ConnConfig, error)

// Static is a Source that always gives the same configuration.
func Static(config *pgx.ConnConfig) Source {
	return func(context.Context) (*pgx.ConnConfig, error) { return config, nil }
}

// New makes a Migrator. It connects when it is used: once to look, twice to deploy or revert.
func New(p *Project, source Source, o Options) *Migrator {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	raw := o.Registry
	if raw == "" {
		raw = p.conf.get("sqitch", "engine.pg.registry", "core.registry")
	}
	who := person{o.CommitterName, o.CommitterEmail}
	if who.name == "" {
		who.name = p.conf.get("rifaapp", "user.name")
	}
	if who.email == "" {
		host, _ := os.Hostname()
		who.email = p.conf.get("rifaapp@"+host, "user.email")
	}
	return &Migrator{project: p, source: source, options: o,
		reg: &registry{schema: pgx.Identifier{raw}.Sanitize(), raw: raw, project: p.plan.project, person: who}}
}

// session is the connection that holds the lock and reads the registry.
type session struct {
	m           *Migrator
	conn        *pgx.Conn
	destination string
	locked      bool
}

// dial connects. Statements are sent without being prepared by name, because DISCARD ALL between the
// scripts would take such names away.
func (m *Migrator) dial(ctx context.Context) (*pgx.Conn, error) {
	config, err := m.source(ctx)
	if err != nil {
		return nil, err
	}
	config = config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("the database %s cannot be reached; check host, port, name, user and password: %w", destination(config), err)
	}
	return conn, nil
}

func (m *Migrator) open(ctx context.Context) (*session, error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{m: m, conn: conn, destination: m.options.Destination}
	if s.destination == "" {
		s.destination = destination(conn.Config())
	}
	return s, nil
}

// closeTimeout is how long a connection may take to say goodbye, and a failure to be recorded.
const closeTimeout = 5 * time.Second

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// lock takes the lock that keeps deployers apart. The server frees it with the connection.
func (s *session) lock(ctx context.Context) error {
	var got bool
	if err := s.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1::bigint)", advisoryLock).Scan(&got); err != nil || got {
		s.locked = got
		return err
	}
	wait := s.m.options.LockTimeout
	s.m.printf("Blocked by another deployer working on %s; waiting %g seconds...\n", s.destination, wait.Seconds())
	_, err := s.conn.PgConn().Exec(ctx, fmt.Sprintf(
		"SET statement_timeout = 0; SET lock_timeout = %d; SELECT pg_advisory_lock(%d); RESET lock_timeout; RESET statement_timeout",
		max(1, wait.Milliseconds()), advisoryLock)).ReadAll()
	if isCode(err, "55P03") {
		return fmt.Errorf("%w: waited %g seconds on %s, nothing was done; %s; try again when it has finished",
			ErrLocked, wait.Seconds(), s.destination, s.holder(ctx))
	}
	s.locked = err == nil
	return err
}

// close frees the lock, so that whoever comes next does not wait for the server to notice that we
// have gone, and disconnects.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if s.locked && !s.conn.IsClosed() {
		_, _ = s.conn.Exec(ctx, "SELECT pg_advisory_unlock($1::bigint)", advisoryLock)
	}
	closeConn(ctx, s.conn)
}

// holder says who has the lock.
func (s *session) holder(ctx context.Context) string {
	var who string
	err := s.conn.QueryRow(ctx, `SELECT format('the lock is held by process %s of the server (user %s, from %s, connected since %s)',
			a.pid, a.usename, COALESCE(host(a.client_addr), 'its own machine'), to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.objid::bigint = $1 AND l.classid::bigint = 0 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		advisoryLock).Scan(&who)
	if err != nil {
		return fmt.Sprintf("look who holds advisory lock %d in pg_locks", advisoryLock)
	}
	return who
}

// ErrLocked says that another deployer held the lock for as long as we would wait.
var ErrLocked = errors.New("another deployer is at work")

// ErrAhead says that the whole plan is deployed, and more: a later plan was here.
var ErrAhead = errors.New("the database is ahead of the plan")

// begin connects, takes the lock if asked, and reads the registry.
func (m *Migrator) begin(ctx context.Context, locked bool) (*session, *state, error) {
	s, err := m.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if locked {
		err = s.lock(ctx)
	}
	var st *state
	if err == nil {
		st, err = m.reg.load(ctx, s.conn)
	}
	if err == nil {
		err = st.compatible()
	}
	if err != nil {
		defer s.close(ctx)
		return nil, nil, s.explain(err)
	}
	return s, st, nil
}

// explain adds to an error of a lost connection what that means.
func (s *session) explain(err error) error { return explainLost(s.destination, s.conn, nil, err) }

// explainLost is explain for a connection that was running a script, if any.
func explainLost(destination string, conn *pgx.Conn, running *script, err error) error {
	if err == nil || conn == nil || !conn.IsClosed() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if running != nil && running.noTransaction {
		return &lostError{fmt.Errorf("the connection to %s was lost while %s ran outside a transaction, so that its first statements may be done; run the same command again if the script can run twice, as it should: %w", destination, running.file, err)}
	}
	return &lostError{fmt.Errorf("the connection to %s was lost; the change at work was rolled back, and the same command can be run again: %w", destination, err)}
}

// A lostError is that of a lost connection; it says what to do next.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// advise says what to do about a change whose script failed, unless its error does, or whoever called has gone.
func advise(err error, next string) error {
	if _, lost := errors.AsType[*lostError](err); lost || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return errors.New("mend the cause, then " + next)
}

func (m *Migrator) printf(format string, args ...any) {
	fmt.Fprintf(m.options.Progress, format, args...)
}

// beginRead is begin for commands that only look, and that need a registry.
func (m *Migrator) beginRead(ctx context.Context) (*session, *state, error) {
	s, st, err := m.begin(ctx, false)
	if err == nil && !st.exists {
		s.close(ctx)
		return nil, nil, fmt.Errorf("no registry found in %s: nothing was ever deployed there; run deploy first", s.destination)
	}
	return s, st, err
}

// position returns how many changes of the plan are deployed; ErrAhead when there are more. The last
// deployed change must be in the plan: ids contain the ids before them, so an edited line changes all that follow.
func (m *Migrator) position(st *state) (int, error) {
	head := st.head()
	if head == nil {
		return 0, nil
	}
	plan := m.project.plan
	if at, ok := plan.lookup[head.id]; ok {
		return at[0] + 1, nil
	}
	for i, d := range st.changes {
		if i >= len(plan.changes) {
			return 0, fmt.Errorf("%w: %s ends before the deployed change %q (%s): deploy with the plan that has it, or a later one", ErrAhead, plan.file, d.name, d.id)
		}
		if c := plan.changes[i]; c.ID != d.id {
			return 0, fmt.Errorf("%s:%d: cannot find the deployed change %q (%s) in the plan; it has %q (%s) in its place: undo the edit of this line or of a tag, note or date in it, because deployed lines never change",
				plan.file, c.Line, d.name, d.id, c.Name, c.ID)
		}
	}
	return 0, fmt.Errorf("cannot find the deployed change %q (%s) in %s: undo the edit of the plan", head.name, head.id, plan.file)
}
