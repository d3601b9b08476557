package infra

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terraform"
)

// withoutAccount is a provider that asks AWS nothing.
const withoutAccount = `provider "aws" {
  region                      = "us-east-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
`

// plan is what the real provider would make of a module by itself, validated first.
func (w workplace) plan(t *testing.T, module string, vars map[string]any) *terraform.PlanStruct {
	t.Helper()
	dir := filepath.Join("modules", module)
	if err := os.WriteFile(w.path(dir, "provider.tf"), []byte(withoutAccount), 0o600); err != nil {
		t.Fatal(err)
	}
	w.configure(t)
	options := &terraform.Options{TerraformDir: w.path(dir), TerraformBinary: "terraform", EnvVars: w.env, Logger: logger.Discard, NoColor: true}
	if out, err := terraform.ValidateContextE(t, t.Context(), options); err != nil {
		t.Fatalf("validate: %v\n%s", err, out)
	}
	options.Vars, options.PlanFilePath = vars, filepath.Join(t.TempDir(), "plan")
	if out, err := terraform.PlanContextE(t, t.Context(), options); err != nil {
		t.Fatalf("plan: %v\n%s", err, out)
	}
	shown, err := terraform.ShowContextE(t, t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := terraform.ParsePlanJSON(shown)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestWhoMayDeploy reads the real policies: which token of GitHub's opens which role, and what the role may do.
func TestWhoMayDeploy(t *testing.T) {
	t.Parallel()
	plan := setup(t).plan(t, "bootstrap", map[string]any{
		"account_id": "123456789012", "state_bucket": "rifaapp-state-123456789012", "environments": []string{"dev", "prod"},
		"github": map[string]any{"repository": "rifaapp/rifaapp", "repository_id": "424242"},
	})
	checkPolicies(t, plan)
	for role, environment := range map[string]string{
		`aws_iam_role.deploy["dev"]`: "dev", `aws_iam_role.plan["dev"]`: "dev-plan",
		`aws_iam_role.deploy["prod"]`: "prod", `aws_iam_role.plan["prod"]`: "prod-plan",
	} {
		checkTrust(t, plan, role, environment)
	}
	for _, address := range []string{`aws_iam_policy.network["prod"]`, `aws_iam_policy.read["prod"]`} {
		if text, _ := planned(t, plan, address)["policy"].(string); text == "" || strings.Contains(text, "rifaapp-dev") {
			t.Errorf("%s must be known, and about prod only: %s", address, text)
		}
	}
	reading, _ := planned(t, plan, `aws_iam_policy.read["dev"]`)["policy"].(string)
	for _, action := range actions(t, reading) {
		_, verb, _ := strings.Cut(action, ":")
		if !strings.HasPrefix(verb, "Describe") && !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List") && action != "apigateway:GET" {
			t.Errorf("planning may %s", action)
		}
		if action == "secretsmanager:GetSecretValue" {
			t.Error("planning may read secrets")
		}
	}
}

// checkTrust: a role opens to one repository's one environment, by audience, number and name together, whether GitHub
// writes numbers into the subject or not.
func checkTrust(t *testing.T, plan *terraform.PlanStruct, role, environment string) {
	t.Helper()
	text, _ := planned(t, plan, role)["assume_role_policy"].(string)
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(text), &policy); err != nil || len(policy.Statement) != 1 {
		t.Fatalf("%s: %v: %s", role, err, text)
	}
	const issuer = "token.actions.githubusercontent.com:"
	want := map[string]any{
		"StringEquals": map[string]any{issuer + "aud": "sts.amazonaws.com", issuer + "repository_id": "424242", issuer + "environment": environment},
		"StringLike": map[string]any{issuer + "sub": []any{
			"repo:rifaapp/rifaapp:environment:" + environment, "repo:rifaapp@*/rifaapp@424242:environment:" + environment,
		}},
	}
	if got := policy.Statement[0].Condition; !reflect.DeepEqual(got, want) {
		t.Errorf("%s opens to %v, want %v", role, got, want)
	}
	if !slices.Equal(policy.Statement[0].Action, oneOrMany{"sts:AssumeRoleWithWebIdentity"}) {
		t.Errorf("%s: %s", role, text)
	}
}

func actions(t *testing.T, text string) (all []string) {
	t.Helper()
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, s := range policy.Statement {
		all = append(all, s.Action...)
	}
	if len(all) == 0 {
		t.Fatalf("the policy allows nothing: %s", text)
	}
	return all
}

// TestBootstrapBeginsInAFile: before the bucket exists its state must lie elsewhere, and in the bucket afterwards. Host
// names come from the values of the environments.
func TestBootstrapBeginsInAFile(t *testing.T) {
	t.Parallel()
	w := setup(t)
	binary := w.stack(t, "dev").TerragruntBinary
	w.env["ENVIRONMENTS"], w.env["GITHUB_REPOSITORY"], w.env["GITHUB_REPOSITORY_ID"] = "dev,prod", "rifaapp/rifaapp", "424242"
	w.nameGateway(t, "dev", `{ name = "api.rifa.example", certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/a", zone_id = "Z0123456789" }`)
	w.nameGateway(t, "prod", `{ name = "rifa.example", certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/b" }`) // its zone is elsewhere
	type domain struct {
		Name   string
		ZoneID string `json:"zone_id"`
	}
	domains := map[string]domain{"dev": {"api.rifa.example", "Z0123456789"}}
	for first, want := range map[string]string{"true": "local", "false": "s3"} {
		w.env["FIRST"] = first
		out, err := w.run(t.Context(), "bootstrap", binary, "render", "--format", "json", "--log-level", "error")
		if err != nil {
			t.Fatalf("render: %v\n%s", err, out)
		}
		var unit struct {
			RemoteState struct{ Backend string } `json:"remote_state"`
			Inputs      struct {
				StateBucket  string `json:"state_bucket"`
				Environments []string
				Domains      map[string]domain
			}
		}
		if err := json.Unmarshal([]byte(out), &unit); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if unit.RemoteState.Backend != want || unit.Inputs.StateBucket != "rifaapp-state-000000000000" || len(unit.Inputs.Environments) != 2 || !maps.Equal(unit.Inputs.Domains, domains) {
			t.Errorf("FIRST=%s: %+v", first, unit)
		}
	}
}

// nameGateway gives an environment's gateway a domain.
func (w workplace) nameGateway(t *testing.T, env, domain string) {
	t.Helper()
	path := w.path("envs", env, "terragrunt.stack.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const gateway = "    gateway = {\n"
	if strings.Count(string(text), gateway) != 1 {
		t.Fatalf("%s has no gateway", path)
	}
	named := strings.Replace(string(text), gateway, gateway+"      domain = "+domain+"\n", 1)
	if err := os.WriteFile(path, []byte(named), 0o600); err != nil {
		t.Fatal(err)
	}
}
