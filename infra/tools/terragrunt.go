// Package tools finds the programs that infrastructure work needs, or builds them from the Go module proxy.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// TerragruntVersion is what Terragrunt builds when no recent enough one is installed.
const TerragruntVersion = "v1.0.0"

const terragruntModule = "github.com/gruntwork-io/terragrunt"

// Terragrunt returns the path of a Terragrunt of at least 1.0: the one in PATH, the one built earlier into dir, or one
// built into dir now (about three minutes on two cores, a line to log first). dir is made when missing and should be
// ignored by git. The error says what to do next: install Terragrunt, or give the Go toolchain a module proxy.
func Terragrunt(ctx context.Context, dir string, log io.Writer) (string, error) {
	if path, err := exec.LookPath("terragrunt"); err == nil && recentTerragrunt(ctx, path) {
		return path, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	built := filepath.Join(dir, "terragrunt-"+TerragruntVersion)
	if recentTerragrunt(ctx, built) {
		return built, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("terragrunt 1.0 or later is not in PATH, and there is no Go toolchain to build it with: install either")
	}
	start := time.Now()
	fmt.Fprintf(log, "terragrunt 1.0 or later is not in PATH: building %s into %s, once, about three minutes\n", TerragruntVersion, dir)
	if err := buildTerragrunt(ctx, dir, built, log); err != nil {
		return "", fmt.Errorf("building terragrunt %s: %w; install terragrunt 1.0 or later by hand and put it in PATH", TerragruntVersion, err)
	}
	if !recentTerragrunt(ctx, built) {
		return "", fmt.Errorf("the terragrunt built at %s does not run; delete it and try again, or install terragrunt 1.0 or later", built)
	}
	fmt.Fprintf(log, "built terragrunt %s in %s\n", TerragruntVersion, time.Since(start).Round(time.Second))
	return built, nil
}

// FindTerragrunt is Terragrunt without the building: ok is false where neither PATH nor dir has a recent one.
func FindTerragrunt(ctx context.Context, dir string) (path string, ok bool) {
	if path, err := exec.LookPath("terragrunt"); err == nil && recentTerragrunt(ctx, path) {
		return path, true
	}
	path, err := filepath.Abs(filepath.Join(dir, "terragrunt-"+TerragruntVersion))
	return path, err == nil && recentTerragrunt(ctx, path)
}

var versionPattern = regexp.MustCompile(`v?(\d+)\.(\d+)\.(\d+)`)

func recentTerragrunt(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	return err == nil && atLeastOne(string(out))
}

// atLeastOne tells whether a version line such as "terragrunt version v1.0.3" is 1.0.0 or later.
func atLeastOne(line string) bool {
	m := versionPattern.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	major, err := strconv.Atoi(m[1])
	return err == nil && major >= 1
}

// buildTerragrunt builds in a module of its own. Terragrunt's go.mod has replacements, so `go install` refuses it; as a
// tool of another module it builds, with its own checksums beside so that nothing unverified is fetched.
func buildTerragrunt(ctx context.Context, dir, built string, log io.Writer) error {
	src := filepath.Join(dir, "terragrunt-src")
	if err := os.MkdirAll(src, 0o755); err != nil {
		return err
	}
	version := "@" + TerragruntVersion
	download, err := goOutput(ctx, src, log, "mod", "download", "-json", terragruntModule+version)
	if err != nil {
		return err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(download), &module); err != nil {
		return fmt.Errorf("reading what go mod download said: %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(module.Dir, "go.sum"))
	if err != nil {
		return err
	}
	gomod := fmt.Sprintf("module terragrunt-tool\n\ngo 1.26\n\ntool %s\n\nrequire %s %s\n", terragruntModule, terragruntModule, TerragruntVersion)
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte(gomod), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(src, "go.sum"), sum, 0o644); err != nil {
		return err
	}
	partial := built + ".partial"
	_, err = goOutput(ctx, src, log, "build", "-mod=mod", "-trimpath", "-o", partial,
		"-ldflags", "-s -w -X github.com/gruntwork-io/go-commons/version.Version="+TerragruntVersion, terragruntModule)
	if err != nil {
		return err
	}
	return os.Rename(partial, built)
}

func goOutput(ctx context.Context, dir string, log io.Writer, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// GOWORK and GOFLAGS of the caller are about another module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		fmt.Fprint(log, complaints.String())
		return "", fmt.Errorf("go %s: %w", args[0]+" "+args[1], err)
	}
	return out.String(), nil
}
