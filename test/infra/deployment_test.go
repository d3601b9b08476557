package infra

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/gruntwork-io/terratest/modules/terragrunt"

	"github.com/rifaapp/rifaapp/infra/deploy/account"
	"github.com/rifaapp/rifaapp/infra/deploy/environment"
	"github.com/rifaapp/rifaapp/infra/deploy/release"
)

// What asks for a deployment. Both cost: the first money, the second an emulator.
const (
	envAccount  = "RIFAAPP_TEST_ACCOUNT" // id of a prepared AWS account, with an administrator's credentials for it
	envEndpoint = "AWS_ENDPOINT_URL"     // an AWS-compatible server
)

// TestDeployment brings dev up in an account under a random name with the very program behind `mage deploy`, tries it
// from outside, and destroys it whatever happens, with an administrator's credentials: about 40 minutes and 1 USD. `go test ./test/infra -run
// TestDeployment -timeout 2h -v` with RIFAAPP_TEST_ACCOUNT runs it.
func TestDeployment(t *testing.T) {
	t.Parallel()
	id := os.Getenv(envAccount)
	if id == "" {
		t.Skip("no account to deploy into: set " + envAccount + " to the id of a prepared one (infra/README.md) and give an administrator's credentials for it")
	}
	if os.Getenv(envEndpoint) != "" {
		t.Skip(envEndpoint + " is set: TestDeploymentOnEmulator is about that")
	}
	w := setup(t)
	name := "t" + strings.ToLower(rand.Text()[:7])
	w.copyOfDev(t, name, id)
	d := deployment{workplace: w, name: name, program: buildDeploy(t), terragrunt: w.stack(t, name).TerragruntBinary}

	d.makeBoundary(t)
	t.Cleanup(func() { d.destroy(t) }) // before anything is made: a deployment that fails halfway has made some
	d.run(t, "", "deploy", "--watch", "0s", name)
	t.Run("end to end", func(t *testing.T) { d.endToEnd(t) })
	t.Run("database not reachable from outside", func(t *testing.T) { d.databaseIsPrivate(t) })
	t.Run("migrations route refuses without IAM", func(t *testing.T) { d.migrationsRefuse(t) })
	t.Run("canary rolls back on alarm", func(t *testing.T) { d.canaryRollsBack(t) })
}

// copyOfDev writes the values of an environment like dev into the copy of infra/.
func (w workplace) copyOfDev(t *testing.T, name, accountID string) {
	t.Helper()
	text, err := os.ReadFile(w.path("envs", "dev", "terragrunt.stack.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	values := string(text)
	for pattern, with := range map[string]string{
		`environment( +)= "dev"`: `environment$1= "` + name + `"`, `account_id( +)= "\d+"`: `account_id$1= "` + accountID + `"`,
		`cidr( +)= "[0-9./]+"`: `cidr$1= "10.77.0.0/20"`,
	} {
		replaced := regexp.MustCompile(pattern).ReplaceAllString(values, with)
		if replaced == values {
			t.Fatalf("dev's values have nothing like %s", pattern)
		}
		values = replaced
	}
	dir := w.path("envs", name)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "terragrunt.stack.hcl"), []byte(values), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// makeBoundary gives the environment of the test the boundary that bootstrap makes for those it knows, a copy of dev's
// under its own name. It is deleted at the end, after the roles that carry it.
func (d deployment) makeBoundary(t *testing.T) {
	t.Helper()
	values, err := environment.Load(d.path(), d.name)
	if err != nil {
		t.Fatal(err)
	}
	session, err := account.Open(t.Context(), values)
	if err != nil {
		t.Fatal(err)
	}
	client, prefix := iam.NewFromConfig(session), "rifaapp-boundary-"
	arn := func(name string) *string {
		return aws.String("arn:aws:iam::" + values.AccountID + ":policy/" + prefix + name)
	}
	policy, err := client.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: arn("dev")})
	if err != nil {
		t.Fatalf("%v\nthe account must be prepared with dev among ENVIRONMENTS (infra/README.md), and the credentials be an administrator's", err)
	}
	version, err := client.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: arn("dev"), VersionId: policy.Policy.DefaultVersionId})
	if err != nil {
		t.Fatal(err)
	}
	document, err := url.QueryUnescape(aws.ToString(version.PolicyVersion.Document))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String(prefix + d.name), PolicyDocument: aws.String(boundaryOfDev(document, d.name)),
		Description: aws.String("The most any role of a test's environment may ever do"),
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Not t.Context(), which has ended.
		if _, err := client.DeletePolicy(context.Background(), &iam.DeletePolicyInput{PolicyArn: arn(d.name)}); err != nil {
			t.Errorf("%v\n%s was left behind", err, aws.ToString(arn(d.name)))
		}
	})
}

// boundaryOfDev turns dev's boundary into that of another environment: names begin with it, tags are equal to it.
func boundaryOfDev(document, name string) string {
	return strings.NewReplacer(`rifaapp-dev`, `rifaapp-`+name, `"dev"`, `"`+name+`"`).Replace(document)
}

// TestCopyOfDev: what TestDeployment deploys is dev under another name, in the account it was given.
func TestCopyOfDev(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.copyOfDev(t, "tabc123", "123456789012")
	got, err := environment.Load(w.path(), "tabc123")
	if err != nil || got.AccountID != "123456789012" || got.Region != "us-east-1" || got.Production {
		t.Fatalf("%+v, %v", got, err)
	}
	options := w.stack(t, "tabc123")
	if out, err := terragrunt.StackGenerateContextE(t, t.Context(), options); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := w.run(t.Context(), generated("tabc123", "network"), options.TerragruntBinary, "render", "--format", "json", "--log-level", "error")
	if err != nil || !strings.Contains(out, `"tabc123/network/terraform.tfstate"`) || !strings.Contains(out, `"name":"rifaapp-tabc123"`) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// deployment is one environment that a test brought up.
type deployment struct {
	workplace
	name, program, terragrunt string
}

func buildDeploy(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "deploy")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../infra/deploy").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// run runs `deploy COMMAND` on the copy of infra/ and returns what it printed.
func (d deployment) run(t *testing.T, typed, command string, args ...string) string {
	t.Helper()
	// Not t.Context(): destroying happens when that has ended.
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, d.program, append([]string{command, "--infra-dir", d.path()}, args...)...)
	run.Stdin, run.Env = strings.NewReader(typed), os.Environ()
	for name, value := range d.env {
		run.Env = append(run.Env, name+"="+value)
	}
	out, err := run.CombinedOutput()
	t.Logf("deploy %s:\n%s", command, out)
	if err != nil {
		t.Fatalf("deploy %s: %v", command, err)
	}
	return string(out)
}

func (d deployment) destroy(t *testing.T) {
	t.Helper()
	d.run(t, d.name+"\n", "destroy", d.name)
}

// output is one output of one unit.
func (d deployment) output(t *testing.T, unit, name string) string {
	t.Helper()
	return strings.TrimSpace(d.run(t, "", "outputs", d.name, unit+"."+name))
}

func (d deployment) endToEnd(t *testing.T) {
	url := d.output(t, "gateway", "base_url") + "/rifaapp"
	test := exec.CommandContext(t.Context(), "go", "test", "-count=1", "../e2e")
	test.Env = append(os.Environ(), "RIFAAPP_URL="+url)
	if out, err := test.CombinedOutput(); err != nil {
		t.Errorf("test/e2e on %s: %v\n%s", url, err, out)
	}
}

// databaseIsPrivate: the name leads to private addresses only, and nothing answers there.
func (d deployment) databaseIsPrivate(t *testing.T) {
	host, port := d.output(t, "database", "host"), d.output(t, "database", "port")
	addresses, err := net.DefaultResolver.LookupIP(t.Context(), "ip", host)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(addresses, func(ip net.IP) bool { return !ip.IsPrivate() }) {
		t.Errorf("%s has public addresses: %v", host, addresses)
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port)); err == nil {
		connection.Close()
		t.Errorf("%s:%s answers from outside", host, port)
	}
}

func (d deployment) migrationsRefuse(t *testing.T) {
	answer, err := http.Post(d.output(t, "gateway", "migrations_url"), "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("without a signature the migrations route answers %s, want 403", answer.Status)
	}
}

// canaryRollsBack publishes a version, gives it a tenth of the traffic, and sets off an alarm as a bad version would.
func (d deployment) canaryRollsBack(t *testing.T) {
	ctx := t.Context()
	values, err := environment.Load(d.path(), d.name)
	if err != nil {
		t.Fatal(err)
	}
	session, err := account.Open(ctx, values)
	if err != nil {
		t.Fatal(err)
	}
	functions, alarms := lambda.NewFromConfig(session), cloudwatch.NewFromConfig(session)
	alias := release.Alias{Client: functions, Function: d.output(t, "api", "function_name"), Name: "live"}
	before, err := alias.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	canary := release.Canary{Client: alarms, Alarm: d.output(t, "observability", "canary_alarm_name"), Watch: 5 * time.Minute, Every: 5 * time.Second}
	err = alias.Shift(ctx, publish(t, functions, alias.Function), 0.1, func(ctx context.Context) error {
		if _, err := alarms.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: aws.String(canary.Alarm + "-5xx"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("a test sets it off"),
		}); err != nil {
			t.Error(err)
		}
		return canary.Look(ctx)
	})
	if err == nil || !strings.Contains(err.Error(), "was called back") {
		t.Errorf("the canary stayed: %v", err)
	}
	after, err := alias.State(ctx)
	if err != nil || after.Version != before.Version || len(after.Shares) != 0 {
		t.Errorf("%+v, %v; want version %s to serve everything", after, err, before.Version)
	}
}

// publish makes a version that differs from the one before by its description.
func publish(t *testing.T, client *lambda.Client, function string) string {
	t.Helper()
	if _, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &function, Description: aws.String(fmt.Sprint("canary of a test, ", time.Now())),
	}); err != nil {
		t.Fatal(err)
	}
	ready := lambda.NewFunctionUpdatedV2Waiter(client)
	if err := ready.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &function}, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	published, err := client.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: &function})
	if err != nil {
		t.Fatal(err)
	}
	active := lambda.NewFunctionActiveV2Waiter(client)
	if err := active.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &function, Qualifier: published.Version}, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	return aws.ToString(published.Version)
}
