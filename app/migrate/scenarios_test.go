package migrate_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// with is a project with some files changed.
func with(files map[string]string, changed ...string) map[string]string {
	files = maps.Clone(files)
	for i := 0; i < len(changed); i += 2 {
		files[changed[i]] = changed[i+1]
	}
	return files
}

// without is a project with some files gone.
func without(files map[string]string, gone ...string) map[string]string {
	files = maps.Clone(files)
	for _, name := range gone {
		delete(files, name)
	}
	return files
}

// planOf makes a project of lines of a plan, "name [dependencies]" or "@tag", with a note after "#",
// and a table for each change. A reworked change replaces its table by another.
func planOf(lines ...string) map[string]string {
	files, plan := map[string]string{}, head
	seen, tag := map[string]int{}, ""
	for _, line := range lines {
		entry, note, noted := strings.Cut(line, "#")
		entry = strings.TrimSpace(entry)
		plan += entry + planned
		if noted {
			plan += " #" + note
		}
		plan += "\n"
		name, _, _ := strings.Cut(entry, " ")
		if strings.HasPrefix(name, "@") {
			tag = name
			continue
		}
		table := `"` + strings.ReplaceAll(name, "/", "_") + fmt.Sprint(seen[name]) + `"`
		if seen[name]++; seen[name] > 1 {
			for _, kind := range []string{"deploy", "revert", "verify"} {
				files[kind+"/"+name+tag+".sql"] = files[kind+"/"+name+".sql"]
			}
		}
		addTable(files, name, table)
	}
	files["sqitch.plan"] = plan
	return files
}

const (
	failing = "BEGIN;\nCREATE TABLE half (id int);\nSELECT 1/0;\nCOMMIT;\n"
	doubt   = "SELECT 1/0;\n"
)

// scenarios are the stories that are told by hand: each is about one thing.
func scenarios() []scenario {
	abc := planOf("a", "b", "c")
	tagged := planOf("a", "@v1 # first", "b", "c # third", "@v2", "@v2b", "d")
	rework := planOf("a", "b [a]", "@v1", "a [a@v1]", "c", "@v2")
	edited := with(abc, "deploy/b.sql", "-- edited\n"+abc["deploy/b.sql"])
	badB, doubtB := with(abc, "deploy/b.sql", failing), with(abc, "verify/b.sql", doubt)
	tagBadC := with(planOf("a", "@v1", "b", "c"), "deploy/c.sql", failing)
	unicode := planOf(`añadir # línea uno\nlínea dos`, `größe/maß [añadir] # a \\ backslash`, "@релиз # 抽選", "заказы [añadir@релиз !otro:nunca] # 0")
	uri := with(abc, "sqitch.plan", strings.Replace(abc["sqitch.plan"], "\n\n", "\n%uri=HTTPS://Example.com:443/a b\n\n", 1))
	other := with(planOf("a", "x [shop:b]"), "sqitch.plan", strings.Replace(planOf("a", "x [shop:b]")["sqitch.plan"], "shop\n", "other\n", 1),
		"deploy/a.sql", "CREATE TABLE oa (id int);\n", "revert/a.sql", "DROP TABLE oa;\n", "verify/a.sql", "SELECT id FROM oa;\n")
	elsewhere := map[string]string{"sqitch.conf": conf + "[core]\n\ttop_dir = db\n\textension = ddl\n\tplan_file = db/the.plan\n"}
	for name, text := range abc {
		elsewhere["db/"+strings.Replace(strings.Replace(name, ".sql", ".ddl", 1), "sqitch.plan", "the.plan", 1)] = text
	}
	return []scenario{
		{name: "all and back", versions: one(abc), steps: steps("deploy", "status", "log", "verify", "check", "deploy", "revert -y", "status", "log")},
		{name: "one by one", versions: one(abc), steps: steps("deploy --to a", "status", "deploy b", "deploy", "revert -y --to b", "revert -y a", "deploy"), long: true},
		{name: "to tags", versions: one(tagged), steps: steps("deploy --to @v1", "status", "deploy --to @v2", "status", "deploy", "verify", "log", "revert -y --to @v1", "log")},
		{name: "reworked", versions: one(rework), steps: steps("deploy", "status", "verify", "check", "revert -y --to @v1", "deploy", "log", "revert -y")},
		{name: "a failing script", versions: []map[string]string{badB, abc}, steps: steps("deploy", "status", "log", "use", "deploy", "log")},
		{name: "a failing script takes all back", versions: one(badB), steps: steps("deploy --mode all", "status", "log")},
		{name: "a failing script takes back to the tag", versions: one(tagBadC), steps: steps("deploy --mode tag", "status", "log"), long: true},
		{name: "a failing verify", versions: one(doubtB), steps: steps("deploy", "status", "deploy --no-verify", "verify", "log")},
		{name: "a failing verify takes all back", versions: one(doubtB), steps: steps("deploy --mode all --verify", "status", "log"), long: true},
		{name: "a failing verify takes back to the tag", versions: one(with(planOf("a", "@v1", "b", "c"), "verify/c.sql", doubt)), steps: steps("deploy --mode tag", "log"), long: true},
		{name: "only recorded", versions: one(rework), steps: steps("deploy --log-only --no-verify", "status", "log", "revert -y --log-only --to @v1", "revert -y --log-only"), long: true},
		{name: "only recorded, but verified", versions: one(abc), steps: steps("deploy --log-only", "status", "log"), long: true},
		{name: "a tag given later", versions: []map[string]string{planOf("a", "b"), planOf("a", "@early", "b", "@late", "@later")}, steps: steps("deploy", "use", "deploy", "status", "log", "revert -y --to a", "deploy", "status")},
		{name: "a plan that grows", versions: []map[string]string{planOf("a", "b"), planOf("a", "b", "c [a]", "@v1", "b [b@v1]")}, steps: steps("deploy", "use", "status", "verify", "deploy", "check", "revert -y --to HEAD^", "revert -y --to @HEAD^^")},
		{name: "an edited script", versions: []map[string]string{abc, edited}, steps: steps("deploy --to b", "use", "check", "status", "deploy", "check --from c", "check --to a", "verify --from b", "verify --to b")},
		{name: "an edited plan", versions: []map[string]string{abc, with(abc, "sqitch.plan", strings.Replace(abc["sqitch.plan"], "a 2026", "a 2027", 1))}, steps: steps("deploy", "use", "deploy", "log"), long: true},
		{name: "a conflict", versions: one(planOf("a", "b [!a]")), steps: steps("deploy --to a", "deploy", "status", "log"), long: true},
		{name: "a conflict that is not there", versions: one(planOf("a", "b [!other:a]")), steps: steps("deploy", "log", "revert -y", "log"), long: true},
		{name: "another project is missing", versions: one(planOf("a", "b [other:x]")), steps: steps("deploy --to a", "deploy", "status"), long: true},
		{name: "two projects", versions: []map[string]string{abc, other, abc}, steps: steps("deploy", "use", "status", "deploy", "status", "log", "use", "revert -y --to a", "status", "log", "verify"), long: true},
		{name: "with a URI", versions: one(uri), steps: steps("deploy", "status", "revert -y --to a", "log"), long: true},
		{name: "another URI", versions: []map[string]string{uri, abc}, steps: steps("deploy --to a", "use", "deploy"), long: true},
		{name: "letters of the world", versions: one(unicode), steps: steps("deploy", "status", "log", "verify", "revert -y --to añadir", "log")},
		{name: "earlier than the database", versions: one(abc), steps: steps("deploy", "deploy --to a", "deploy --to c", "deploy --to zzz", "deploy --to @zzz", "revert -y --to zzz", "status"), long: true},
		{name: "nothing there", versions: one(abc), steps: steps("status", "log", "verify", "check", "revert -y"), long: true},
		{name: "nothing left", versions: one(abc), steps: steps("deploy --to a", "revert -y", "status", "log", "verify", "check", "revert -y"), long: true},
		{name: "names of all kinds", versions: one(rework), steps: steps("deploy --to a@v1", "deploy --to ROOT~", "deploy --to HEAD", "revert -y --to a@HEAD", "revert -y --to @v1^", "deploy --to a@HEAD", "revert -y --to b~", "revert -y --to @ROOT"), long: true},
		{name: "an ambiguous name", versions: one(rework), steps: steps("deploy --to a", "deploy", "revert -y --to a", "verify --to a", "status"), long: true},
		{name: "no verify script", versions: one(without(abc, "verify/b.sql")), steps: steps("deploy --no-verify", "check", "revert -y"), long: true},
		{name: "other directories", versions: one(elsewhere), steps: steps("deploy", "status", "verify", "check", "revert -y --to a"), long: true},
		{name: "history in parts", versions: one(tagged), steps: steps("deploy", "revert -y --to b", "deploy", "log --max-count 2", "log -n 1", "log --skip 3", "log --reverse", "log --reverse --max-count 2 --skip 1", "log --skip 99"), long: true},
		{name: "the same script twice", versions: one(with(planOf("a", "b"), "deploy/b.sql", planOf("a")["deploy/a.sql"], "deploy/a.sql", planOf("a")["deploy/a.sql"])), steps: steps("deploy --log-only --no-verify", "status", "log"), long: true},
		{name: "refused for another project that is missing", versions: []map[string]string{planOf("a", "b [other:x]"), abc}, steps: steps("deploy", "verify", "log", "check", "status", "revert -y", "use", "deploy", "log"), long: true},
		{name: "refused for a conflict that is not in the plan", versions: []map[string]string{planOf("a", "b [!zzz]"), abc}, steps: steps("deploy", "status", "log", "verify", "use", "deploy", "log")},
		{name: "without transactions of their own", versions: one(with(abc, "deploy/b.sql", "SET search_path = pg_catalog;\nCREATE TABLE public.b0 (id int);\n", "verify/b.sql", "SELECT 1;\n", "revert/b.sql", "DROP TABLE public.b0")), steps: steps("deploy", "verify", "revert -y --to b", "revert -y"), long: true},
	}
}

func one(files map[string]string) []map[string]string { return []map[string]string{files} }

func steps(s ...string) []string { return s }

// randomScenario walks over a random plan at random.
func randomScenario(r *rand.Rand, i int) scenario {
	var lines, names, since []string
	tags := 0
	for range 4 + r.IntN(6) {
		name := fmt.Sprintf("t%d", r.IntN(7))
		switch {
		case len(names) > 0 && r.IntN(4) == 0:
			lines = append(lines, fmt.Sprintf("@v%d", tags))
			tags, since = tags+1, nil
		case !slices.Contains(since, name):
			line := name
			if len(names) > 0 && r.IntN(2) == 0 {
				line += " [" + pick(r, names) + "]"
			}
			lines, names, since = append(lines, line), append(names, name), append(since, name)
		}
	}
	s := scenario{name: fmt.Sprintf("random %d", i), versions: one(planOf(lines...))}
	for range 6 {
		to := fmt.Sprintf("@ROOT~%d", r.IntN(len(names)))
		if tags > 0 && r.IntN(3) == 0 {
			to = fmt.Sprintf("@v%d", r.IntN(tags))
		}
		s.steps = append(s.steps, pick(r, []string{"deploy --to " + to, "revert -y --to " + to, "deploy", "revert -y", "status", "verify", "log", "check"}))
	}
	return s
}
