package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// scriptSavepoint stands for the transaction that a script begins inside ours.
const scriptSavepoint = "migrate_script_transaction"

// runner runs one script inside a transaction that is open already.
type runner struct {
	conn   *pgx.Conn
	script *script
	began  int // line of the BEGIN that is open; 0 when none is
}

// runInside runs a script inside the transaction of its change.
func runInside(ctx context.Context, conn *pgx.Conn, s *script) error {
	r := &runner{conn: conn, script: s}
	for _, st := range s.statements {
		sql, err := r.translate(st)
		if err == nil && sql != "" {
			err = r.exec(ctx, st, sql)
		}
		if err != nil {
			return err
		}
	}
	if r.began > 0 {
		return &ScriptError{File: s.file, Line: r.began, Reason: "a transaction begins here and is never committed; end the script with COMMIT"}
	}
	return r.exec(ctx, statement{line: 1}, "SET CONSTRAINTS ALL IMMEDIATE")
}

// runOutside runs a script that carries the marker: each statement by itself.
func runOutside(ctx context.Context, conn *pgx.Conn, s *script) error {
	r := &runner{conn: conn, script: s}
	for _, st := range s.statements {
		if err := r.exec(ctx, st, st.sql); err != nil {
			return err
		}
		if isBegin(st.words) {
			r.began = st.line
		}
	}
	if conn.PgConn().TxStatus() != 'I' {
		return &ScriptError{File: s.file, Line: max(r.began, 1), Reason: "a transaction begins here and is never committed; end the script with COMMIT"}
	}
	return nil
}

func isBegin(w []string) bool {
	return len(w) > 0 && (w[0] == "begin" || w[0] == "start" && len(w) > 1 && w[1] == "transaction")
}

// translate returns what to run for a statement: transaction commands become savepoints. Empty means
// nothing.
func (r *runner) translate(st statement) (string, error) {
	w := append(slices.Clone(st.words), "", "")
	switch {
	case isBegin(st.words):
		return r.begin(st)
	case w[1] == "prepared" && (w[0] == "commit" || w[0] == "rollback"), w[0] == "prepare" && w[1] == "transaction":
		return "", r.fault(st, "two-phase commit cannot be part of a change; run it outside the migrations")
	case w[0] == "commit", w[0] == "end":
		return r.finish(st, "RELEASE SAVEPOINT "+scriptSavepoint+"; SET CONSTRAINTS ALL IMMEDIATE"), nil
	case (w[0] == "rollback" || w[0] == "abort") && !slices.Contains(st.words, "to"):
		return r.finish(st, "ROLLBACK TO SAVEPOINT "+scriptSavepoint+"; RELEASE SAVEPOINT "+scriptSavepoint), nil
	case r.began == 0 && (w[0] == "savepoint" || w[0] == "release" || w[0] == "rollback"):
		return "", r.fault(st, "savepoints need a transaction; put BEGIN before and COMMIT after")
	}
	return st.sql, nil
}

// begin opens the script's transaction. Ours has the default isolation level and cannot change it.
func (r *runner) begin(st statement) (string, error) {
	if i := slices.Index(st.words, "level"); i >= 0 && !slices.Equal(st.words[i+1:min(i+3, len(st.words))], []string{"read", "committed"}) {
		return "", r.fault(st, "another isolation level needs a transaction of its own; put the comment \"-- %s\" first in the script", noTransactionMarker)
	}
	if r.began > 0 {
		return "", nil
	}
	r.began = st.line
	if i := slices.Index(st.words, "only"); i > 0 && st.words[i-1] == "read" {
		return "SAVEPOINT " + scriptSavepoint + "; SET TRANSACTION READ ONLY", nil
	}
	return "SAVEPOINT " + scriptSavepoint, nil
}

// finish ends the script's transaction, and begins another after AND CHAIN.
func (r *runner) finish(st statement, sql string) string {
	if r.began == 0 {
		return ""
	}
	if n := len(st.words); n > 1 && st.words[n-1] == "chain" && st.words[n-2] == "and" {
		return sql + "; SAVEPOINT " + scriptSavepoint
	}
	r.began = 0
	return sql
}

func (r *runner) fault(st statement, format string, args ...any) error {
	s := splitter{script: r.script}
	return s.fault(st.line, format, args...)
}

func (r *runner) exec(ctx context.Context, st statement, sql string) error {
	var err error
	if st.copy {
		_, err = r.conn.PgConn().CopyFrom(ctx, strings.NewReader(st.data), sql)
	} else {
		_, err = r.conn.PgConn().Exec(ctx, sql).ReadAll()
	}
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return &ScriptError{File: r.script.file, Line: st.line, Reason: err.Error(), Err: err}
	}
	line := st.line
	if at := []rune(sql); pg.Position > 0 && int(pg.Position) <= len(at) && sql == st.sql {
		line += strings.Count(string(at[:pg.Position-1]), "\n")
	}
	return &ScriptError{File: r.script.file, Line: line, Reason: serverReason(pg), Err: err}
}

// serverReason is what the server said, with what to do where we know.
func serverReason(pg *pgconn.PgError) string {
	s := pg.Severity + ": " + pg.Message
	if pg.Detail != "" {
		s += " (" + pg.Detail + ")"
	}
	if pg.Hint != "" {
		s += " (hint: " + pg.Hint + ")"
	}
	switch pg.Code {
	case "25001", "2D000", "55P04":
		s += "; a script that cannot run in one transaction begins with the comment \"-- " + noTransactionMarker + "\""
	case "25006":
		s += "; the server or the role is read-only: connect to the writer"
	}
	return s
}
