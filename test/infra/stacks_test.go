package infra

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/gruntwork-io/terratest/modules/terragrunt"

	"github.com/rifaapp/rifaapp/infra/deploy/stack"
	"github.com/rifaapp/rifaapp/infra/tools"
)

// units of an environment, each below those it stands on.
var units = []string{"network", "database", "migrator", "api", "gateway", "observability"}

// generated is where `terragrunt stack generate` puts a unit of an environment.
func generated(env, unit string) string {
	return filepath.Join("envs", env, stack.Folder(unit))
}

// stack is an environment for terratest, offline: nothing asks AWS anything. It skips the test where Terragrunt is missing.
func (w workplace) stack(t *testing.T, env string) *terragrunt.Options {
	t.Helper()
	binary, ok := tools.FindTerragrunt(t.Context(), "../../.rifaapp/tools")
	if !ok {
		t.Skip("terragrunt 1.0 is neither in PATH nor in .rifaapp/tools: `go tool mage tools` builds it")
	}
	vars := maps.Clone(w.env)
	vars["RIFAAPP_INFRA_OFFLINE"] = "true"
	return &terragrunt.Options{TerragruntBinary: binary, TerragruntDir: w.path("envs", env), EnvVars: vars, Logger: logger.Discard}
}

func TestTerragruntFormat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	options := w.stack(t, "dev")
	out, err := w.run(t.Context(), ".", options.TerragruntBinary, "hcl", "fmt", "--check", "--diff")
	if err != nil {
		t.Errorf("run terragrunt hcl fmt in infra (%v):\n%s", err, out)
	}
}

// TestStacks generates each environment and validates what comes out.
func TestStacks(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"dev", "prod"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			options := w.stack(t, env)
			if out, err := terragrunt.StackGenerateContextE(t, t.Context(), options); err != nil {
				t.Fatalf("stack generate: %v\n%s", err, out)
			}
			if out, err := w.run(t.Context(), filepath.Join("envs", env), options.TerragruntBinary, "hcl", "validate"); err != nil {
				t.Fatalf("hcl validate: %v\n%s", err, out)
			}
			for _, unit := range units {
				if _, err := os.Stat(w.path(generated(env, unit), "terragrunt.hcl")); err != nil {
					t.Errorf("the stack has no unit %s: %v", unit, err)
				}
			}
			checkState(t, w, options.TerragruntBinary, env)
		})
	}
}

// checkState reads what a unit would be given with an account: where its state lies and which account it may touch.
func checkState(t *testing.T, w workplace, binary, env string) {
	t.Helper()
	out, err := w.run(t.Context(), generated(env, "network"), binary, "render", "--format", "json", "--log-level", "error")
	if err != nil {
		t.Fatalf("render: %v\n%s", err, out)
	}
	var unit struct {
		RemoteState struct {
			Backend string
			Config  map[string]any
		} `json:"remote_state"`
		Generate map[string]struct{ Contents string }
		Inputs   map[string]any
	}
	if err := json.Unmarshal([]byte(out), &unit); err != nil {
		t.Fatalf("render: %v\n%s", err, out)
	}
	account, _ := unit.Inputs["account_id"].(string)
	want := map[string]any{
		"bucket": "rifaapp-state-" + account, "key": env + "/network/terraform.tfstate", "region": "us-east-1", "encrypt": true, "use_lockfile": true,
		"kms_key_id": "arn:aws:kms:us-east-1:" + account + ":alias/rifaapp-state",
	}
	if unit.RemoteState.Backend != "s3" || !maps.Equal(unit.RemoteState.Config, want) {
		t.Errorf("state lies in %s %v; want s3 %v", unit.RemoteState.Backend, unit.RemoteState.Config, want)
	}
	if boundary := "arn:aws:iam::" + account + ":policy/rifaapp-boundary-" + env; unit.Inputs["permissions_boundary_arn"] != boundary {
		t.Errorf("roles get the boundary %v; want %s", unit.Inputs["permissions_boundary_arn"], boundary)
	}
	provider := unit.Generate["provider"].Contents
	if account == "" || !strings.Contains(provider, `allowed_account_ids = ["`+account+`"]`) || strings.Contains(provider, "skip_") {
		t.Errorf("the provider must refuse every account but %q, and skip no check:\n%s", account, provider)
	}
}

// TestForceUnlock: a lock can be lifted where nothing was applied yet, which is where a first deployment was killed.
func TestForceUnlock(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.attach(t)
	options := w.stack(t, "dev")
	w.env["RIFAAPP_INFRA_OFFLINE"] = "true"
	if out, err := w.run(t.Context(), ".", options.TerragruntBinary, "stack", "generate", "--working-dir", "envs/dev"); err != nil {
		t.Fatalf("stack generate: %v\n%s", err, out)
	}
	out, err := w.run(t.Context(), ".", options.TerragruntBinary, "run", "--working-dir", generated("dev", "api"), "--", "force-unlock", "-force", "7d4e-11")
	if err == nil || !strings.Contains(out, "LocalState not locked") { // offline there is no lock; what counts is that Terraform looked for it
		t.Errorf("force-unlock: %v\n%s", err, out)
	}
}

// TestMockOutputsMakeNothing: an invented value must never reach an apply. Destroying may use it, and lifting a lock, or an
// environment whose deployment stopped halfway could not be removed: what was not made has no outputs.
func TestMockOutputsMakeNothing(t *testing.T) {
	t.Parallel()
	for _, unit := range units {
		text, err := os.ReadFile(filepath.Join("../../infra/units", unit, "terragrunt.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		mocks := strings.Count(string(text), "mock_outputs = {")
		bound := strings.Count(string(text), `mock_outputs_allowed_terraform_commands = ["validate", "plan", "destroy", "force-unlock"]`)
		if dependencies := strings.Count(string(text), "\ndependency \""); mocks != dependencies || bound != mocks {
			t.Errorf("%s: %d dependencies, %d of them mocked, %d of those for validate, plan, destroy and force-unlock only", unit, dependencies, mocks, bound)
		}
	}
}

// TestStackPlan plans a whole environment with the real provider and no account: the real policies, routes and settings.
// It is prod, where a mistake costs most; dev differs by values and has its turn in the large size.
func TestStackPlan(t *testing.T) {
	t.Parallel()
	environments := []string{"prod"}
	if os.Getenv("RIFAAPP_SOAK") == "1" {
		environments = append(environments, "dev")
	}
	for _, env := range environments {
		t.Run(env, func(t *testing.T) { checkPlan(t, env) })
	}
}

func checkPlan(t *testing.T, env string) {
	t.Helper()
	w := setup(t)
	w.configure(t)
	options := w.stack(t, env)
	plans := t.TempDir()
	options.TerraformArgs = []string{"plan", "--parallelism", "1", "--out-dir", plans, "--json-out-dir", plans}
	if out, err := terragrunt.StackRunContextE(t, t.Context(), options); err != nil {
		t.Fatalf("stack run plan: %v\n%s", err, out)
	}
	all := map[string]*terraform.PlanStruct{}
	for _, unit := range units {
		text, err := os.ReadFile(filepath.Join(plans, strings.TrimPrefix(generated(env, unit), filepath.Join("envs", env)), "tfplan.json"))
		if err != nil {
			t.Fatal(err)
		}
		if all[unit], err = terraform.ParsePlanJSON(string(text)); err != nil {
			t.Fatal(err)
		}
		t.Run(unit, func(t *testing.T) {
			checkPolicies(t, all[unit])
			checkTags(t, all[unit], env, unit)
		})
	}
	t.Run("routes are the document's", func(t *testing.T) { checkRoutes(t, w, all["gateway"]) })
	t.Run("no way out", func(t *testing.T) { checkNoWayOut(t, all["network"]) })
	t.Run("alarms know the schedule", func(t *testing.T) {
		bad := map[string]float64{"dev": 1, "prod": 3}[env] // dev's clock is slower than a minute
		if got := planned(t, all["observability"], `aws_cloudwatch_metric_alarm.this["schedule-failing"]`)["datapoints_to_alarm"]; got != bad {
			t.Errorf("schedule-failing goes off after %v bad minutes, want %v", got, bad)
		}
	})
	t.Run("only production is protected", func(t *testing.T) {
		cluster := planned(t, all["database"], "aws_rds_cluster.this[0]")
		production := env == "prod"
		if cluster["deletion_protection"] != production || cluster["skip_final_snapshot"] == production || cluster["storage_encrypted"] != true {
			t.Errorf("cluster: %v", cluster)
		}
	})
}

// TestDestroyWhatIsNotThere: an environment whose deployment stopped halfway can be removed, here at its very beginning.
func TestDestroyWhatIsNotThere(t *testing.T) {
	t.Parallel()
	if os.Getenv("RIFAAPP_SOAK") != "1" {
		t.Skip("a large size, half a minute of both cores: go tool mage soak")
	}
	w := setup(t)
	w.configure(t)
	options := w.stack(t, "dev")
	options.TerraformArgs = []string{"destroy", "--parallelism", "1"}
	if out, err := terragrunt.StackRunContextE(t, t.Context(), options); err != nil || strings.Count(out, "Resources: 0 destroyed") != len(units) {
		t.Errorf("stack run destroy: %v\n%s", err, out)
	}
}

// planned is what a plan would make of one resource.
func planned(t *testing.T, plan *terraform.PlanStruct, address string) map[string]any {
	t.Helper()
	resource, ok := plan.ResourcePlannedValuesMap[address]
	if !ok {
		t.Fatalf("the plan has no %s", address)
	}
	return resource.AttributeValues
}

// checkTags: the deploying role recognises the environment's key by its tag.
func checkTags(t *testing.T, plan *terraform.PlanStruct, env, unit string) {
	t.Helper()
	for address, resource := range plan.ResourcePlannedValuesMap {
		tags, ok := resource.AttributeValues["tags_all"].(map[string]any)
		if ok && (tags["rifaapp:environment"] != env || tags["rifaapp:unit"] != unit) {
			t.Errorf("%s: tags %v", address, tags)
		}
	}
}

func checkNoWayOut(t *testing.T, plan *terraform.PlanStruct) {
	t.Helper()
	for address, resource := range plan.ResourcePlannedValuesMap {
		if resource.Type == "aws_vpc_security_group_egress_rule" || resource.Type == "aws_vpc_security_group_ingress_rule" {
			if resource.AttributeValues["cidr_ipv4"] != nil || resource.AttributeValues["cidr_ipv6"] != nil {
				t.Errorf("%s names addresses; groups must name each other", address)
			}
		}
		if resource.Type == "aws_internet_gateway" || resource.Type == "aws_nat_gateway" {
			t.Errorf("%s leads to the internet", address)
		}
	}
}

var operation = regexp.MustCompile(`(?m)^  (/rifaapp\S*):\n((?:    .*\n|\n)*)`)
var method = regexp.MustCompile(`(?m)^    (get|put|post|delete|patch|head):$`)

// routePart is what API Gateway takes between two slashes of a route.
var routePart = regexp.MustCompile(`^(\{[\w.:-]+\+?\}|[a-zA-Z0-9.:_-]+)$`)

// checkRouteKey finds what only API Gateway itself refuses, and no plan.
func checkRouteKey(t *testing.T, key string) {
	t.Helper()
	if key == "$default" {
		return
	}
	_, path, ok := strings.Cut(key, " /")
	for part := range strings.SplitSeq(path, "/") {
		if !ok || !routePart.MatchString(part) {
			t.Errorf("API Gateway refuses the route %q because of its part %q", key, part)
		}
	}
}

// checkRoutes reads the document in a way of its own and compares every route with it.
func checkRoutes(t *testing.T, w workplace, plan *terraform.PlanStruct) {
	t.Helper()
	document, err := os.ReadFile(filepath.Join(w.root, "app/httpapi/openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"$default": "NONE"}
	for _, path := range operation.FindAllStringSubmatch(string(document), -1) {
		for _, m := range method.FindAllStringSubmatch(path[2], -1) {
			want[strings.ToUpper(m[1])+" "+strings.TrimSuffix(path[1], "/")] = "NONE"
		}
	}
	want["POST /rifaapp/migrations/run"] = "AWS_IAM"
	got := map[string]string{}
	for _, resource := range plan.ResourcePlannedValuesMap {
		if resource.Type == "aws_apigatewayv2_route" {
			key, _ := resource.AttributeValues["route_key"].(string)
			got[key], _ = resource.AttributeValues["authorization_type"].(string)
			checkRouteKey(t, key)
		}
	}
	if len(want) < 20 || !maps.Equal(got, want) {
		t.Errorf("routes\n%v\nwant\n%v", got, want)
	}
}
