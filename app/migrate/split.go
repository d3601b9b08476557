package migrate

import (
	"fmt"
	"strings"
)

// A script is a file of SQL, split into statements the way psql does it.
type script struct {
	file          string
	statements    []statement
	noTransaction bool // carries the marker: its statements run one by one, outside a transaction
}

type statement struct {
	sql   string
	line  int      // where the statement begins, from 1
	words []string // the first words, in lower case
	data  string   // of COPY … FROM STDIN
	copy  bool
}

// noTransactionMarker is the comment that takes a script out of the transaction of its change.
const noTransactionMarker = "migrate: no-transaction"

// A ScriptError is a fault in a script, found before it runs or told by the server.
type ScriptError struct {
	File   string
	Line   int // from 1
	Reason string
	Err    error // what the server said; nil when the script did not reach it
}

func (e *ScriptError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// Unwrap returns the server's error.
func (e *ScriptError) Unwrap() error { return e.Err }

// splitter walks over a script byte by byte: nothing that matters to SQL is outside ASCII.
type splitter struct {
	script *script
	text   string
	pos    int
	line   int
	start  int // of the current statement's first word; -1 between statements
	begun  int // line of that word
	parens int
	depth  int      // of BEGIN … END in the body of a function
	words  []string // the first words of the statement, in lower case
	last   string   // the token before, when it is a word outside parentheses
	copies bool     // the statement is COPY … FROM STDIN
}

// splitScript splits a script at its semicolons: not those in quotes, dollar quotes, comments,
// parentheses, or the body of a function between BEGIN ATOMIC and END. Commands and variables of
// psql are refused.
func splitScript(file, text string) (*script, error) {
	s := &splitter{script: &script{file: file}, text: strings.TrimPrefix(text, "\ufeff"), line: 1, start: -1}
	for s.pos < len(s.text) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	if s.start >= 0 {
		s.flush(len(s.text))
	}
	return s.script, nil
}

func (s *splitter) fault(line int, format string, args ...any) error {
	return &ScriptError{File: s.script.file, Line: line, Reason: fmt.Sprintf(format, args...)}
}

// advance moves to position to and counts the lines passed.
func (s *splitter) advance(to int) {
	s.line += strings.Count(s.text[s.pos:to], "\n")
	s.pos = to
}

func (s *splitter) has(prefix string) bool { return strings.HasPrefix(s.text[s.pos:], prefix) }

// step reads one token.
func (s *splitter) step() error {
	switch c := s.text[s.pos]; {
	case isSpace(c):
		s.advance(s.pos + 1)
		return nil
	case s.has("--"):
		s.lineComment()
		return nil
	case s.has("/*"):
		return s.blockComment()
	case c == '\\':
		return s.fault(s.line, "%q is a command of psql, which this deployer does not run; write SQL instead", firstLine(s.text[s.pos:]))
	case c == ';' && s.start < 0:
		s.advance(s.pos + 1)
		return nil
	}
	if s.start < 0 {
		s.start, s.begun, s.parens, s.depth, s.words, s.last, s.copies = s.pos, s.line, 0, 0, nil, "", false
	}
	return s.token()
}

// token reads one token of a statement.
func (s *splitter) token() error {
	last := s.last
	s.last = ""
	switch c := s.text[s.pos]; {
	case c == '\'':
		return s.quoted('\'', false)
	case c == '"':
		return s.quoted('"', false)
	case c == '$':
		return s.dollar()
	case c == ':':
		return s.colon()
	case isWordStart(c):
		return s.word(last)
	case isDigit(c):
		s.number()
	case c == '(':
		s.parens++
		s.advance(s.pos + 1)
	case c == ')':
		s.parens = max(0, s.parens-1)
		s.advance(s.pos + 1)
	case c == ';' && s.parens == 0 && s.depth == 0:
		return s.end()
	default:
		s.advance(s.pos + 1)
	}
	return nil
}

// number passes digits.
func (s *splitter) number() {
	to := s.pos
	for to < len(s.text) && isDigit(s.text[to]) {
		to++
	}
	s.advance(to)
}

func (s *splitter) lineComment() {
	end := strings.IndexAny(s.text[s.pos:], lineEnds)
	if end < 0 {
		end = len(s.text) - s.pos
	}
	comment := strings.TrimSpace(strings.TrimLeft(s.text[s.pos:s.pos+end], "-"))
	if comment == noTransactionMarker && s.start < 0 && len(s.script.statements) == 0 {
		s.script.noTransaction = true
	}
	s.advance(s.pos + end)
}

func (s *splitter) blockComment() error {
	began, depth, to := s.line, 0, s.pos
	for to < len(s.text) {
		switch {
		case strings.HasPrefix(s.text[to:], "/*"):
			depth++
			to += 2
		case strings.HasPrefix(s.text[to:], "*/"):
			depth--
			to += 2
		default:
			to++
		}
		if depth == 0 {
			s.advance(to)
			return nil
		}
	}
	return s.fault(began, "a comment begins with /* and never ends")
}

// quoted passes a literal or a quoted name; backslashes escape in E'…' literals only. Literals that
// follow each other with a line break between are one, of the same kind.
func (s *splitter) quoted(quote byte, escapes bool) error {
	began, to := s.line, s.pos+1
	for to < len(s.text) {
		switch c := s.text[to]; {
		case c == '\\' && escapes:
			to += 2
		case c != quote:
			to++
		case to+1 < len(s.text) && s.text[to+1] == quote:
			to += 2
		default:
			s.advance(to + 1)
			if next := s.continuation(); escapes && next > 0 {
				s.advance(next)
				return s.quoted(quote, true)
			}
			return nil
		}
	}
	return s.fault(began, "a text begins with %c and never ends", quote)
}

// continuation returns where the next part of a literal begins; 0 when it has none.
func (s *splitter) continuation() int {
	newline := false
	for i := s.pos; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case strings.IndexByte(lineEnds, c) >= 0:
			newline = true
		case isSpace(c):
		case newline && c == '\'':
			return i
		case strings.HasPrefix(s.text[i:], "--"):
			end := strings.IndexAny(s.text[i:], lineEnds)
			if end < 0 {
				return 0
			}
			i += end - 1
		default:
			return 0
		}
	}
	return 0
}
