package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// quick makes the watch short enough for a test.
var quick = []string{"--watch", "50ms", "--every", "5ms"}

func deployArgs(args ...string) []string {
	return append(append([]string{"deploy"}, quick...), args...)
}

func TestDeploy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["FAKE_PLAN"] = "Plan: 3 to add, 1 to change, 0 to destroy."
	said, ok := w.run(t, "", deployArgs("dev")...)
	if !ok {
		t.Fatal(said)
	}
	contains(t, said, "account 123456789012, us-east-1; version 7 serves", "3 to add, 1 to change, 0 to destroy", "made JWT_KEYS of api, JWT_KEYS of migrator; roles in place",
		"deployed init, buying", "version 8 answers, ready", "version 8 serves everything", w.url+" answers", "go tool mage rollback dev")
	want := []string{
		"terragrunt plan", "terragrunt apply", "terragrunt stack", "code of dev-migrator", "code of dev-api", "secret of api", "secret of migrator", "roles",
		"migrate by 8", "smoke test", "dev-api at 7, 8 gets 0.1", "dev-api at 8", "dev-migrator at 8",
	}
	if got := w.happened(); !slices.Equal(got, want) {
		t.Errorf("happened %q\nwant     %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(w.checkout, "dist", "rifaapp-lambda-arm64.zip")); err != nil {
		t.Errorf("the zip is not where the stack looks for it: %v", err)
	}
}

func TestDeployLambdaOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, program := range []string{"terraform", "terragrunt"} { // not needed
		if err := os.Remove(filepath.Join(w.bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	said, ok := w.run(t, "", deployArgs("--lambda-only", "dev")...)
	if !ok {
		t.Fatal(said)
	}
	want := []string{"code of dev-migrator", "code of dev-api", "migrate by 8", "smoke test", "dev-api at 7, 8 gets 0.1", "dev-api at 8", "dev-migrator at 8"}
	if got := w.happened(); !slices.Equal(got, want) {
		t.Errorf("happened %q\nwant     %q", got, want)
	}
}

// A bad commit came as code alone, which Terraform knows nothing of: to it the commit before is still in place. Deploying
// that whole brings it all the same.
func TestDeployAfterLambdaOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.strange, w.upload = map[string]string{"8": "bad"}, "9"
	said, ok := w.run(t, "", deployArgs("dev")...)
	if !ok {
		t.Fatal(said)
	}
	contains(t, said, "api is version 9, migrator 9", "version 9 answers, ready", "version 9 serves everything")
	if w.aliases["rifaapp-dev-api"].FunctionVersion != "9" || w.aliases["rifaapp-dev-migrator"].FunctionVersion != "9" {
		t.Errorf("happened %q", w.happened())
	}
}

// The same commit again is the same version: it gets no canary, and a rollback still finds the code before it.
func TestDeployTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		said, ok := w.run(t, "", deployArgs("--lambda-only", "dev")...)
		if !ok {
			t.Fatal(said)
		}
		contains(t, said, "version 8 serves everything")
	}
	want := []string{
		"code of dev-migrator", "code of dev-api", "migrate by 8", "smoke test", "dev-api at 7, 8 gets 0.1", "dev-api at 8", "dev-migrator at 8",
		"migrate by 8", "smoke test",
	}
	if got := w.happened(); !slices.Equal(got, want) {
		t.Errorf("happened %q\nwant     %q", got, want)
	}
	if said, ok := w.run(t, "", "rollback", "dev"); !ok || w.aliases["rifaapp-dev-api"].FunctionVersion != "7" {
		t.Errorf("version %s serves; said\n%s", w.aliases["rifaapp-dev-api"].FunctionVersion, said)
	}
}

func TestPlanOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["FAKE_PLAN"] = "Plan: 0 to add, 2 to change, 1 to destroy."
	said, ok := w.run(t, "", "deploy", "--plan-only", "dev")
	if !ok || !slices.Equal(w.happened(), []string{"terragrunt plan without a lock"}) {
		t.Errorf("happened %q; said\n%s", w.happened(), said)
	}
	contains(t, said, "STDOUT [api] terraform: Plan:", "dev: 0 to add, 2 to change, 1 to destroy")
}

func TestDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if said, ok := w.run(t, "", "plan", "--drift", "dev"); !ok {
		t.Error(said)
	}
	w.env["FAKE_PLAN"] = "Plan: 0 to add, 1 to change, 0 to destroy."
	said, ok := w.run(t, "", "plan", "--drift", "dev")
	if ok {
		t.Error("a drift is no failure")
	}
	contains(t, said, "dev is not as the code says: 0 to add, 1 to change, 0 to destroy; somebody changed it by hand, or this code is ahead of what was deployed. Deploy it, or bring the change into the code")
	if got := w.happened(); !slices.Equal(got, []string{"terragrunt plan without a lock"}) {
		t.Errorf("happened %q", got)
	}
}

// Whatever is bad: a clear sentence, and version 7 serves everything afterwards.
func TestBadInput(t *testing.T) {
	t.Parallel()
	before := []string{"terragrunt plan", "terragrunt apply", "terragrunt stack", "code of dev-migrator", "code of dev-api", "secret of api", "secret of migrator", "roles"}
	for name, c := range map[string]struct {
		spoil    func(t *testing.T, w *world)
		args     []string
		happened []string
		says     []string
	}{
		"unknown environment": {nil, deployArgs("staging"), nil, []string{`there is no environment "staging"; known: dev, prod`}},
		"dirty tree for prod": {func(t *testing.T, w *world) { w.write(t, "new.go", "package x") }, deployArgs("prod"), nil,
			[]string{"nothing was started", "?? new.go", "only commits go to prod; commit or undo them"}},
		"wrong account": {func(_ *testing.T, w *world) { w.account = "999999999999" }, deployArgs("dev"), nil,
			[]string{"nothing was started", "credentials are for account 999999999999 (arn:aws:iam::999999999999:user/ana), but dev lives in 123456789012"}},
		"expired session": {func(_ *testing.T, w *world) { w.expired = true }, deployArgs("dev"), nil,
			[]string{"nothing was started", "the AWS session has expired: sign in again with aws sso login"}},
		"account nobody named": {func(t *testing.T, w *world) {
			w.write(t, "infra/envs/dev/terragrunt.stack.hcl", "account_id = \"000000000000\"\nregion = \"us-east-1\"\n")
		},
			deployArgs("dev"), nil, []string{"account_id in", "is still 000000000000: write the id of your AWS account for dev there"}},
		"everything missing": {func(t *testing.T, w *world) {
			for _, program := range []string{"terraform", "go"} {
				if err := os.Remove(filepath.Join(w.bin, program)); err != nil {
					t.Fatal(err)
				}
			}
			delete(w.env, "AWS_ACCESS_KEY_ID")
		}, deployArgs("dev"), nil, []string{"nothing was started", "go is not in PATH", "there are no AWS credentials", "terraform is not in PATH"}},
		"old terraform": {func(_ *testing.T, w *world) { w.env["FAKE_TERRAFORM_VERSION"] = "1.9.8" }, deployArgs("dev"), nil,
			[]string{"terraform 1.9.8 is too old: install 1.11 or later"}},
		"failed build": {func(t *testing.T, w *world) { w.replace(t, "go", "/bin/false") }, deployArgs("dev"), nil,
			[]string{"build failed: go build for arm64", "State: nothing was changed; version 7 serves.", "Next:  mend it, then go tool mage deploy dev"}},
		"locked state": {func(_ *testing.T, w *world) {
			w.env["FAKE_FAILS"] = "apply"
			w.env["FAKE_SAYS"] = "Error: Error acquiring the state lock\nLock Info:\n  ID:        1234-abcd\n  Path:      rifaapp-state-123456789012/dev/api/terraform.tfstate\n  Who:       luz@laptop\n  Created:   2026-11-25 10:00:00.1 +0000 UTC\n"
		}, deployArgs("dev"), before[:2], []string{"the state is locked by luz@laptop since 2026-11-25 10:00:00.1 (unit api, lock 1234-abcd)", "run --working-dir infra/envs/dev/.terragrunt-stack/rifaapp/.terragrunt-stack/api -- force-unlock 1234-abcd", "no traffic was moved; version 7 serves.", "which goes on from there"}},
		"failed plan": {func(_ *testing.T, w *world) {
			w.env["FAKE_FAILS"], w.env["FAKE_SAYS"] = "plan", "Error: capacity.max must be a number"
		}, deployArgs("dev"), before[:1], []string{"plan failed: terragrunt plan failed: capacity.max must be a number", "State: nothing was changed; version 7 serves.", "deploy-dev.log"}},
		"session expires on the way": {func(_ *testing.T, w *world) {
			w.env["FAKE_FAILS"], w.env["FAKE_SAYS"] = "apply", "Error: reading: ExpiredToken: the token is expired"
		}, deployArgs("dev"), before[:2], []string{"the AWS session expired during apply: sign in again (aws sso login), then repeat it"}},
		"session expires before the shift": {func(_ *testing.T, w *world) { w.expires = true }, deployArgs("dev"), append(slices.Clone(before), "migrate by 8", "smoke test"),
			[]string{"version 7 still serves", "ExpiredTokenException", "Next:  aws sso login, then repeat it"}},
		"failed migration": {func(_ *testing.T, w *world) {
			w.migrator = `{"errorMessage":"buying: column \"price\" does not exist"}`
		}, deployArgs("dev"),
			append(slices.Clone(before), "migrate by 8"),
			[]string{`the migration failed: buying: column "price" does not exist`, "the new code is uploaded and gets no traffic; version 7 serves. A change that failed was rolled back whole", "mend the change, then go tool mage deploy dev"}},
		"failed smoke test": {func(_ *testing.T, w *world) { w.broken["/rifaapp/ready"] = "The database has not all migrations." }, deployArgs("dev"),
			append(slices.Clone(before), "migrate by 8", "smoke test"),
			[]string{"smoke test failed: version 8 answers GET /rifaapp/ready with 503: The database has not all migrations.", "gets no traffic; version 7 serves."}},
		"another commit": {func(_ *testing.T, w *world) { w.commit = "0000000" }, deployArgs("dev"), append(slices.Clone(before), "migrate by 8", "smoke test"),
			[]string{"version 8 was built from commit 0000000, not from"}},
		"alarm before": {func(_ *testing.T, w *world) { w.alarm = true }, deployArgs("dev"), append(slices.Clone(before), "migrate by 8", "smoke test"),
			[]string{"version 7 serves, so nothing was shifted: the alarm went off: rifaapp-dev-canary-5xx (too many 5xx)", "-watch=0s"}},
		"alarm during the canary": {func(_ *testing.T, w *world) { w.loud = true }, deployArgs("dev"),
			append(slices.Clone(before), "migrate by 8", "smoke test", "dev-api at 7, 8 gets 0.1", "dev-api at 7"),
			[]string{"version 8 was called back, version 7 serves everything: the alarm went off: rifaapp-dev-canary-5xx", "go tool mage status dev"}},
		"public address astray": {func(_ *testing.T, w *world) { w.astray = true }, deployArgs("dev"),
			append(slices.Clone(before), "migrate by 8", "smoke test", "dev-api at 7, 8 gets 0.1", "dev-api at 8", "dev-migrator at 8", "dev-api at 7"),
			[]string{`answers commit "another", not`, "version 7 serves everything again"}},
		"closed public address astray": {func(_ *testing.T, w *world) { w.astray, w.env["FAKE_GATEWAY"] = true, closedDomain }, deployArgs("dev"),
			append(slices.Clone(before), "migrate by 8", "smoke test", "dev-api at 7, 8 gets 0.1", "dev-api at 8", "dev-migrator at 8", "dev-api at 7"),
			[]string{"make the DNS record", " CNAME d-x.example (in Route 53 an alias to it, zone Z0X)", "version 7 serves everything again"}},
		"deployment under way": {func(_ *testing.T, w *world) { w.canary() }, deployArgs("dev"), append(slices.Clone(before), "migrate by 8", "smoke test"),
			[]string{"another deployment is under way: version 7 serves 90 %, version 6 10 %"}},
		"new code without functions": {func(_ *testing.T, w *world) { clear(w.aliases) }, deployArgs("--lambda-only", "dev"), nil,
			[]string{"dev has no functions yet; deploy it whole first"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.spoil != nil {
				c.spoil(t, w)
			}
			said, ok := w.run(t, "", c.args...)
			if ok {
				t.Errorf("no failure:\n%s", said)
			}
			contains(t, said, c.says...)
			if got := w.happened(); !slices.Equal(got, c.happened) {
				t.Errorf("happened %q\nwant     %q", got, c.happened)
			}
			if alias := w.aliases["rifaapp-dev-api"]; alias != nil && alias.FunctionVersion != "7" {
				t.Errorf("version %s serves", alias.FunctionVersion)
			}
			if strings.Contains(said, "panic") {
				t.Error(said)
			}
		})
	}
}

// Until somebody has made the record of a domain nobody is found there. That is not the new version's fault.
func TestDomainWithoutARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.astray, w.env["FAKE_GATEWAY"] = true, domain
	said, ok := w.run(t, "", deployArgs("dev")...)
	if ok {
		t.Error("no failure")
	}
	contains(t, said, "where it is missing, make the DNS record "+strings.TrimPrefix(w.url, "https://")+" CNAME d-x.example (in Route 53 an alias to it, zone Z0X)",
		"version 8 goes on serving, it answers at "+w.url+"/execute-api")
	if alias := w.aliases["rifaapp-dev-api"]; alias.FunctionVersion != "8" {
		t.Errorf("version %s serves", alias.FunctionVersion)
	}
}

// A new environment has no version that could take over, and says so instead.
func TestFirstDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.aliases, "rifaapp-dev-api")
	w.migrator = `{"errorMessage":"no"}`
	said, ok := w.run(t, "", deployArgs("dev")...)
	if ok {
		t.Error("no failure")
	}
	contains(t, said, "nothing is served there yet", "State: the environment is there but not ready, nobody is served.")
}

func (w *world) replace(t *testing.T, program, by string) {
	t.Helper()
	path := filepath.Join(w.bin, program)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(by, path); err != nil {
		t.Fatal(err)
	}
}

// canary lets version 6 have a share, as somebody else's deployment would.
func (w *world) canary() {
	w.aliases["rifaapp-dev-api"].RoutingConfig.AdditionalVersionWeights = map[string]float64{"6": 0.1}
}

// Secrets that have a value keep it, and nobody is shown one.
func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secrets["migrator"] = "mine"
	said, ok := w.run(t, "", deployArgs("dev")...)
	if !ok {
		t.Fatal(said)
	}
	contains(t, said, "made JWT_KEYS of api; roles in place")
	if w.secrets["migrator"] != "mine" || w.secrets["api"] == "" || strings.Contains(said, w.secrets["api"]) {
		t.Errorf("secrets are %d and %d bytes long; said\n%s", len(w.secrets["api"]), len(w.secrets["migrator"]), said)
	}
}

// Ctrl-C in the worst moment, while the canary is being let in: it is called back all the same.
func TestInterruptedCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	command, out := w.command(t, "deploy", "--watch", "1h", "--every", "5ms", "--lambda-only", "dev")
	w.onCanary = func() { _ = command.Process.Signal(os.Interrupt) }
	if err := command.Run(); err == nil {
		t.Error("no failure")
	}
	contains(t, out.String(), "version 8 was called back, version 7 serves everything")
	if got := w.happened(); !slices.Equal(got[len(got)-2:], []string{"dev-api at 7, 8 gets 0.1", "dev-api at 7"}) {
		t.Errorf("happened %q", got)
	}
}

// What Terragrunt says is in a file; where the file would be lost, also in what the command says.
func TestLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["FAKE_FAILS"], w.env["FAKE_SAYS"] = "apply", "Error: one\nand all about it"
	said, _ := w.run(t, "", deployArgs("dev")...)
	log, err := os.ReadFile(filepath.Join(w.checkout, ".rifaapp", "deploy-dev.log"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(log), "and all about it", "matches the configuration")
	if strings.Contains(said, "and all about it") {
		t.Errorf("the log is on the terminal:\n%s", said)
	}
	w.env["CI"] = "true"
	said, _ = w.run(t, "", deployArgs("dev")...)
	contains(t, said, "and all about it")
}
