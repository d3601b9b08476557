package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const workflows = "../../.github/workflows"

type workflow struct {
	name        string
	text        string
	On          yaml.Node
	Permissions map[string]string
	Jobs        map[string]job
}

type job struct {
	If             string
	TimeoutMinutes string `yaml:"timeout-minutes"`
	Permissions    map[string]string
	Environment    string
	Outputs        map[string]string
	Concurrency    struct {
		Group            string
		CancelInProgress bool `yaml:"cancel-in-progress"`
	}
	Steps []workflowStep
}

type workflowStep struct {
	If   string
	Uses string
	Run  string
	With map[string]string
	Env  map[string]string
}

func load(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(workflows + "/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := workflow{name: filepath.Base(file), text: string(text)}
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(w.name, ".yml")] = w
	}
	for _, name := range []string{"ci", "nightly", "deploy", "migrate", "rollback", "drift", "release"} {
		if all[name].Jobs == nil {
			t.Errorf("there is no workflow %s", name)
		}
	}
	return all
}

var (
	pinned     = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`)
	mageTarget = regexp.MustCompile(`^go tool mage [A-Za-z:]+( [a-z0-9"$A-Z_.=-]+)*$`)
	// fixedNotice is a sentence for whoever reads the run; nothing in it is computed.
	fixedNotice = regexp.MustCompile(`^echo "::notice::[A-Za-z0-9 ,()/._-]+"$`)
)

func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/*/*/action.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no actions of our own: %v", err)
	}
	ours, err := filepath.Glob(workflows + "/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	uses := regexp.MustCompile(`(?m)^.*\buses: (\S+)(.*)$`)
	version := map[string]string{}
	for _, file := range append(files, ours...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range uses.FindAllStringSubmatch(string(text), -1) {
			action, comment := found[1], found[2]
			if strings.HasPrefix(action, "./.github/actions/") {
				continue
			}
			if !pinned.MatchString(action) || !regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`).MatchString(comment) {
				t.Errorf("%s uses %s%s: pin it by its full hash, with the version behind it", file, action, comment)
			}
			name, _, _ := strings.Cut(action, "@")
			if before, ok := version[name]; ok && before != action+comment {
				t.Errorf("%s uses %s%s, others %s", file, action, comment, before)
			}
			version[name] = action + comment
		}
	}
}

func TestWorkflowsMayDoLittle(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{ // what a job may have besides reading the code
		"ci.plan": {"id-token", "pull-requests"}, "deploy.plan": {"id-token"}, "deploy.deploy": {"id-token"},
		"migrate.migrate": {"id-token"}, "rollback.rollback": {"id-token"}, "drift.drift": {"id-token"}, "release.release": {"contents"},
	}
	for name, w := range load(t) {
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s has permissions for all jobs: %v", name, w.Permissions)
		}
		for id, j := range w.Jobs {
			if j.TimeoutMinutes == "" {
				t.Errorf("%s: job %s may run for hours", name, id)
			}
			for permission, level := range j.Permissions {
				if permission == "contents" && level == "read" {
					continue
				}
				if !strings.Contains(" "+strings.Join(allowed[name+"."+id], " ")+" ", " "+permission+" ") {
					t.Errorf("%s: job %s has %s: %s", name, id, permission, level)
				}
			}
			if j.Permissions["id-token"] == "write" && j.Environment == "" {
				t.Errorf("%s: job %s takes a role without an environment, whose rules would guard it", name, id)
			}
		}
	}
}

// What comes from outside reaches a shell through variables only, and after our own check.
func TestStepsAreTargets(t *testing.T) {
	t.Parallel()
	for name, w := range load(t) {
		if strings.Contains(w.text, "pull_request_target") || strings.Contains(w.text, "secrets.") {
			t.Errorf("%s runs on pull_request_target or reads a secret", name)
		}
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				if s.Run != "" && !mageTarget.MatchString(s.Run) && !fixedNotice.MatchString(s.Run) {
					t.Errorf("%s: job %s runs %q: a step is one mage target, or a notice", name, id, s.Run)
				}
				for variable, value := range s.Env {
					if strings.Contains(value, "client_payload") && (variable != "PAYLOAD" || !strings.HasPrefix(s.Run, "go tool mage request ")) {
						t.Errorf("%s: job %s reads the payload as %s, unchecked", name, id, variable)
					}
				}
				for input, value := range s.With {
					if strings.Contains(value, "client_payload") || strings.Contains(value, "inputs.") {
						t.Errorf("%s: job %s hands %s on unchecked: %s", name, id, input, value)
					}
					if strings.HasPrefix(s.Uses, "aws-actions/") && strings.Contains(input, "key") {
						t.Errorf("%s: job %s has a long-lived key", name, id)
					}
				}
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
					t.Errorf("%s: job %s leaves its token in the checkout", name, id)
				}
			}
		}
	}
}

// One environment is changed by one run at a time, and none is cut off in the middle. A rollback waits for rollbacks only:
// the deployment that runs may be what it has to call back.
func TestEnvironmentsAreChangedInTurn(t *testing.T) {
	t.Parallel()
	all := load(t)
	for _, name := range []string{"deploy", "migrate", "rollback"} {
		j := all[name].Jobs[name]
		const environment = "${{ needs.request.outputs.environment }}"
		group := environment
		if name == "rollback" {
			group = "rollback-" + environment
		}
		if j.Concurrency.Group != group || j.Concurrency.CancelInProgress || j.Environment != environment {
			t.Errorf("%s: %+v in environment %q", name, j.Concurrency, j.Environment)
		}
	}
}

// What the plan showed and a person approved is what is deployed: jobs after the request share its commit.
func TestOneCommitIsApprovedAndDeployed(t *testing.T) {
	t.Parallel()
	all := load(t)
	for name, jobs := range map[string][]string{"deploy": {"plan", "deploy"}, "migrate": {"migrate"}} {
		if commit := all[name].Jobs["request"].Outputs["commit"]; commit != "${{ steps.commit.outputs.commit }}" {
			t.Errorf("%s: the request hands on the commit %q", name, commit)
		}
		for _, id := range jobs {
			for _, s := range all[name].Jobs[id].Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["ref"] != "${{ needs.request.outputs.commit }}" {
					t.Errorf("%s: job %s checks out %q", name, id, s.With["ref"])
				}
			}
		}
	}
}

// An account may hold dev alone: what needs the role of prod is left out then, and the run says so.
func TestEnvironmentsWithoutARoleAreSkipped(t *testing.T) {
	t.Parallel()
	all := load(t)
	for _, j := range []job{all["ci"].Jobs["plan"], all["drift"].Jobs["drift"]} {
		said := false
		for _, s := range j.Steps {
			said = said || s.If == "vars.AWS_ROLE_ARN == ''" && fixedNotice.MatchString(s.Run)
			if needs := strings.HasPrefix(s.Uses, "aws-actions/") || strings.HasPrefix(s.Run, "go tool mage"); needs && s.If != "vars.AWS_ROLE_ARN != ''" {
				t.Errorf("%s: %s%s runs without a role", j.Environment, s.Uses, s.Run)
			}
		}
		if !said {
			t.Errorf("%s is skipped in silence", j.Environment)
		}
	}
}

// The targets that workflows name are there.
func TestWorkflowsNameTargets(t *testing.T) {
	t.Parallel()
	magefile, err := os.ReadFile("../../magefile.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range load(t) {
		for _, found := range regexp.MustCompile(`go tool mage (\w)(\w*)`).FindAllStringSubmatch(w.text, -1) {
			if function := strings.ToUpper(found[1]) + found[2]; !strings.Contains(string(magefile), "\nfunc "+function+"(ctx") {
				t.Errorf("%s names the target %s, which magefile.go does not have", name, found[1]+found[2])
			}
		}
	}
}
