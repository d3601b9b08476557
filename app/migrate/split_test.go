package migrate

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitScript(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   []string
	}{
		"nothing":                {"", nil},
		"only comments":          {"-- a;\n/* b; /* c; */ d; */\n;;\n", nil},
		"statements":             {"SELECT 1; SELECT 2;\nSELECT 3", []string{"SELECT 1", "SELECT 2", "SELECT 3"}},
		"literals":               {`SELECT 'a;''b;', "c;""d", E'e\';', 'f\'; SELECT U&'\0041;'`, []string{`SELECT 'a;''b;', "c;""d", E'e\';', 'f\'`, `SELECT U&'\0041;'`}},
		"a literal in parts":     {"SELECT E'a'\n  -- b;\n  '\\';c'; SELECT 2", []string{"SELECT E'a'\n  -- b;\n  '\\';c'", "SELECT 2"}},
		"dollar quotes":          {"DO $$ BEGIN; END $$; SELECT $a$ $$; $b$; $a$; SELECT $1; SELECT a$b$c;", []string{"DO $$ BEGIN; END $$", "SELECT $a$ $$; $b$; $a$", "SELECT $1", "SELECT a$b$c"}},
		"comments inside":        {"SELECT -- a;'\n 1 /* ;' */ ; SELECT 2", []string{"SELECT -- a;'\n 1 /* ;' */", "SELECT 2"}},
		"parentheses":            {"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3;", []string{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"}},
		"a body":                 {"CREATE FUNCTION f(begin int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3", []string{"CREATE FUNCTION f(begin int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "SELECT 3"}},
		"a procedure's body":     {"create or replace procedure p() begin atomic insert into t values (1); end; SELECT 3", []string{"create or replace procedure p() begin atomic insert into t values (1); end", "SELECT 3"}},
		"BEGIN elsewhere":        {"BEGIN; SELECT 1; END; SELECT 2", []string{"BEGIN", "SELECT 1", "END", "SELECT 2"}},
		"casts and slices":       {"SELECT a::text, b[1:2], f(x := 1); SELECT 2", []string{"SELECT a::text, b[1:2], f(x := 1)", "SELECT 2"}},
		"Unicode's space":        {"SELECT 1\u00a0;\u2000", []string{"SELECT 1\u00a0", "\u2000"}}, // faults, which the server names
		"lines that end with CR": {"-- a;\rSELECT E'a' -- b\r '\\';c'; -- d\rSELECT 2;\r", []string{"SELECT E'a' -- b\r '\\';c'", "SELECT 2"}},
		"a mark at the front":    {"\ufeffSELECT 1;\r\nSELECT 2;\r\n", []string{"SELECT 1", "SELECT 2"}},
	} {
		s, err := splitScript("x.sql", c.script)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, st := range s.statements {
			got = append(got, st.sql)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s is split into %q, not %q", name, got, c.want)
		}
	}
}

func TestCopyData(t *testing.T) {
	t.Parallel()
	s, err := splitScript("x.sql", "COPY t (a) FROM STDIN WITH (FORMAT csv);\n1;'\n\\x\n\\.\nSELECT 2;\ncopy t from stdin;\n\\.\nCOPY t FROM STDIN;\nlast")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range s.statements {
		got = append(got, strings.ToLower(st.sql[:4])+st.data)
	}
	if want := []string{"copy1;'\n\\x\n", "sele", "copy", "copylast"}; !slices.Equal(got, want) || s.statements[1].line != 5 {
		t.Errorf("got %q from line %d", got, s.statements[1].line)
	}
}

// TestCopyIsFoundByItsWords reads the ways to write COPY … FROM STDIN. One that is not found makes the
// server wait for data for ever.
func TestCopyIsFoundByItsWords(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]bool{
		"COPY a FROM STDIN":                           true,
		"COPY a FROM STDIN -- no semicolon\n":         true,
		"COPY a(id)FROM STDIN;":                       true,
		"COPY a FROM -- x\n STDIN; -- data follows":   true,
		"COPY a FROM/* x */stdin;\t\r\n1\r\n\\.\r\n":  true,
		"COPY \"a\"FROM STDIN(FORMAT csv);":           true,
		"COPY a FROM STDOUT;":                         true,
		"COPY a FROM 'stdin';":                        false,
		"COPY stdin FROM '/tmp/x';":                   false,
		"COPY (SELECT * FROM stdin) TO STDOUT;":       false,
		"COPY a FROM '/tmp/x' WITH (NULL 'x'), STDIN": false,
		"SELECT * FROM stdin;":                        false,
	} {
		s, err := splitScript("x.sql", script)
		if err != nil || len(s.statements) != 1 || s.statements[0].copy != want {
			t.Errorf("%q gives %v, %+v", script, err, s)
		}
	}
}

func TestScriptsThatCannotBeSplit(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"SELECT 1;\n/* a /* b */":                      "x.sql:2: a comment begins with /* and never ends",
		"\n\nSELECT 'a":                                "x.sql:3: a text begins with ' and never ends",
		"SELECT \"a":                                   `x.sql:1: a text begins with " and never ends`,
		"SELECT\n$x$ a $y$":                            "x.sql:2: a text begins with $x$ and never ends",
		"SELECT 1 \\gset\n":                            `x.sql:1: "\\gset" is a command of psql`,
		"-- x\n\\connect other\n":                      `x.sql:2: "\\connect other" is a command of psql`,
		"SELECT :'who', 1;":                            "x.sql:1: \":'who', 1;\" uses a variable of psql",
		"SELECT 1 AS :\"name\"":                        "uses a variable of psql",
		"SELECT :{?x}":                                 "uses a variable of psql",
		"COPY t FROM STDIN;\n1\n\\.\n\\x":              "x.sql:4: ",
		"\nCOPY t FROM STDIN; DROP TABLE t;\n1\n\\.\n": `x.sql:2: "DROP TABLE t;" follows COPY … FROM STDIN; on its line, and the data begins on the next line`,
		"COPY t FROM STDIN; SELECT 1":                  `x.sql:1: "SELECT 1" follows COPY`,
		"COPY t FROM STDIN; -- x\rDROP TABLE t;\n":     "x.sql:1: ",
	} {
		if _, err := splitScript("x.sql", script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, not %s", script, err, want)
		}
	}
}

func TestMarker(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]bool{
		"-- migrate: no-transaction\nVACUUM;":              true,
		"-- Deploy x\n\n--migrate: no-transaction\nVACUUM": true,
		"SELECT 1; -- migrate: no-transaction":             false,
		"-- migrate: no-transaction, please\nSELECT 1":     false,
		"/* migrate: no-transaction */ SELECT 1":           false,
	} {
		s, err := splitScript("x.sql", script)
		if err != nil || s.noTransaction != want {
			t.Errorf("%q: %v", script, err)
		}
	}
}

// FuzzSplitScript looks for panics, and for text that is lost: the statements are parts of the
// script, in its order.
func FuzzSplitScript(f *testing.F) {
	f.Add("BEGIN; SELECT E'a\\'' $$ x; $$ /* ; */; COMMIT; COPY t FROM STDIN;\n1\n\\.\n")
	f.Add("CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 END; END; -- x\nSELECT :a::b")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := splitScript("x.sql", text)
		if err != nil {
			return
		}
		rest, line := text, 1
		for _, st := range s.statements {
			_, after, ok := strings.Cut(rest, st.sql)
			if !ok || st.sql == "" || st.line < line {
				t.Fatalf("statement %q of line %d is not in the script after line %d", st.sql, st.line, line)
			}
			rest, line = after, st.line
		}
	})
}
