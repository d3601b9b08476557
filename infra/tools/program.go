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

// Program is built from the Go module proxy, in one version for everybody.
type Program struct {
	Name     string
	Version  string
	Package  string
	Patience string // how long building it takes, such as "about two minutes"
}

// Path returns where the program is: built earlier into dir, or built into dir now, a line to log first. Its folder has
// the version in its name, so that a new one is built anew.
func (p Program) Path(ctx context.Context, dir string, log io.Writer) (string, error) {
	path, ok := p.Find(dir)
	if ok {
		return path, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("there is no Go toolchain in PATH to build %s with: install Go", p.Name)
	}
	folder, err := filepath.Abs(p.folder(dir))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	start := time.Now()
	fmt.Fprintf(log, "· building %s %s (once, %s)\n", p.Name, p.Version, p.Patience)
	build := exec.CommandContext(ctx, "go", "install", p.Package+"@"+p.Version)
	build.Dir = folder // outside this module, whose GOFLAGS and workspace are about something else
	build.Env = append(os.Environ(), "GOBIN="+folder, "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		fmt.Fprint(log, string(said))
		return "", fmt.Errorf("building %s %s: %w; the Go module proxy must be reachable", p.Name, p.Version, err)
	}
	fmt.Fprintf(log, "· built %s in %s\n", p.Name, time.Since(start).Round(time.Second))
	if path, ok = p.Find(dir); !ok {
		return "", errors.New("go install " + p.Package + " left no program called " + p.Name)
	}
	return path, nil
}

// Find is Path without the building.
func (p Program) Find(dir string) (path string, ok bool) {
	path, err := filepath.Abs(filepath.Join(p.folder(dir), p.Name))
	if err != nil {
		return "", false
	}
	info, err := os.Stat(path)
	return path, err == nil && info.Mode()&0o111 != 0
}

func (p Program) folder(dir string) string { return filepath.Join(dir, p.Name+"-"+p.Version) }
