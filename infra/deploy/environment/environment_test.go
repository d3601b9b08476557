package environment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	infra := t.TempDir()
	for name, text := range map[string]string{
		"dev":   "stack \"rifaapp\" {\n  values = {\n    account_id = \"123456789012\" # ours\n    region     = \"eu-west-1\"\n    production = false\n  }\n}\n",
		"live":  "account_id = \"123456789012\"\nregion = \"us-gov-west-1\"\nproduction = true\n",
		"prod":  "account_id = \"123456789012\"\nregion = \"us-east-1\"\n",
		"new":   "account_id = \"000000000000\"\nregion = \"us-east-1\"\n",
		"empty": "",
	} {
		dir := filepath.Join(infra, "envs", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "terragrunt.stack.hcl"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		region     string
		production bool
		says       string
	}{
		"dev":   {"eu-west-1", false, ""},
		"live":  {"us-gov-west-1", true, ""},
		"prod":  {"us-east-1", true, ""}, // by its name, when nothing says otherwise
		"new":   {says: "is still 000000000000"},
		"empty": {says: "need account_id"},
		"nope":  {says: `there is no environment "nope"; known: dev, empty, live, new, prod`},
	} {
		e, err := Load(infra, name)
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: err = %v, want %q", name, err, c.says)
			}
			continue
		}
		if err != nil || e.Region != c.region || e.Production != c.production || e.AccountID != "123456789012" {
			t.Errorf("%s is %+v, %v", name, e, err)
		}
	}
}

// The environments of this repository have what Load needs; only the account's id is left to whoever deploys.
func TestOurEnvironments(t *testing.T) {
	t.Parallel()
	names, err := Known("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		e, err := Load("../..", name)
		if err != nil && !strings.Contains(err.Error(), "write the id of your AWS account") {
			t.Error(err)
		}
		if e.Region == "" || e.Production != (name == "prod") {
			t.Errorf("%s is %+v", name, e)
		}
	}
	if len(names) < 2 {
		t.Errorf("environments are %v, want dev and prod", names)
	}
}
