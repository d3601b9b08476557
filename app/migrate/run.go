package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// scriptSavepoint stands for the transaction that a script begins inside ours.
const scriptSavepoint = "migrate_script_transaction"

// runner runs one script inside a transaction that is open already.
type runner struct {
	conn    *pgx.Conn
	script  *script
	began   int            // line of the BEGIN that is open; 0 when none is
	local   map[string]int // settings that SET LOCAL gave and that are in force: their lines
	waiting []piece
}

// A piece is a statement as it is sent: one command, or the savepoints in its place.
type piece struct {
	statement
	send     string
	commands int
}

// runInside runs a script inside the transaction of its change. Statements are sent together, because
// the way to the server takes longer than most of them.
func runInside(ctx context.Context, conn *pgx.Conn, s *script) error {
	r := &runner{conn: conn, script: s, local: map[string]int{}}
	for _, st := range s.statements {
		sql, err := r.translate(st)
		if err == nil && sql != "" {
			err = r.add(ctx, st, sql)
		}
		if err != nil {
			return err
		}
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	if r.began > 0 {
		return &ScriptError{File: s.file, Line: r.began, Reason: "a transaction begins here and is never committed; end the script with COMMIT"}
	}
	return r.exec(ctx, statement{line: 1}, settleConstraints)
}

// add puts a statement to those that wait. One that changes how the server reads the next is the last
// of its message; COPY with its data is a message of its own.
func (r *runner) add(ctx context.Context, st statement, sql string) error {
	if st.copy {
		if err := r.flush(ctx); err != nil {
			return err
		}
		return r.exec(ctx, st, sql)
	}
	p := piece{statement: st, send: sql + "\n;\n", commands: 1}
	if sql != st.sql {
		p.commands += strings.Count(sql, "; ")
	}
	r.waiting = append(r.waiting, p)
	if len(st.words) > 0 && st.words[0] == "set" {
		return r.flush(ctx)
	}
	return nil
}

// flush sends the statements that wait.
func (r *runner) flush(ctx context.Context) error {
	pieces := r.waiting
	if r.waiting = nil; len(pieces) == 0 {
		return nil
	}
	var text strings.Builder
	for _, p := range pieces {
		text.WriteString(p.send)
	}
	answered := 0
	results := r.conn.PgConn().Exec(ctx, text.String())
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err == nil {
			answered++
		}
	}
	err := results.Close()
	if err == nil {
		return nil
	}
	p, at := failedPiece(pieces, answered, err)
	return r.scriptError(p.statement, strings.TrimSuffix(p.send, "\n;\n"), at, err)
}

// failedPiece finds the statement that failed, and the place in it, from 0, or -1: by the position
// that the server tells, otherwise by the number of commands that it answered.
func failedPiece(pieces []piece, answered int, err error) (failed piece, at int) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Position > 0 {
		at := int(pg.Position) - 1
		for _, p := range pieces {
			length := utf8.RuneCountInString(p.send)
			if at < length {
				return p, at
			}
			at -= length
		}
	}
	for _, p := range pieces {
		if answered -= p.commands; answered < 0 {
			return p, -1
		}
	}
	return pieces[len(pieces)-1], -1
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
	r.noteSetting(st)
	switch {
	case r.began == 0 && len(r.local) > 0:
		return "", r.settingStays()
	case isBegin(st.words):
		return r.begin(st)
	case w[1] == "prepared" && (w[0] == "commit" || w[0] == "rollback"), w[0] == "prepare" && w[1] == "transaction":
		return "", r.fault(st, "two-phase commit cannot be part of a change; run it outside the migrations")
	case w[0] == "commit", w[0] == "end":
		sql := r.finish(st, "RELEASE SAVEPOINT "+scriptSavepoint+"; "+settleConstraints)
		if r.began > 0 && len(r.local) > 0 {
			return "", r.settingStays()
		}
		return sql, nil
	case (w[0] == "rollback" || w[0] == "abort") && !slices.Contains(st.words, "to"):
		clear(r.local)
		return r.finish(st, "ROLLBACK TO SAVEPOINT "+scriptSavepoint+"; RELEASE SAVEPOINT "+scriptSavepoint), nil
	case r.began == 0 && onlyInTransaction(w):
		return "", nil
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
	at := -1
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		at = int(pg.Position) - 1
	}
	return r.scriptError(st, sql, at, err)
}

// scriptError names the line of a failed statement: the one at a position, from 0, of what was sent,
// or the first when the position is unknown (-1).
func (r *runner) scriptError(st statement, sent string, at int, err error) error {
	line, reason := st.line, err.Error()
	if text := []rune(sent); at >= 0 && at <= len(text) && sent == st.sql {
		line += strings.Count(string(text[:at]), "\n")
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		reason = serverReason(pg)
	}
	return &ScriptError{File: r.script.file, Line: line, Reason: reason, Err: err}
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
