package migrate

import (
	"fmt"
	"strconv"
	"strings"
)

// cutOffset takes a relative position off a key: name^ is one before, name^^ and name^2 two before,
// name~ and name~2 behind.
func cutOffset(key string) (string, int) {
	digits := len(key)
	for digits > 0 && key[digits-1] >= '0' && key[digits-1] <= '9' {
		digits--
	}
	if digits == 0 || key[digits-1] != '^' && key[digits-1] != '~' {
		return key, 0
	}
	sign, at, n := key[digits-1], digits-1, 1
	if digits < len(key) {
		n, _ = strconv.Atoi(key[digits:])
	} else if at > 0 && key[at-1] == sign {
		at, n = at-1, 2
	}
	if at > 0 && isPunct(rune(key[at-1])) {
		return key, 0
	}
	if sign == '^' {
		n = -n
	}
	return key[:at], n
}

// find returns the change that a person means by key: name, name@tag, @tag, id, HEAD, ROOT, each
// with an offset. A reworked name without a tag is ambiguous.
func (p *plan) find(key string) (*Change, error) {
	name, offset := cutOffset(key)
	i, err := p.indexOf(name)
	if err != nil {
		return nil, fmt.Errorf("%w; \"plan\" lists the changes to come, \"log\" those deployed", err)
	}
	if i += offset; i < 0 || i >= len(p.changes) {
		return nil, fmt.Errorf("%s has no change at %q; it has %d changes", p.file, key, len(p.changes))
	}
	return p.changes[i], nil
}

func (p *plan) indexOf(key string) (int, error) {
	name, tag, tagged := strings.Cut(key, "@")
	if name == "" && tagged {
		if at, ok := p.lookup["@"+tag]; ok {
			return at[0], nil
		}
		return 0, fmt.Errorf("unknown tag %q: %s does not have it", key, p.file)
	}
	at, ok := p.lookup[name]
	if !ok {
		return 0, fmt.Errorf("unknown change %q: %s does not have it", key, p.file)
	}
	if !tagged {
		if len(at) > 1 {
			return 0, p.ambiguous(key, at)
		}
		return at[0], nil
	}
	limit, ok := p.lookup["@"+tag]
	if !ok {
		return 0, fmt.Errorf("unknown tag %q: %s does not have it", "@"+tag, p.file)
	}
	for i := len(at) - 1; i >= 0; i-- {
		if at[i] <= limit[0] {
			return at[i], nil
		}
	}
	return 0, fmt.Errorf("unknown change %q: %q comes only after @%s in %s", key, name, tag, p.file)
}

func (p *plan) ambiguous(key string, at []int) error {
	var names []string
	for i := len(at) - 1; i >= 0; i-- {
		names = append(names, p.changes[at[i]].qualified())
	}
	return fmt.Errorf("change %q is ambiguous; say which: %s", key, strings.Join(names, ", "))
}

// resolve returns the change of this plan that a dependency means: a bare name is its first
// occurrence.
func (p *plan) resolve(d *depend) (*Change, error) {
	if key := d.key(); !strings.Contains(key, "@") {
		if at, ok := p.lookup[key]; ok {
			return p.changes[at[0]], nil
		}
		return nil, fmt.Errorf("unable to find change %q in %s", key, p.file)
	}
	i, err := p.indexOf(d.key())
	if err != nil {
		return nil, err
	}
	return p.changes[i], nil
}
