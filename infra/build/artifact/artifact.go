// Package artifact makes the zip that Lambda runs: the binary under the name bootstrap, the same byte
// for byte whoever builds the same commit, wherever the checkout is and whatever the clock says.
package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// MaxBytes is what a zip may weigh: a larger one makes cold starts slower, and something has crept in.
const MaxBytes = 12 << 20

// Main is the program inside.
const Main = "github.com/rifaapp/rifaapp/app/cmd/rifaapp"

// Options say what to build.
type Options struct {
	Source string // the checkout, or a folder in it; empty: the current folder
	Dir    string // where the zip goes; empty: dist in the current folder
	Arch   string // arm64 (the default) or amd64
	// Version that the program says; empty: the tag of the commit, or one made of its time and hash.
	Version string
}

// Artifact is a zip that was built.
type Artifact struct {
	Path      string
	Arch      string
	Bytes     int64  // of the zip
	Unpacked  int64  // of the program inside
	SHA256    string // in base64, as Lambda's CodeSha256 and Terraform's source_code_hash say it
	Version   string
	Commit    string
	BuildTime string // of the commit: a clock would make each build another
}

func (a Artifact) String() string {
	return fmt.Sprintf("%s  %.2f MB (%.1f MB unpacked, at most %d MB zipped)\nversion %s, commit %s, %s\nsha256 %s",
		a.Path, megabytes(a.Bytes), megabytes(a.Unpacked), MaxBytes>>20, a.Version, a.Commit, a.BuildTime, a.SHA256)
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// Build compiles the program for provided.al2023 and zips it.
func Build(ctx context.Context, o Options) (Artifact, error) {
	if o.Arch == "" {
		o.Arch = "arm64"
	}
	if o.Arch != "arm64" && o.Arch != "amd64" {
		return Artifact{}, fmt.Errorf("%q is not an architecture of Lambda: arm64 or amd64", o.Arch)
	}
	if o.Dir == "" {
		o.Dir = "dist"
	}
	a := Artifact{Arch: o.Arch, Path: filepath.Join(o.Dir, "rifaapp-lambda-"+o.Arch+".zip")}
	if err := a.stamp(ctx, o.Source); err != nil {
		return Artifact{}, err
	}
	if o.Version != "" {
		a.Version = o.Version
	}
	program, err := a.compile(ctx, o.Source)
	if err != nil {
		return Artifact{}, err
	}
	packed, err := pack(program)
	if err != nil {
		return Artifact{}, err
	}
	a.Bytes, a.Unpacked = int64(len(packed)), int64(len(program))
	sum := sha256.Sum256(packed)
	a.SHA256 = base64.StdEncoding.EncodeToString(sum[:])
	if a.Bytes > MaxBytes {
		return Artifact{}, fmt.Errorf("the zip has %.2f MB, more than %d: see what came in with go version -m and go list -deps ./app/cmd/rifaapp", megabytes(a.Bytes), MaxBytes>>20)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Artifact{}, err
	}
	return a, os.WriteFile(a.Path, packed, 0o644)
}

// stamp asks Git what is built. A checkout with changes says so in its version: it is no commit.
func (a *Artifact) stamp(ctx context.Context, source string) error {
	head, err := Git(ctx, source, "log", "-1", "--no-show-signature", "--format=%H %cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ")
	if err != nil {
		return fmt.Errorf("which commit is built is unknown: %w", err)
	}
	a.Commit, a.BuildTime, _ = strings.Cut(head, " ")
	tags, err := Git(ctx, source, "tag", "--points-at", "HEAD", "--list", "v*", "--sort=-version:refname")
	if err != nil {
		return err
	}
	a.Version, _, _ = strings.Cut(tags, "\n")
	if a.Version == "" {
		a.Version = "v0.0.0-" + strings.NewReplacer("-", "", ":", "", "T", "", "Z", "").Replace(a.BuildTime) + "-" + a.Commit[:12]
	}
	changes, err := Git(ctx, source, "status", "--porcelain", "--untracked-files=no")
	if changes != "" {
		a.Version += "+changed"
	}
	return err
}

// Git runs git in a folder, empty for the current one, and returns what it says without the white space around it. Its
// error repeats git's complaint.
func Git(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "TZ=UTC")
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], withStderr(err))
	}
	return strings.TrimSpace(string(output)), nil
}

// compile builds the program in a temporary folder and returns it.
func (a *Artifact) compile(ctx context.Context, source string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "rifaapp-build-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "bootstrap")
	flags := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.commit=%s -X main.buildTime=%s", a.Version, a.Commit, a.BuildTime)
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", flags, "-o", path, Main)
	command.Dir = source
	// What the builder's own environment says about Go must not show in the program.
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+a.Arch, "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off")
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build for %s: %w\n%s", a.Arch, err, output)
	}
	return os.ReadFile(path)
}

func withStderr(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}
