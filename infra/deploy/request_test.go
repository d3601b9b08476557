package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event, payload, trigger string
		handed                  string // "" when it is refused
		says                    string
	}{
		"deploy":         {"deploy", `{"environment":"dev","ref":"v2.0.0","lambda_only":true}`, "", "environment=dev\nref=v2.0.0\nlambda_only=true\nversion=\n", ""},
		"no more than":   {"deploy", `{"environment":"prod"}`, "", "environment=prod\nref=refs/heads/main\nlambda_only=false\nversion=\n", ""},
		"a release":      {"deploy", `{"environment":"prod","ref":"v9.9.9"}`, "", "environment=prod\nref=refs/tags/v9.9.9\nlambda_only=false\nversion=\n", ""},
		"its migrations": {"migrate", `{"environment":"prod","ref":"v9.9.9"}`, "", "environment=prod\nref=refs/tags/v9.9.9\nlambda_only=false\nversion=\n", ""},
		"a push":         {"deploy", `null`, "push", "environment=dev\nref=0123abcd\nlambda_only=false\nversion=\n", ""},
		"migrate":        {"migrate", `{"environment":"dev","ref":"main"}`, "", "environment=dev\nref=main\nlambda_only=false\nversion=\n", ""},
		"rollback":       {"rollback", `{"environment":"prod","version":"12"}`, "", "environment=prod\nref=main\nlambda_only=false\nversion=12\n", ""},
		"nothing":        {"deploy", `null`, "repository_dispatch", "", `there is no environment ""`},
		"no payload":     {"deploy", "\n", "", "", `PAYLOAD is empty: it holds what was dispatched, such as {"environment":"dev"}`},
		"unknown env":    {"deploy", `{"environment":"../dev"}`, "", "", `there is no environment "../dev"; known: dev, prod`},
		"unknown member": {"deploy", `{"environment":"dev","command":"rm"}`, "", "", `unknown field "command"`},
		"wrong type":     {"deploy", `{"environment":"dev","lambda_only":"yes"}`, "", "", "the payload is not what deploy takes"},
		"other's member": {"rollback", `{"environment":"dev","ref":"main"}`, "", "", "members that rollback does not take"},
		"a shell":        {"deploy", `{"environment":"dev","ref":"$(id)"}`, "", "", "not the name of a branch"},
		"two lines":      {"deploy", `{"environment":"dev","ref":"main\nversion=9"}`, "", "", "not the name of a branch"},
		"a path":         {"deploy", `{"environment":"dev","ref":"a/../b"}`, "", "", "not the name of a branch"},
		"two documents":  {"deploy", `{"environment":"dev"}{}`, "", "", "text after its end"},
		"a full name":    {"deploy", `{"environment":"prod","ref":"refs/heads/v9.9.9"}`, "", "", "prod takes main and the tags of releases"},
		"a branch":       {"deploy", `{"environment":"prod","ref":"mine"}`, "", "", `prod takes main and the tags of releases, such as v2.0.0, not "mine"`},
		"bad version":    {"rollback", `{"environment":"dev","version":"$LATEST"}`, "", "", "not the number of a version"},
		"unknown event":  {"destroy", `{"environment":"dev"}`, "", "", `"destroy" cannot be dispatched`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := filepath.Join(t.TempDir(), "output")
			env := map[string]string{"PAYLOAD": c.payload, "GITHUB_EVENT_NAME": c.trigger, "GITHUB_SHA": "0123abcd", "GITHUB_OUTPUT": output}
			var out strings.Builder
			err := program{getenv: func(k string) string { return env[k] }, out: &out}.run(t.Context(),
				[]string{"request", "--infra-dir", filepath.Join(template, "infra"), c.event})
			handed, _ := os.ReadFile(output) // none is nothing
			if string(handed) != c.handed || (err == nil) != (c.handed != "") {
				t.Errorf("handed on %q, want %q; %v", handed, c.handed, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("said %q, want %q", err, c.says)
			}
		})
	}
}
