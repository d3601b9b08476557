package migrate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// words are names, planners and notes in several scripts, with what is hard about them.
var (
	nameWords    = []string{"init", "users", "añadir_rifas", "заказы", "抽選", "größe", "x-y", "v1.2", "a/b/c", "_low", "naïve+plus", "π", "टिकट", "a=b", "c~d", "e%f", "2024", "ünï", "a!b", "emoji🎟x", "q[r"}
	plannerWords = []string{"Ana María", "Łukasz Żółć", "山田 太郎", "O'Brien", "Dr. K. [PhD]", "Иван", "J", "two  spaces", "tail "}
	emailWords   = []string{"ana@example.com", "x+y@z.example", "Ünï@exämple.org", "a b@c"}
	noteWords    = []string{"", "", "0", "plain", "two\\nlines", "back\\\\slash", "cr\\rx", "  spaces  ", "hash # inside", "ñandú — “quotes”", "\\t is no escape", "ends in \\n", "\\n", "0 ", "日本語のメモ", "<tag> [x] @y", "00", "\\\\n"}
	uriWords     = []string{"", "", "https://example.com/shop", "HTTP://Example.COM:80", "https://Example.com", "http://user@Example.com:8080/A%7eb%2fc", "urn:uuid:5e0bb9a0-13f6-4f4d-9a2a-8f7f4f6f2e1a", "https://example.com/naïve path", "http://h:443/?Q=%aa", "git@github.com:rifaapp/x", "<https://example.com/w>", "https://example.com:443/x#", "mailto:Dev@Example.com", "ftp://H:21/x", "urn:ISBN-x:a:B%2f", "HTTPS://u:p@H.example:0443?q", "ssh://G@Host:22", "x-foo://Host:80/%7E"}
)

// generator makes plans that Sqitch accepts.
type generator struct {
	r       *rand.Rand
	b       strings.Builder
	names   []string        // changes so far
	section map[string]bool // those since the last tag
	tagged  []string        // changes before the last tag
	tags    []string
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// randomPlan makes a plan of up to 25 changes with everything that the syntax has.
func randomPlan(r *rand.Rand, i int) string {
	g := &generator{r: r, section: map[string]bool{}}
	uri := pick(r, uriWords)
	project := pick(r, []string{"shop", "größe", "магазин", "a-b", "x1"})
	if r.IntN(3) > 0 {
		g.b.WriteString("%syntax-version=1.0.0\n")
	}
	fmt.Fprintf(&g.b, "%%project%s%s\n", pick(r, []string{"=", " = ", "= "}), project)
	if uri != "" {
		fmt.Fprintf(&g.b, "%%uri=%s\n", uri)
	}
	if r.IntN(4) == 0 {
		g.b.WriteString("# a remark\n%custom=value # why\n%flag\n")
	}
	g.b.WriteString("\n")
	for range 1 + r.IntN(25) {
		switch n := r.IntN(10); {
		case n < 2 && len(g.names) > 0:
			g.tag()
		case n == 2:
			g.b.WriteString(pick(r, []string{"\n", "   \n", "# remark\n", "  #remark\n"}))
		default:
			g.change(project, i)
		}
	}
	text := g.b.String()
	if r.IntN(5) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if r.IntN(6) == 0 {
		text = strings.TrimRight(text, "\r\n")
	}
	return text
}

func (g *generator) stamp() string {
	return fmt.Sprintf("20%02d-%02d-%02dT%02d:%02d:%02dZ", g.r.IntN(100), 1+g.r.IntN(12), 1+g.r.IntN(28), g.r.IntN(24), g.r.IntN(60), g.r.IntN(60))
}

func (g *generator) rest() string {
	s := g.stamp() + pick(g.r, []string{" ", "  ", "\t"}) + pick(g.r, plannerWords) + " <" + pick(g.r, emailWords) + ">"
	if note := pick(g.r, noteWords); note != "" {
		s += pick(g.r, []string{" # ", " #", "#  "}) + note
	}
	return s + pick(g.r, []string{"", "", " "}) + "\n"
}

func (g *generator) tag() {
	name := fmt.Sprintf("%s%d", pick(g.r, []string{"v", "релиз-", "r_", "リリース"}), len(g.tags))
	g.b.WriteString("@" + name + " " + g.rest())
	g.tags = append(g.tags, name)
	for n := range g.section {
		g.tagged = append(g.tagged, n)
	}
	g.section = map[string]bool{}
}

func (g *generator) change(project string, i int) {
	name := pick(g.r, nameWords)
	if g.r.IntN(2) == 0 {
		name = fmt.Sprintf("%s_%d", name, g.r.IntN(9))
	}
	if g.section[name] {
		return
	}
	g.b.WriteString(pick(g.r, []string{"", "", "", " ", "+", "+ ", " + ", "-"}) + name + " ")
	if deps := g.depends(project, name); len(deps) > 0 {
		g.b.WriteString("[" + strings.Join(deps, pick(g.r, []string{" ", "  "})) + "] ")
	}
	g.b.WriteString(g.rest())
	g.names = append(g.names, name)
	g.section[name] = true
}

func (g *generator) depends(project, name string) []string {
	var deps []string
	seen := map[string]bool{}
	for range g.r.IntN(4) {
		dep := ""
		switch n := g.r.IntN(8); {
		case n < 3 && len(g.names) > 0:
			dep = pick(g.r, g.names)
		case n == 3 && len(g.tags) > 0:
			dep = "@" + pick(g.r, g.tags)
		case n == 4:
			dep = "other:" + pick(g.r, nameWords)
		case n == 5:
			dep = "other:thing@v1"
		case n == 6:
			dep = "!" + pick(g.r, []string{"never", "other:never", "@gone"})
		case n == 7 && len(g.names) > 0:
			dep = project + ":" + pick(g.r, g.names)
		}
		if dep != "" && !seen[dep] {
			seen[dep] = true
			deps = append(deps, dep)
		}
	}
	return deps
}

// mutate damages a plan in one place; some of the results are still good.
func mutate(r *rand.Rand, plan string) string {
	lines := strings.Split(plan, "\n")
	i := r.IntN(len(lines))
	line := []rune(lines[i])
	at := 0
	if len(line) > 0 {
		at = r.IntN(len(line))
	}
	junk := []rune(pick(r, []string{"@", "#", "[", "]", " ", ":", "<", ">", "!", "%", "-", "~1", "\t", "x", "HEAD ", "/", "\\", "§", "[]", "+"}))
	switch r.IntN(4) {
	case 0:
		lines[i] = string(line[:at]) + string(junk) + string(line[at:])
	case 1:
		lines = append(lines[:i], lines[i+1:]...)
	case 2:
		j := r.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
	case 3:
		if len(line) > 0 {
			lines[i] = string(line[:at]) + string(line[at+1:])
		}
	}
	return strings.Join(lines, "\n")
}
