package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// TfsecVersion is the scanner's version. Its rules are inside, so that the same code gets the same findings everywhere.
const TfsecVersion = "v1.26.0"

// Tfsec returns the path of the scanner: the one built earlier into dir, or one built into dir now (about two minutes on
// two cores, a line to log first).
func Tfsec(ctx context.Context, dir string, log io.Writer) (string, error) {
	if path, ok := FindTfsec(dir); ok {
		return path, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("there is no Go toolchain in PATH to build tfsec with: install Go")
	}
	folder, err := filepath.Abs(filepath.Join(dir, "tfsec-"+TfsecVersion))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	start := time.Now()
	fmt.Fprintf(log, "building tfsec %s into %s, once, about two minutes\n", TfsecVersion, folder)
	build := exec.CommandContext(ctx, "go", "install", "github.com/aquasecurity/tfsec/cmd/tfsec@"+TfsecVersion)
	build.Dir = folder // outside this module, whose GOFLAGS and workspace are about something else
	build.Env = append(os.Environ(), "GOBIN="+folder, "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		fmt.Fprint(log, string(said))
		return "", fmt.Errorf("building tfsec %s: %w; the Go module proxy must be reachable", TfsecVersion, err)
	}
	fmt.Fprintf(log, "built tfsec in %s\n", time.Since(start).Round(time.Second))
	return filepath.Join(folder, "tfsec"), nil
}

// FindTfsec is Tfsec without the building.
func FindTfsec(dir string) (path string, ok bool) {
	path, err := filepath.Abs(filepath.Join(dir, "tfsec-"+TfsecVersion, "tfsec"))
	if err != nil {
		return "", false
	}
	info, err := os.Stat(path)
	return path, err == nil && info.Mode()&0o111 != 0
}
