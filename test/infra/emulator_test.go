package infra

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terragrunt"

	"github.com/rifaapp/rifaapp/infra/build/artifact"
)

// lacking are the words in which emulators say that they do not know a call.
var lacking = regexp.MustCompile(`(?i)StatusCode: 501|not (yet )?(been )?implemented|not (currently )?supported|UnknownOperation|InvalidAction|UnknownService|license|pro (feature|version)`)

// TestDeploymentOnEmulator applies dev unit by unit to what AWS_ENDPOINT_URL leads to. A unit that needs a call the
// emulator does not know is skipped by name, and so are those that stand on it; any other failure is one.
func TestDeploymentOnEmulator(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv(envEndpoint)
	if endpoint == "" {
		t.Skip("no emulator to deploy into: " + envEndpoint + " is not set")
	}
	w := setup(t)
	const env = "dev"
	w.onEmulator(t, endpoint)
	if _, err := artifact.Build(t.Context(), artifact.Options{Dir: filepath.Join(w.root, "dist")}); err != nil {
		t.Fatal(err)
	}
	options := w.stack(t, env)
	delete(options.EnvVars, "RIFAAPP_INFRA_OFFLINE")
	if out, err := terragrunt.StackGenerateContextE(t, t.Context(), options); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var made []*terragrunt.Options
	t.Cleanup(func() {
		for _, one := range slices.Backward(made) {
			if out, err := terragrunt.DestroyContextE(t, context.Background(), one); err != nil {
				t.Errorf("destroy %s: %v\n%s", one.TerragruntDir, err, out)
			}
		}
	})
	missing := ""
	for _, unit := range units {
		t.Run(unit, func(t *testing.T) {
			if missing != "" {
				t.Skipf("%s stands on what the emulator lacks: %s", unit, missing)
			}
			one := &terragrunt.Options{
				TerragruntBinary: options.TerragruntBinary, TerragruntDir: w.path(generated(env, unit)), EnvVars: options.EnvVars, Logger: logger.Discard,
				TerraformArgs: []string{"-auto-approve"},
			}
			out, err := terragrunt.ApplyContextE(t, t.Context(), one)
			if why := lacks(out); err != nil && why != "" {
				missing = unit + ", " + why
				t.Skipf("the emulator lacks what %s needs: %s", unit, why)
			}
			if err != nil {
				t.Fatalf("apply: %v\n%s", err, out)
			}
			made = append(made, one)
		})
	}
	for _, check := range []string{"end to end", "database not reachable from outside", "migrations route refuses without IAM", "canary rolls back on alarm"} {
		t.Run(check, func(t *testing.T) {
			t.Skip("emulators have no private network, no IAM at the gateway and no alarms that follow traffic: TestDeployment checks this in an account")
		})
	}
}

// lacks finds the line in which an emulator says what it does not know, or "".
func lacks(said string) string {
	for line := range strings.Lines(said) {
		if lacking.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// onEmulator changes the copy of infra/: state in files beside the units, and a provider that takes any key.
func (w workplace) onEmulator(t *testing.T, endpoint string) {
	t.Helper()
	text, err := os.ReadFile(w.path("root.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	// What a plan without an account does to provider and state is what an emulator needs, with a server to ask.
	changed := strings.Replace(string(text), `offline = get_env("RIFAAPP_INFRA_OFFLINE", "false") == "true"`, `offline = true`, 1)
	changed = strings.Replace(changed, "    skip_requesting_account_id  = true\n", "    skip_requesting_account_id  = true\n    s3_use_path_style           = true\n", 1)
	if strings.Count(changed, "offline = true\n") != 1 || !strings.Contains(changed, "s3_use_path_style") {
		t.Fatal("root.hcl no longer says what is replaced here")
	}
	if err := os.WriteFile(w.path("root.hcl"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env[envEndpoint] = endpoint
}

func TestWhatEmulatorsLack(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]bool{
		"Error: creating RDS Cluster: operation error RDS: CreateDBCluster, https response error StatusCode: 501": true,
		"api error InternalFailure: The API action 'CreateApi' is not yet implemented":                            true,
		"api error UnknownOperationException: ":                                                                   true,
		"Error: creating Lambda Function: InvalidParameterValue":                                                  false,
		"Error: Unsupported argument":                                                                             false,
		"no reserved concurrency left: StatusCode: 400, RequestID:":                                               false,
	} {
		if got := lacks("Plan: 1 to add\n" + said + "\n"); (got != "") != want {
			t.Errorf("lacks(%q) = %q", said, got)
		}
	}
	w := setup(t)
	w.onEmulator(t, "http://127.0.0.1:1")
	if w.env[envEndpoint] == "" {
		t.Error("the emulator is not asked")
	}
}
