package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// As Terragrunt 1.0 prints it.
const document = `{
  "rifaapp": {
    "api": {"function_name": "x", "secret_arns": {"JWT_KEYS": "arn:x"}},
    "database": {},
    "gateway": {"base_url": "https://x", "routes": {}}
  }
}`

func TestParse(t *testing.T) {
	t.Parallel()
	outputs, err := parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if url, err := outputs.String("gateway", "base_url"); url != "https://x" || err != nil {
		t.Errorf("base_url is %q, %v", url, err)
	}
	var secrets map[string]string
	if err := outputs.Into("api", "secret_arns", &secrets); err != nil || secrets["JWT_KEYS"] != "arn:x" {
		t.Errorf("secret_arns is %v, %v", secrets, err)
	}
	if _, err := outputs.String("database", "host"); err == nil || !strings.Contains(err.Error(), "has it been applied?") {
		t.Errorf("a missing output: %v", err)
	}
	if _, err := parse([]byte("not JSON")); err == nil {
		t.Error("a document that is no JSON is no failure")
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	said := `18:43:04.803 STDOUT [.terragrunt-stack/rifaapp/.terragrunt-stack/network] terraform: Plan: 23 to add, 0 to change, 0 to destroy.
18:43:27.321 STDOUT [.terragrunt-stack/rifaapp/.terragrunt-stack/database] terraform: Plan: 2 to import, 5 to add, 1 to change, 4 to destroy.
18:43:49.549 STDOUT [.terragrunt-stack/rifaapp/.terragrunt-stack/migrator] terraform: No changes. Your infrastructure matches the configuration.
`
	if got, want := count(said), (Changes{28, 1, 4}); got != want {
		t.Errorf("count = %v, want %v", got, want)
	}
	if got := count("nothing"); got.String() != "no changes" {
		t.Errorf("count of nothing is %q", got)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := Stack{Terragrunt: "/opt/terragrunt", Dir: filepath.Join(here, "infra", "envs", "dev")}
	const prefix = "10:00:00.000 STDERR [.terragrunt-stack/rifaapp/.terragrunt-stack/database] terraform: "
	lock := prefix + "Error: Error acquiring the state lock\n" + prefix + "Lock Info:\n" +
		prefix + "  ID:        7d4e-11\n" +
		prefix + "  Path:      rifaapp-state-123456789012/dev/database/terraform.tfstate\n" +
		prefix + "  Operation: OperationTypeApply\n" +
		prefix + "  Who:       luz@laptop\n" +
		prefix + "  Created:   2026-11-25 09:58:00.5 +0000 UTC\n"
	err = s.explain(t.Context(), "apply", lock, errors.New("exit status 1"))
	if !errors.Is(err, ErrLocked) {
		t.Errorf("a lock: %v", err)
	}
	for _, want := range []string{
		"by luz@laptop since 2026-11-25 09:58:00.5 (unit database, lock 7d4e-11)",
		"\n  /opt/terragrunt stack generate --working-dir infra/envs/dev && /opt/terragrunt run --working-dir infra/envs/dev/.terragrunt-stack/rifaapp/.terragrunt-stack/database -- force-unlock 7d4e-11",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("a lock: %v; want %q", err, want)
		}
	}
	for said, want := range map[string]string{
		"STDERR [api] terraform: Error: creating function: AccessDenied": "terragrunt apply failed: creating function: AccessDenied",
		"api error ExpiredToken: The security token is expired":          "the AWS session expired during apply",
		prefix + "Error: updating RDS Cluster (rifaapp-dev): operation error RDS: ModifyDBCluster, https response error StatusCode: 400, api error InvalidParameterValue: SecondsUntilAutoPause can only be specified when minimum capacity is 0\n":         "\n  aws rds modify-db-cluster --db-cluster-identifier rifaapp-dev --serverless-v2-scaling-configuration MinCapacity=0.5,MaxCapacity=N --apply-immediately",
		prefix + "Error: creating Secrets Manager Secret (rifaapp-dev/jwt-keys): operation error Secrets Manager: CreateSecret, InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion.\n": "\n  aws secretsmanager delete-secret --secret-id rifaapp-dev/jwt-keys --force-delete-without-recovery",
		prefix + "Error: creating CloudWatch Logs Log Group (/aws/lambda/rifaapp-dev-api): operation error CloudWatch Logs: CreateLogGroup, ResourceAlreadyExistsException: The specified log group already exists\n":                                       "\n  aws logs delete-log-group --log-group-name /aws/lambda/rifaapp-dev-api",
		"something": "terragrunt apply failed: exit status 1",
	} {
		if err := s.explain(t.Context(), "apply", said, errors.New("exit status 1")); !strings.Contains(err.Error(), want) {
			t.Errorf("%q is explained as %q, want %q", said, err, want)
		}
	}
}

// A zip that a build left behind is a change when it is deployed, and none to somebody who looks.
func TestPreviewLeavesCodeOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "terragrunt")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"compare_code=$TF_VAR_compare_code\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	said := new(strings.Builder)
	s := Stack{Terragrunt: program, Dir: dir, Out: said}
	for _, compare := range []func(context.Context) (Changes, error){s.Preview, s.Plan} {
		if _, err := compare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := "compare_code=false\ncompare_code=\n"; said.String() != want {
		t.Errorf("looking and planning say %q, want %q", said, want)
	}
}

// Ctrl-C reaches Terragrunt once, and it is waited for.
func TestInterruptIsPassedOnOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ready, heard := filepath.Join(dir, "ready"), filepath.Join(dir, "heard")
	program := filepath.Join(dir, "terragrunt")
	script := "#!/bin/sh\ntrap 'echo heard >>" + heard + "; exit 1' INT\necho >" + ready + "\nwhile :; do sleep 0.05; done\n"
	if err := errors.Join(os.WriteFile(program, []byte(script), 0o755), syscall.Mkfifo(ready, 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		_, _ = os.ReadFile(ready) // opening a pipe waits for the other end
	}()
	err := Stack{Terragrunt: program, Dir: dir, Out: new(strings.Builder)}.Apply(ctx)
	if err == nil || !strings.Contains(err.Error(), "apply was interrupted") {
		t.Errorf("err = %v", err)
	}
	if text, _ := os.ReadFile(heard); string(text) != "heard\n" {
		t.Errorf("Terragrunt heard %q", text)
	}
}
