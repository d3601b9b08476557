package migrate

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A PlanError is a fault in a plan file.
type PlanError struct {
	File   string
	Line   int // from 1
	Reason string
}

func (e *PlanError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// parser holds what has been read of a plan so far.
type parser struct {
	plan     *plan
	line     int
	seen     map[string]int // line of each change before the last tag, and of each @tag
	section  map[string]int // line of each change since the last tag
	current  []*Change      // changes since the last tag
	named    map[string]*Change
	prev     *Change
	inHeader bool
}

// parsePlan reads a plan. It takes and refuses what Sqitch 1.3 takes and refuses.
func parsePlan(file string, text []byte) (*plan, error) {
	ps := &parser{plan: &plan{file: file}, seen: map[string]int{}, section: map[string]int{}, named: map[string]*Change{}, inHeader: true}
	if !utf8.Valid(text) {
		return nil, &PlanError{file, 1 + strings.Count(string(text[:invalidAt(text)]), "\n"), "expected UTF-8 text, found other bytes"}
	}
	rest := string(text)
	for rest != "" {
		line, after, ended := strings.Cut(rest, "\n")
		if ended {
			line = strings.TrimSuffix(line, "\r")
		}
		rest = after
		ps.line++
		if err := ps.readLine(line); err != nil {
			return nil, err
		}
	}
	if err := ps.endHeader(); err != nil {
		return nil, err
	}
	if err := ps.endSection(); err != nil {
		return nil, err
	}
	ps.plan.identify()
	return ps.plan, nil
}

func invalidAt(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}

func (ps *parser) fault(format string, args ...any) error {
	return &PlanError{ps.plan.file, max(1, ps.line), fmt.Sprintf(format, args...)}
}

func (ps *parser) readLine(line string) error {
	trimmed := strings.TrimLeftFunc(line, isBlank)
	if comment, ok := strings.CutPrefix(trimmed, "#"); trimmed == "" || ok && comment != "" {
		// A comment that says nothing ends the pragmas as an empty line does.
		if note := unescapeNote(strings.TrimLeftFunc(comment, isBlank)); ps.inHeader && (note == "" || note == "0") {
			ps.inHeader = false
			return ps.endHeader()
		}
		return nil
	}
	content, note, _ := strings.Cut(line, "#")
	content = strings.TrimRightFunc(content, isBlank)
	if ps.inHeader {
		return ps.readPragma(content)
	}
	return ps.readEntry([]rune(content), unescapeNote(strings.TrimLeftFunc(note, isBlank)))
}

// unescapeNote trims a note and reads its escapes \n, \r and \\.
func unescapeNote(s string) string {
	if s == "" || s == "0" {
		return s
	}
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\\`, `\`).Replace(strings.TrimFunc(s, unicode.IsSpace))
}

func (ps *parser) readPragma(content string) error {
	s, ok := strings.CutPrefix(strings.TrimLeftFunc(content, isBlank), "%")
	name, value, given := strings.Cut(s, "=")
	name, value = strings.TrimFunc(name, isBlank), strings.TrimLeftFunc(value, isBlank)
	r := []rune(name)
	if !ok || len(r) == 0 || isPunct(r[0]) || isPunct(r[len(r)-1]) || strings.ContainsFunc(name, isBlank) || given && value == "" {
		return ps.fault("invalid pragma %q; expected %%name=value, and an empty line between the pragmas and the changes", content)
	}
	switch name {
	case "project":
		if !validName(value) {
			return ps.fault("invalid project name %q: %s", value, nameRules)
		}
		ps.plan.project = value
	case "uri":
		if !given {
			value = "1"
		}
		if expected, ok := checkURI(value); !ok {
			return ps.fault("cannot use the URI %q; expected %s", value, expected)
		}
		ps.plan.uri = registeredURI(value)
		ps.plan.canonical = canonicalURI(ps.plan.uri)
	}
	return nil
}

func (ps *parser) endHeader() error {
	if ps.plan.project == "" || ps.plan.project == "0" {
		return ps.fault("expected the pragma %%project=NAME before the first empty line, found none")
	}
	return nil
}

var timeForm = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z`)

// entry is a line of the plan: a change or a tag.
type entry struct {
	name, deps, stamp, planner, email string
}

// readEntry reads a change or a tag; content has no note and no blanks at its end.
func (ps *parser) readEntry(content []rune, note string) error {
	e, tag, revert := ps.split(content)
	text := string(content)
	switch stamped := timeForm.MatchString(text); {
	case e == nil && stamped && plannerAt(content) < 0:
		return ps.fault("missing planner in %q; expected NAME [DEPENDENCIES] TIME PLANNER <EMAIL>", text)
	case e == nil && !stamped && longestName([]rune(strings.TrimLeft(text, " \t@+-"))) > 0:
		return ps.fault("missing time or planner in %q; expected NAME [DEPENDENCIES] TIME PLANNER <EMAIL>, the time as 2006-01-02T15:04:05Z", text)
	case e == nil && stamped && strings.Contains(text, "["):
		return ps.fault("invalid line %q; expected NAME [DEPENDENCIES] TIME PLANNER <EMAIL> # NOTE, with a blank before the bracket; %s", text, nameRules)
	case e == nil:
		return ps.fault("invalid line %q; expected NAME [DEPENDENCIES] TIME PLANNER <EMAIL> # NOTE; %s", text, nameRules)
	case e.name == "0" || e.planner == "0":
		return ps.fault("invalid line %q: Sqitch takes no name that is 0; expected another", text)
	case e.name == "HEAD" || e.name == "ROOT":
		return ps.fault("%q is a reserved name; expected another", e.name)
	case startsLikeID(e.name):
		return ps.fault("%q looks like an id; expected another name", e.name)
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", e.stamp)
	if err != nil {
		return ps.fault("%q is no time; expected YYYY-MM-DDTHH:MM:SSZ", e.stamp)
	}
	if tag {
		return ps.addTag(&Tag{Name: e.name, Note: note, PlannerName: e.planner, PlannerEmail: e.email, PlannedAt: at, Line: ps.line}, e.deps)
	}
	c := &Change{Name: e.name, Note: note, PlannerName: e.planner, PlannerEmail: e.email, PlannedAt: at, Line: ps.line, revert: revert}
	return ps.addChange(c, e.deps)
}

// split takes a line apart: [@ | + | -] name [dependencies] time planner <e-mail>. The name ends at
// the last place after which the line can be read at all, even without a time: "name[a b] …" is the
// name "name[a" to Sqitch, and a line without a time.
func (ps *parser) split(s []rune) (e *entry, tag, revert bool) {
	s = skipBlanks(s)
	switch {
	case len(s) > 0 && s[0] == '@':
		s, tag = s[1:], true
	case len(s) > 0 && (s[0] == '+' || s[0] == '-'):
		revert = s[0] == '-'
		s = skipBlanks(s[1:])
	}
	for n := longestName(s); n > 0; n-- {
		if !nameEndsAt(s, n) {
			continue
		}
		if e := splitRest(skipBlanks(s[n:])); e != nil {
			e.name = string(s[:n])
			return e, tag, revert
		}
		if plannerAt(s[n:]) > 1 {
			break
		}
	}
	return nil, tag, revert
}

func splitRest(s []rune) *entry {
	e := &entry{}
	if len(s) > 0 && s[0] == '[' {
		end := indexRune(s, ']')
		if end < 2 {
			return nil
		}
		e.deps, s = string(s[1:end]), skipBlanks(s[end+1:])
	}
	const stamp = 20
	if len(s) < stamp || timeForm.FindString(string(s[:stamp])) != string(s[:stamp]) {
		return nil
	}
	e.stamp, s = string(s[:stamp]), s[stamp:]
	open := plannerAt(s)
	if open < 0 {
		return nil
	}
	name := s[:open-1]
	if trimmed := skipBlanks(name); len(trimmed) > 0 {
		name = trimmed
	} else if len(name) > 0 {
		name = name[len(name)-1:]
	}
	if len(name) == 0 {
		return nil
	}
	e.planner, e.email = string(name), string(s[open+1:len(s)-1])
	return e
}

// plannerAt finds the "<" of the e-mail that ends a line, preceded by a blank; -1 when there is none.
func plannerAt(s []rune) int {
	open := indexRune(s, '<')
	if open < 1 || !isBlank(s[open-1]) || open+2 >= len(s) || indexRune(s[open+1:], '>') != len(s)-open-2 {
		return -1
	}
	return open
}

func skipBlanks(s []rune) []rune {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	return s
}

func indexRune(s []rune, r rune) int {
	for i := range s {
		if s[i] == r {
			return i
		}
	}
	return -1
}
