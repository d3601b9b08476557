// Package infra tests infra/: the modules on a mocked provider, the plans of the real one without an account, the
// Terragrunt stacks, and, where an account is given, a whole deployment.
package infra

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rifaapp/rifaapp/test/testdb"
)

func TestMain(m *testing.M) { testdb.Main(thenStop{m}) }

// thenStop runs the tests and stops the provider that they shared.
type thenStop struct{ *testing.M }

// Run is testing.M's.
func (t thenStop) Run() int {
	defer func() {
		if shared.stop != nil {
			shared.stop()
		}
	}()
	return t.M.Run()
}

// A copy of infra/ and of what it reads beside it, so that no test leaves anything in the repository.
type workplace struct {
	root string            // holds infra/ and app/httpapi/openapi.yaml
	env  map[string]string // for terraform and terragrunt, beside the test's own
}

// setup skips the test, with a reason, where Terraform is missing.
func setup(t *testing.T) workplace {
	t.Helper()
	if os.Getenv("RIFAAPP_TEST_INFRA_DONE") != "" {
		t.Skip("passed a moment ago, on another PostgreSQL, which makes no difference here (RIFAAPP_TEST_INFRA_DONE)")
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not in PATH: install Terraform 1.11 or later")
	}
	root := t.TempDir()
	for _, path := range []string{"infra", "app/httpapi/openapi.yaml"} {
		if err := copyTree(filepath.Join("..", "..", path), filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
	config, err := cliConfig(root)
	if err != nil {
		t.Fatal(err)
	}
	return workplace{root: root, env: map[string]string{
		"TF_CLI_CONFIG_FILE": config, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1", "TG_NO_COLOR": "true",
	}}
}

func (w workplace) path(parts ...string) string {
	return filepath.Join(append([]string{w.root, "infra"}, parts...)...)
}

// run starts a program in dir, a path below infra/, and returns what it printed.
func (w workplace) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = w.path(dir), os.Environ()
	for name, value := range w.env {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

// attach lets terraform use the one process of the AWS provider that all these tests share. A process of its own for
// every command is what Terraform starts otherwise, and each takes seconds to begin and a gigabyte. It skips the test
// where there is no provider to be had.
func (w workplace) attach(t *testing.T) {
	t.Helper()
	shared.once.Do(func() { shared.said, shared.attachment, shared.err = w.startProvider() })
	if shared.err != nil {
		skipWithoutProvider(t, shared.said)
		t.Fatalf("%v\n%s", shared.err, shared.said)
	}
	w.env["TF_REATTACH_PROVIDERS"] = shared.attachment
}

// configure is attach for tests that configure the provider, as plans without mocks do: one at a time, since the process
// has one configuration.
func (w workplace) configure(t *testing.T) {
	t.Helper()
	w.attach(t)
	shared.configured.Lock()
	t.Cleanup(shared.configured.Unlock)
}

// shared is the process of the provider. stop ends it.
var shared struct {
	once       sync.Once
	attachment string // value of TF_REATTACH_PROVIDERS
	said       string // what terraform and the provider printed
	err        error
	stop       func()
	configured sync.Mutex
}

// attachmentLine is how the provider tells where it can be reached.
var attachmentLine = regexp.MustCompile(`TF_REATTACH_PROVIDERS='([^']+)'`)

// startProvider starts the provider that terraform init puts in place.
func (w workplace) startProvider() (said, attachment string, err error) {
	said, binary, err := w.findProvider()
	if err != nil {
		return said, "", err
	}
	// The shell ends with this process, however that ends, because it reads from it; and the provider with the shell.
	command := exec.Command("sh", "-c", `"$0" -debug & read -r end; kill $!; wait`, binary)
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { // a bundle of authorities it would take only once
		return strings.HasPrefix(variable, "AWS_")
	})
	end, err := command.StdinPipe()
	if err != nil {
		return said, "", err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return said, "", err
	}
	if err := command.Start(); err != nil {
		return said, "", err
	}
	shared.stop = func() { _, _ = end.Close(), command.Wait() }
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if match := attachmentLine.FindStringSubmatch(lines.Text()); match != nil {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return said, match[1], nil
		}
		said += lines.Text() + "\n"
	}
	return said, "", errors.New("the provider did not say where it can be reached")
}

func (w workplace) findProvider() (said, binary string, err error) {
	dir := filepath.Join("modules", "network")
	said, err = w.run(context.Background(), dir, "terraform", "init", "-backend=false", "-input=false")
	if err != nil {
		return said, "", fmt.Errorf("terraform init: %w", err)
	}
	found, err := filepath.Glob(w.path(dir, ".terraform", "providers", providerName, "*", "*", "terraform-provider-aws*"))
	if err != nil {
		return said, "", err
	}
	if len(found) != 1 {
		return said, "", fmt.Errorf("terraform init put these providers in place: %q; want one", found)
	}
	binary, err = filepath.EvalSymlinks(found[0])
	return said, binary, err
}

func skipWithoutProvider(t *testing.T, said string) {
	t.Helper()
	if mirror() == "" && strings.Contains(said, "registry.terraform.io") {
		t.Skip("the AWS provider cannot be fetched: registry.terraform.io is out of reach, and no mirror was found; name one with RIFAAPP_TERRAFORM_MIRROR")
	}
}

const providerName = "registry.terraform.io/hashicorp/aws"

// mirror is a folder that holds the AWS provider, or "" where only the registry has it.
var mirror = sync.OnceValue(func() string {
	home, _ := os.UserHomeDir()
	for _, pattern := range []string{
		os.Getenv("RIFAAPP_TERRAFORM_MIRROR"), filepath.Join(home, ".terraform.d", "*"), "/usr/local/share/terraform/*",
		"/usr/share/terraform/*", "/var/lib/terraform/*", "/opt/*", "/opt/*/*",
	} {
		found, _ := filepath.Glob(filepath.Join(pattern, providerName, "5.1*"))
		if pattern != "" && len(found) > 0 {
			return strings.TrimSuffix(filepath.Dir(found[0]), providerName)
		}
	}
	return ""
})

// cliConfig says where the provider comes from: what TF_CLI_CONFIG_FILE already says, a mirror on this machine, or the
// registry through a cache.
func cliConfig(dir string) (string, error) {
	if preset := os.Getenv("TF_CLI_CONFIG_FILE"); preset != "" {
		if _, err := os.Stat(preset); err == nil {
			return preset, nil
		}
	}
	var text string
	if path := mirror(); path != "" {
		text = fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", path)
	} else {
		cache, err := filepath.Abs("../../.rifaapp/tools/terraform-plugins")
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return "", err
		}
		text = fmt.Sprintf("plugin_cache_dir = %q\nplugin_cache_may_break_dependency_lock_file = true\n", cache)
	}
	path := filepath.Join(dir, "terraform.rc")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// copyTree copies a file, or a folder without hidden files (state, caches) and Go code.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != from
		switch {
		case entry.IsDir() && hidden:
			return filepath.SkipDir
		case entry.IsDir() || hidden || strings.HasSuffix(path, ".go"):
			return nil
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		return errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, content, 0o644))
	})
}
