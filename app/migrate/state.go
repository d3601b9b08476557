package migrate

import (
	"fmt"
	"strings"
)

// find returns the index of the deployed change that a person means: name, name@tag, @tag, id, HEAD
// or ROOT, each with an offset; -1 when it is not deployed. A name deployed twice needs a tag.
func (s *state) find(key string) (int, error) {
	base, offset := cutOffset(key)
	i, err := s.lookup(base)
	if err != nil || i < 0 {
		return -1, err
	}
	if i += offset; i < 0 || i >= len(s.changes) {
		return -1, nil
	}
	return i, nil
}

func (s *state) lookup(key string) (int, error) {
	name, tag, tagged := strings.Cut(key, "@")
	switch {
	case !tagged && (key == "HEAD" || key == "ROOT"):
		name, tag = "", key
	case !tagged && isID(key):
		return s.index(func(d *deployed) bool { return d.id == key }), nil
	case !tagged:
		return s.only(key)
	}
	if len(s.changes) == 0 {
		return -1, nil
	}
	last := len(s.changes) - 1
	if tag == "ROOT" {
		last = 0
	} else if tag != "HEAD" {
		last = s.taggedIndex("@" + tag)
	}
	for i := last; i >= 0 && name != ""; i-- {
		if s.changes[i].name == name {
			return i, nil
		}
	}
	if name != "" {
		return -1, nil
	}
	return last, nil
}

func (s *state) index(match func(*deployed) bool) int {
	for i, d := range s.changes {
		if match(d) {
			return i
		}
	}
	return -1
}

// taggedIndex returns the index of the change that has a tag; -1 when the tag is not deployed.
func (s *state) taggedIndex(tag string) int {
	for _, t := range s.tags {
		if t.tag == tag {
			return s.index(func(d *deployed) bool { return d.id == t.changeID })
		}
	}
	return -1
}

// only returns the index of the one deployed change of a name.
func (s *state) only(name string) (int, error) {
	found := -1
	for i, d := range s.changes {
		if d.name != name {
			continue
		}
		if found >= 0 {
			return -1, fmt.Errorf("change %q is ambiguous: it is deployed more than once; say which with name@tag, or name@HEAD for the last", name)
		}
		found = i
	}
	return found, nil
}
