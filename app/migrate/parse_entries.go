package migrate

import (
	"fmt"
	"strings"
)

func (ps *parser) addTag(t *Tag, deps string) error {
	switch at := ps.seen["@"+t.Name]; {
	case strings.Contains(t.Name, "/"):
		return ps.fault("tag %q has a /; expected a name without", t.Name)
	case ps.prev == nil:
		return ps.fault("tag %q comes before any change; expected a change first", t.Name)
	case at > 0:
		return ps.fault("tag %q was declared on line %d already; expected a new name", t.Name, at)
	case deps != "":
		return ps.fault("tag %q has dependencies; expected none, only changes have them", t.Name)
	}
	if err := ps.endSection(); err != nil {
		return err
	}
	ps.prev.Tags = append(ps.prev.Tags, t)
	for name, line := range ps.section {
		ps.seen[name] = line
	}
	ps.seen["@"+t.Name] = ps.line
	ps.section = map[string]int{}
	return nil
}

func (ps *parser) addChange(c *Change, deps string) error {
	if at := ps.section[c.Name]; at > 0 {
		return ps.fault("change %q was declared on line %d already; expected a tag between the two", c.Name, at)
	}
	if err := ps.addDepends(c, deps); err != nil {
		return err
	}
	ps.section[c.Name] = ps.line
	c.parent, ps.prev = ps.prev, c
	ps.current = append(ps.current, c)
	if old := ps.named[c.Name]; old != nil {
		for i := len(ps.plan.changes) - 1; ps.plan.changes[i] != old; i-- {
			old.reworkTags = append(old.reworkTags, ps.plan.changes[i].Tags...)
		}
		old.reworkTags = append(old.reworkTags, old.Tags...)
	}
	ps.named[c.Name] = c
	return nil
}

func (ps *parser) addDepends(c *Change, deps string) error {
	seen := map[string]bool{}
	for _, text := range strings.FieldsFunc(deps, isBlank) {
		d, ok := parseDepend(text)
		if !ok {
			return ps.fault("%q is no dependency; expected change, change@tag, @tag or an id, with an optional ! and project: before it", text)
		}
		if seen[text] {
			return ps.fault("dependency %q is there twice; expected it once", text)
		}
		seen[text] = true
		if d.conflict {
			c.conflicts = append(c.conflicts, d)
		} else {
			c.requires = append(c.requires, d)
		}
	}
	if r := []rune(deps); len(r) > 0 && (isBlank(r[0]) || len(seen) == 0) {
		return ps.fault("the dependencies [%s] begin with a blank; expected a name after the bracket", deps)
	}
	return nil
}

// endSection checks that the changes since the last tag require only what comes before them.
func (ps *parser) endSection() error {
	position := map[string]int{}
	var faults []string
	line := 0
	for i, c := range ps.current {
		for _, d := range c.requires {
			if ps.known(d, position) {
				continue
			}
			if line == 0 {
				line = c.Line
			}
			faults = append(faults, ps.missing(c, d))
		}
		position[c.Name] = i + 1
	}
	ps.plan.changes = append(ps.plan.changes, ps.current...)
	ps.current = nil
	if len(faults) > 0 {
		return &PlanError{ps.plan.file, line, strings.Join(faults, "; ")}
	}
	return nil
}

// known tells whether a requirement is met by an earlier change, or cannot be judged by this plan.
func (ps *parser) known(d *depend, position map[string]int) bool {
	if d.gotProject && d.project != ps.plan.project || !d.gotProject && d.id != "" {
		return true
	}
	key := d.key()
	if name, tag, ok := strings.Cut(key, "@"); ok && name != "" {
		tagAt, at := ps.seen["@"+tag], ps.seen[name]
		return tagAt > 0 && at > 0 && at < tagAt
	}
	return ps.seen[key] > 0 || position[key] > 0
}

func (ps *parser) missing(c *Change, d *depend) string {
	key := d.key()
	if c.Name == key {
		return fmt.Sprintf("change %q requires itself; expected an earlier change", key)
	}
	for _, later := range ps.current {
		if later.Name == key {
			return fmt.Sprintf("change %q requires %q, which comes later, on line %d; expected it before", c.Name, key, later.Line)
		}
	}
	return fmt.Sprintf("change %q requires %q, which is unknown here; expected an earlier change or tag", c.Name, key)
}
