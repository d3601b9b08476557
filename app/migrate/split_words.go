package migrate

import "strings"

// space is what separates tokens.
const space = " \t\n\r\f\v"

// lineEnds end a line for the server and psql: each of them ends a comment that begins with --.
const lineEnds = "\r\n"

func isSpace(c byte) bool { return strings.IndexByte(space, c) >= 0 }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}

// word passes a keyword or a name, or the literal that its letter introduces (E'…', B'…', N'…'). The
// token before it is last, when that was a word.
func (s *splitter) word(last string) error {
	to := s.pos
	for to < len(s.text) && isWordPart(s.text[to]) {
		to++
	}
	word := strings.ToLower(s.text[s.pos:to])
	if to < len(s.text) && s.text[to] == '\'' && word == "e" {
		s.advance(to)
		return s.quoted('\'', true)
	}
	s.advance(to)
	if len(s.words) < 8 {
		s.words = append(s.words, word)
	}
	if s.parens == 0 {
		s.last = word
		// The server takes FROM STDOUT for FROM STDIN.
		s.copies = s.copies || s.words[0] == "copy" && last == "from" && (word == "stdin" || word == "stdout")
	}
	if !s.inRoutine() || s.parens > 0 {
		return nil
	}
	switch {
	case word == "begin", word == "case" && s.depth > 0:
		s.depth++
	case word == "end" && s.depth > 0:
		s.depth--
	}
	return nil
}

// inRoutine tells whether the statement is CREATE [OR REPLACE] FUNCTION or PROCEDURE, whose body may
// be BEGIN ATOMIC … END with semicolons in it.
func (s *splitter) inRoutine() bool {
	w := s.words
	if len(w) > 3 && w[0] == "create" && w[1] == "or" && w[2] == "replace" {
		w = w[2:]
	}
	return len(w) > 1 && (w[0] == "create" || w[0] == "replace") && (w[1] == "function" || w[1] == "procedure")
}

// dollar passes a dollar-quoted text, or the $ of a parameter.
func (s *splitter) dollar() error {
	tag := dollarTag(s.text[s.pos:])
	if tag == "" {
		s.advance(s.pos + 1)
		s.number()
		return nil
	}
	end := strings.Index(s.text[s.pos+len(tag):], tag)
	if end < 0 {
		return s.fault(s.line, "a text begins with %s and never ends", tag)
	}
	s.advance(s.pos + end + 2*len(tag))
	return nil
}

// dollarTag is the $tag$ that text begins with; empty when it begins with none.
func dollarTag(text string) string {
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '$':
			return text[:i+1]
		case isWordStart(c), isDigit(c) && i > 1:
		default:
			return ""
		}
	}
	return ""
}

// colon passes a cast, a slice or an assignment, and refuses psql's variables.
func (s *splitter) colon() error {
	switch {
	case s.has("::"), s.has(":="):
		s.advance(s.pos + 2)
		return nil
	case s.has(":'"), s.has(`:"`), s.has(":{?"):
		return s.fault(s.line, "%q uses a variable of psql, which this deployer does not have; write the value instead", firstLine(s.text[s.pos:]))
	}
	s.advance(s.pos + 1)
	return nil
}

// end closes a statement at its semicolon.
func (s *splitter) end() error {
	s.flush(s.pos)
	s.advance(s.pos + 1)
	if !s.copies {
		return nil
	}
	data, err := s.copyData()
	s.script.statements[len(s.script.statements)-1].data = data
	return err
}

// copyData takes the lines after COPY … FROM STDIN; up to the line \.
func (s *splitter) copyData() (string, error) {
	rest, _, found := strings.Cut(s.text[s.pos:], "\n")
	switch same := strings.Trim(rest, space); {
	case same != "" && (!strings.HasPrefix(same, "--") || strings.ContainsAny(same, lineEnds)):
		return "", s.fault(s.line, "%q follows COPY … FROM STDIN; on its line, and the data begins on the next line; put it after the data", firstLine(same))
	case !found:
		s.advance(len(s.text))
		return "", nil
	}
	from := s.pos + len(rest) + 1
	for at := from; at < len(s.text); {
		next := len(s.text)
		if n := strings.IndexByte(s.text[at:], '\n'); n >= 0 {
			next = at + n + 1
		}
		if strings.TrimRight(s.text[at:next], "\r\n") == `\.` {
			s.advance(next)
			return s.text[from:at], nil
		}
		at = next
	}
	s.advance(len(s.text))
	return s.text[from:], nil
}

// flush ends the statement. It goes to the server without the space around it, by the server's own idea
// of space: what only Unicode calls so is a fault that the server must see, as it does from psql.
func (s *splitter) flush(end int) {
	sql := strings.TrimRight(s.text[s.start:end], space)
	s.script.statements = append(s.script.statements, statement{sql: sql, line: s.begun, words: s.words, copy: s.copies})
	s.start = -1
}
