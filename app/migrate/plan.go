package migrate

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// A Change is one step of the plan.
type Change struct {
	ID           string // SHA-1 of what the plan says of the change, lower-case hexadecimal
	Name         string
	Note         string // unescaped
	PlannerName  string
	PlannerEmail string
	PlannedAt    time.Time // UTC, whole seconds
	Tags         []*Tag
	Line         int // of the plan, from 1

	requires, conflicts []*depend
	parent              *Change
	reworkTags          []*Tag // tags under which an older version of the scripts is kept
	revert              bool   // planned with a leading "-"
	index               int
}

// A Tag names the state of the plan after a change.
type Tag struct {
	ID           string
	Name         string // without the "@"
	Note         string
	PlannerName  string
	PlannerEmail string
	PlannedAt    time.Time
	Line         int
}

// String is the change's name and tags, "name @tag @tag", as Sqitch prints them.
func (c *Change) String() string {
	s := c.Name
	for _, t := range c.Tags {
		s += " @" + t.Name
	}
	return s
}

// qualified is a name that only this change has: name@tag, or name@HEAD.
func (c *Change) qualified() string {
	switch {
	case len(c.Tags) > 0:
		return c.Name + "@" + c.Tags[0].Name
	case len(c.reworkTags) > 0:
		return c.Name + "@" + c.reworkTags[0].Name
	}
	return c.Name + "@HEAD"
}

// A depend is a change, tag or project:change that another change requires or conflicts with.
type depend struct {
	text       string // as the plan has it
	conflict   bool
	project    string
	gotProject bool
	id         string
	change     string
	tag        string
}

// parseDepend reads [!][project:](id | change[@tag] | @tag).
func parseDepend(s string) (*depend, bool) {
	d := &depend{text: s}
	rest, conflict := strings.CutPrefix(s, "!")
	d.conflict = conflict
	if name, after, ok := cutName(rest, ':'); ok {
		d.project, d.gotProject, rest = name, true, after
	}
	if isID(rest) {
		d.id = rest
		return d, true
	}
	name, tag, tagged := cutName(rest, '@')
	switch {
	case tagged:
		d.change, d.tag = name, tag
	case strings.HasPrefix(rest, "@"):
		d.tag = rest[1:]
	default:
		d.change = rest
		return d, validName(rest)
	}
	return d, validName(d.tag)
}

// cutName cuts s after the name it begins with, if separator follows. What may end a name is judged
// in its place: no name is "a~1", but in "a~1:b" it is one.
func cutName(s string, separator rune) (name, after string, ok bool) {
	r := []rune(s)
	n := longestName(r)
	if n == 0 || n == len(r) || r[n] != separator || !nameEndsAt(r, n) {
		return "", s, false
	}
	return string(r[:n]), string(r[n+1:]), true
}

// key is the dependency without its project: what to look up.
func (d *depend) key() string {
	if d.id != "" {
		return d.id
	}
	if d.tag != "" {
		return d.change + "@" + d.tag
	}
	return d.change
}

// A plan is a parsed plan file.
type plan struct {
	file      string
	project   string
	uri       string // as it is registered; empty when there is none
	canonical string // as ids have it
	changes   []*Change
	lookup    map[string][]int // names, ids, @tags, tag ids, HEAD and ROOT
}

// projectOf returns the project a dependency points to; false when an id is not of this plan.
func (p *plan) projectOf(d *depend) (string, bool) {
	switch {
	case d.gotProject:
		return d.project, true
	case d.id == "":
		return p.project, true
	}
	_, ok := p.lookup[d.id]
	return p.project, ok
}

// dependText is the dependency as ids and the registry have it: without the name of this project.
func (p *plan) dependText(d *depend) string {
	if project, known := p.projectOf(d); known && project != p.project {
		return project + ":" + d.key()
	}
	return d.key()
}

func (p *plan) dependTexts(ds []*depend) []string {
	texts := make([]string, len(ds))
	for i, d := range ds {
		texts[i] = p.dependText(d)
	}
	return texts
}

// identify gives every change and tag its id, in the order of the plan, because each id contains
// the one before, and makes them known by all their names.
func (p *plan) identify() {
	p.lookup = map[string][]int{}
	for i, c := range p.changes {
		c.index = i
		c.ID = hashObject("change", p.changeBody(c))
		p.lookup[c.Name] = append(p.lookup[c.Name], i)
		p.lookup[c.ID] = []int{i}
		for _, t := range c.Tags {
			t.ID = hashObject("tag", p.tagBody(c, t))
			p.lookup["@"+t.Name], p.lookup[t.ID] = []int{i}, []int{i}
		}
	}
	if n := len(p.changes); n > 0 {
		p.lookup["HEAD"], p.lookup["@HEAD"] = []int{n - 1}, []int{n - 1}
		p.lookup["ROOT"], p.lookup["@ROOT"] = []int{0}, []int{0}
	}
}

func (p *plan) changeBody(c *Change) string {
	lines := p.bodyHead()
	lines = append(lines, "change "+c.Name)
	if c.parent != nil {
		lines = append(lines, "parent "+c.parent.ID)
	}
	lines = append(lines, planned(c.PlannerName, c.PlannerEmail, c.PlannedAt)...)
	if len(c.requires) > 0 {
		lines = append(lines, "requires\n  + "+strings.Join(p.dependTexts(c.requires), "\n  + "))
	}
	if len(c.conflicts) > 0 {
		lines = append(lines, "conflicts\n  - "+strings.Join(p.dependTexts(c.conflicts), "\n  - "))
	}
	return strings.Join(withNote(lines, c.Note), "\n")
}

func (p *plan) tagBody(c *Change, t *Tag) string {
	lines := append(p.bodyHead(), "tag @"+t.Name, "change "+c.ID)
	lines = append(lines, planned(t.PlannerName, t.PlannerEmail, t.PlannedAt)...)
	return strings.Join(withNote(lines, t.Note), "\n")
}

func (p *plan) bodyHead() []string {
	lines := []string{"project " + p.project}
	if p.canonical != "" {
		lines = append(lines, "uri "+p.canonical)
	}
	return lines
}

func planned(name, email string, at time.Time) []string {
	return []string{"planner " + name + " <" + email + ">", "date " + at.Format("2006-01-02T15:04:05Z")}
}

// withNote appends the note after an empty line; a note of "0" counts as none.
func withNote(lines []string, note string) []string {
	if note == "" || note == "0" {
		return lines
	}
	return append(lines, "", note)
}

// hashObject is Sqitch's (and Git's) object id: SHA-1 of kind, length in bytes, NUL and body.
func hashObject(kind, body string) string {
	sum := sha1.Sum([]byte(fmt.Sprintf("%s %d\x00%s", kind, len(body), body)))
	return hex.EncodeToString(sum[:])
}
