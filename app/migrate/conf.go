package migrate

import (
	"fmt"
	"strings"
)

// conf is sqitch.conf: "section.key" or "section.subsection.key" to the last value given. Sections
// and keys are in lower case.
type conf map[string]string

// parseConf reads the syntax of Git's configuration files.
func parseConf(file, text string) (conf, error) {
	c, section := conf{}, ""
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, at := strings.TrimSpace(lines[i]), i+1
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
		}
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			name, ok := confSection(line)
			if !ok {
				return nil, fmt.Errorf(`%s:%d: %q is no section; expected [name] or [name "subname"]`, file, at, line)
			}
			section = name
		default:
			key, value, given := strings.Cut(line, "=")
			key = strings.ToLower(strings.TrimSpace(key))
			if section == "" || key == "" || strings.ContainsAny(key, " \t") {
				return nil, fmt.Errorf("%s:%d: %q is no setting; expected key = value under a [section]", file, at, line)
			}
			if !given {
				value = "true"
			}
			value, ok := confValue(value)
			if !ok {
				return nil, fmt.Errorf("%s:%d: the value of %s has a quote that does not end", file, at, key)
			}
			c[section+"."+key] = value
		}
	}
	return c, nil
}

func confSection(line string) (string, bool) {
	inner, _, ok := strings.Cut(line[1:], "]")
	if !ok {
		return "", false
	}
	name, sub, _ := strings.Cut(strings.TrimSpace(inner), " ")
	name, sub = strings.ToLower(name), strings.TrimSpace(sub)
	if sub == "" {
		return name, name != ""
	}
	if len(sub) < 2 || sub[0] != '"' || sub[len(sub)-1] != '"' {
		return "", false
	}
	return name + "." + strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(sub[1:len(sub)-1]), true
}

// confValue reads a value: quotes keep blanks and comment signs, a backslash escapes.
func confValue(s string) (string, bool) {
	var b strings.Builder
	quoted, kept := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
			kept = b.Len()
			continue
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteString(map[byte]string{'n': "\n", 't': "\t"}[s[i]])
			if s[i] != 'n' && s[i] != 't' {
				b.WriteByte(s[i])
			}
			kept = b.Len()
			continue
		case !quoted && (c == '#' || c == ';'):
			i = len(s)
			continue
		case !quoted && b.Len() == 0 && (c == ' ' || c == '\t'):
			continue
		default:
			b.WriteByte(c)
		}
		if quoted {
			kept = b.Len()
		}
	}
	v := b.String()
	return v[:kept] + strings.TrimRight(v[kept:], " \t\r"), !quoted
}

// get returns the first of the keys that is set, or fallback.
func (c conf) get(fallback string, keys ...string) string {
	for _, k := range keys {
		if v := c[k]; v != "" {
			return v
		}
	}
	return fallback
}

func (c conf) isTrue(fallback bool, key string) bool {
	switch strings.ToLower(c[key]) {
	case "":
		return fallback
	case "true", "yes", "on", "1":
		return true
	}
	return false
}
