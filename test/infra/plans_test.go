package infra

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	w := setup(t)
	w.makeStateKey(t)
	plan := w.plan(t, "bootstrap", map[string]any{
		"account_id": "123456789012", "state_bucket": "rifaapp-state-123456789012", "environments": []string{"dev", "prod", "exhibition"},
		"github":  map[string]any{"repository": "rifaapp/rifaapp", "repository_id": "424242"},
		"domains": map[string]any{"exhibition": map[string]any{"name": "raffles.exhibition.some-organiser.example", "zone_id": "Z0123456789ABCDEFGHIJ"}},
	})
	checkPolicies(t, plan)
	checkSizes(t, plan)
	checkMayDo(t, plan)
	checkBoundary(t, plan)
	for role, environment := range map[string]string{
		`aws_iam_role.deploy["dev"]`: "dev", `aws_iam_role.plan["dev"]`: "dev-plan",
		`aws_iam_role.deploy["prod"]`: "prod", `aws_iam_role.plan["prod"]`: "prod-plan",
	} {
		checkTrust(t, plan, role, environment)
	}
	for _, name := range whole {
		address := fmt.Sprintf("aws_iam_policy.%s[%q]", name, "prod")
		if text := policy(t, plan, address); strings.Contains(text, "rifaapp-dev") || strings.Contains(text, `"dev"`) {
			t.Errorf("%s must be about prod only: %s", address, text)
		}
	}
	for _, action := range actions(t, policy(t, plan, `aws_iam_policy.read["dev"]`)) {
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
	statements := parse(t, text)
	if len(statements) != 1 {
		t.Fatalf("%s: %s", role, text)
	}
	const issuer = "token.actions.githubusercontent.com:"
	want := map[string]any{
		"StringEquals": map[string]any{issuer + "aud": "sts.amazonaws.com", issuer + "repository_id": "424242", issuer + "environment": environment},
		"StringLike": map[string]any{issuer + "sub": []any{
			"repo:rifaapp/rifaapp:environment:" + environment, "repo:rifaapp@*/rifaapp@424242:environment:" + environment,
		}},
	}
	if got := statements[0].Condition; !reflect.DeepEqual(got, want) {
		t.Errorf("%s opens to %v, want %v", role, got, want)
	}
	if !slices.Equal(statements[0].Action, oneOrMany{"sts:AssumeRoleWithWebIdentity"}) {
		t.Errorf("%s: %s", role, text)
	}
}

// whole are the policies of an environment, all of which the plan must know.
var whole = []string{"read", "network", "services", "data", "state", "plan_state", "boundary"}

// makeStateKey gives the key of the state an ARN before it is made, so that a plan knows the policies that name it.
func (w workplace) makeStateKey(t *testing.T) {
	t.Helper()
	path := w.path("modules", "bootstrap", "state.tf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	made := strings.ReplaceAll(string(text), "aws_kms_key.state.arn", `"arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"`)
	if made == string(text) {
		t.Fatalf("%s no longer says what is replaced here", path)
	}
	if err := os.WriteFile(path, []byte(made), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkSizes: IAM refuses a managed policy of more than 6 144 characters without white space, and a trust policy of more
// than 2 048. They are counted in the region with the longest name.
func checkSizes(t *testing.T, plan *terraform.PlanStruct) {
	t.Helper()
	for _, kind := range []struct {
		attribute    string
		limit, count int // of three environments
	}{{"policy", 6144, 3 * len(whole)}, {"assume_role_policy", 2048, 3 * 2}} {
		counted := 0
		for address, resource := range plan.ResourcePlannedValuesMap {
			text, ok := resource.AttributeValues[kind.attribute].(string)
			if !ok || !strings.HasPrefix(resource.Type, "aws_iam_") {
				continue
			}
			var short bytes.Buffer
			if err := json.Compact(&short, []byte(strings.ReplaceAll(text, "us-east-1", "ap-southeast-1"))); err != nil {
				t.Fatalf("%s: %v", address, err)
			}
			counted++
			if short.Len() > kind.limit {
				t.Errorf("%s has %d characters, IAM takes %d", address, short.Len(), kind.limit)
			}
		}
		if counted != kind.count {
			t.Errorf("the plan knows %d of the attributes %s, want %d", counted, kind.attribute, kind.count)
		}
	}
}

// checkMayDo: what AWS asks of whoever deploys, on the very resources that it asks about.
func checkMayDo(t *testing.T, plan *terraform.PlanStruct) {
	t.Helper()
	const rds = "arn:aws:rds:us-east-1:123456789012:"
	for _, c := range []struct {
		policy, action string
		resources      []string
	}{
		{"data", "rds:CreateDBCluster", []string{rds + "cluster:rifaapp-dev", rds + "cluster-pg:default.aurora-postgresql15", rds + "subgrp:rifaapp-dev"}},
		{"data", "rds:ModifyDBCluster", []string{rds + "cluster:rifaapp-dev", rds + "cluster-pg:default.aurora-postgresql15"}},
		{"data", "rds:CreateDBInstance", []string{rds + "db:rifaapp-dev-1", rds + "pg:default.aurora-postgresql15", rds + "og:default:aurora-postgresql-15"}},
		{"data", "rds:ModifyDBInstance", []string{rds + "db:rifaapp-dev-1", rds + "pg:default.aurora-postgresql15", rds + "og:default:aurora-postgresql-15"}},
		{"services", "cloudwatch:PutCompositeAlarm", []string{"*"}},
		{"network", "route53:AssociateVPCWithHostedZone", []string{"arn:aws:route53:::hostedzone/Z1", "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1"}},
	} {
		allowed := statements(t, policy(t, plan, fmt.Sprintf("aws_iam_policy.%s[%q]", c.policy, "dev")), c.action)
		for _, resource := range c.resources {
			if !slices.ContainsFunc(allowed, func(s statement) bool { return len(s.Condition) == 0 && s.covers(resource) }) {
				t.Errorf("who deploys may not %s on %s", c.action, resource)
			}
		}
	}
	// Environments of one account are told apart by tag where names cannot.
	const tag = "aws:ResourceTag/rifaapp:environment"
	for _, c := range []struct{ policy, action, test string }{
		{"network", "ec2:CreateTags", "StringEqualsIfExists"},
		{"network", "ec2:AuthorizeSecurityGroupIngress", "StringEqualsIfExists"},
		{"network", "ec2:DeleteVpc", "StringEqualsIfExists"},
		{"network", "kms:TagResource", "StringEqualsIfExists"},
		{"network", "kms:PutKeyPolicy", "StringEquals"},
		{"services", "apigateway:PATCH", "StringEqualsIfExists"},
		{"services", "apigateway:TagResource", "StringEqualsIfExists"},
	} {
		for _, s := range statements(t, policy(t, plan, fmt.Sprintf("aws_iam_policy.%s[%q]", c.policy, "dev")), c.action) {
			if condition, _ := s.Condition[c.test].(map[string]any); condition[tag] != "dev" {
				t.Errorf("who deploys dev may %s on what is another environment's: %v", c.action, s)
			}
		}
	}
	if tags, _ := planned(t, plan, "aws_kms_key.state")["tags"].(map[string]any); tags["rifaapp:environment"] != "bootstrap" {
		t.Errorf("the key of the state could be tagged as an environment's: %v", tags)
	}
}

// checkBoundary: a role of dev can be given what Lambda tries before it makes a function and what flow logs need, and
// nothing of prod's.
func checkBoundary(t *testing.T, plan *terraform.PlanStruct) {
	t.Helper()
	text := policy(t, plan, `aws_iam_policy.boundary["dev"]`)
	const ec2, logs, secrets = "arn:aws:ec2:us-east-1:123456789012:", "arn:aws:logs:us-east-1:123456789012:log-group:", "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
	for _, c := range []struct {
		action, resource string
		allowed          bool
	}{
		{"ec2:DeleteNetworkInterface", ec2 + "*/*", true},
		{"ec2:AssignPrivateIpAddresses", ec2 + "*/*", true},
		{"ec2:UnassignPrivateIpAddresses", ec2 + "*/*", true},
		{"ec2:DescribeNetworkInterfaces", "*", true},
		{"logs:PutLogEvents", logs + "/aws/vpc/rifaapp-dev:log-stream:a", true},
		{"logs:DescribeLogGroups", logs + ":log-stream:", true},
		{"logs:PutLogEvents", logs + "/aws/lambda/rifaapp-prod-api:log-stream:a", false},
		{"secretsmanager:GetSecretValue", secrets + "rifaapp-dev/jwt-keys-a1b2c3", true},
		{"secretsmanager:GetSecretValue", secrets + "rifaapp-prod/jwt-keys-a1b2c3", false},
		{"secretsmanager:GetSecretValue", secrets + "rds!cluster-a1b2c3", false},
	} {
		got := slices.ContainsFunc(statements(t, text, c.action), func(s statement) bool { return len(s.Condition) == 0 && s.covers(c.resource) })
		if got != c.allowed {
			t.Errorf("a role of dev may be allowed %s on %s: %t, want %t", c.action, c.resource, got, c.allowed)
		}
	}
	for action, test := range map[string]string{"ec2:CreateNetworkInterface": "StringEqualsIfExists", "kms:Decrypt": "StringEquals"} {
		for _, s := range statements(t, text, action) {
			if condition, _ := s.Condition[test].(map[string]any); condition["aws:ResourceTag/rifaapp:environment"] != "dev" {
				t.Errorf("a role of dev may %s on what is another environment's: %v", action, s)
			}
		}
	}
	if made, copied := policy(t, plan, `aws_iam_policy.boundary["exhibition"]`), boundaryOfDev(text, "exhibition"); made != copied {
		t.Errorf("TestDeployment would give its roles the boundary\n%s\nwhere bootstrap makes\n%s", copied, made)
	}
	making := statements(t, policy(t, plan, `aws_iam_policy.data["dev"]`), "iam:CreateRole")
	want := map[string]any{"StringEquals": map[string]any{"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/rifaapp-boundary-dev"}}
	if len(making) != 1 || !reflect.DeepEqual(making[0].Condition, want) {
		t.Errorf("roles of dev are made with %v, want %v", making, want)
	}
}

// policy is the text of a policy that the plan must know.
func policy(t *testing.T, plan *terraform.PlanStruct, address string) string {
	t.Helper()
	text, _ := planned(t, plan, address)["policy"].(string)
	if text == "" {
		t.Fatalf("the plan does not know %s", address)
	}
	return text
}

// statements are those of a policy that allow an action; there must be one.
func statements(t *testing.T, text, action string) (found []statement) {
	t.Helper()
	for _, s := range parse(t, text) {
		if s.Effect == "Allow" && slices.Contains(s.Action, action) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		t.Fatalf("nothing allows %s: %s", action, text)
	}
	return found
}

func actions(t *testing.T, text string) (all []string) {
	t.Helper()
	for _, s := range parse(t, text) {
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
			RemoteState struct {
				Backend string
				Config  struct {
					KMSKey string `json:"kms_key_id"`
				}
			} `json:"remote_state"`
			Inputs struct {
				StateBucket  string `json:"state_bucket"`
				Environments []string
				Domains      map[string]domain
			}
		}
		if err := json.Unmarshal([]byte(out), &unit); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if key := "arn:aws:kms:us-east-1:000000000000:alias/rifaapp-state"; want == "s3" && unit.RemoteState.Config.KMSKey != key {
			t.Errorf("state is encrypted under %q, want %q", unit.RemoteState.Config.KMSKey, key)
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
