// Command publish makes a release of the checked out commit in dist/release: a zip for each architecture, the API's
// description, their checksums and what CHANGELOG.md says. With --publish it puts them on GitHub, which makes the tag.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rifaapp/rifaapp/infra/build/artifact"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	flags.SetOutput(out)
	publish := flags.Bool("publish", false, "put the release on GitHub (gh, GITHUB_REPOSITORY, GITHUB_TOKEN)")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	r := release{version: flags.Arg(0), out: out}
	if err := r.check(ctx, *publish, getenv); err != nil {
		return err
	}
	if err := r.build(ctx); err != nil {
		return err
	}
	if !*publish {
		fmt.Fprintf(out, "%s is in %s; with -publish=true it goes to GitHub\n", r.version, dir)
		return nil
	}
	return r.publish(ctx)
}

// dir is where the release is made; git ignores it.
var dir = filepath.Join("dist", "release")

type release struct {
	version string // such as v2.0.0
	commit  string
	notes   string
	files   []string // in dir
	out     io.Writer
}

var versionPattern = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// check names everything that stands in the way, before anything is built.
func (r *release) check(ctx context.Context, publish bool, getenv func(string) string) error {
	if !versionPattern.MatchString(r.version) {
		return fmt.Errorf("%q is not a version such as v2.0.0", r.version)
	}
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	var faults [5]error
	r.notes, faults[0] = section(string(changelog), strings.TrimPrefix(r.version, "v"))
	r.commit, faults[1] = artifact.Git(ctx, "", "rev-parse", "HEAD")
	faults[2] = committed(ctx)
	faults[3] = r.tagFits(ctx)
	if publish {
		faults[4] = canPublish(getenv)
	}
	return errors.Join(faults[:]...)
}

func committed(ctx context.Context) error {
	changes, err := artifact.Git(ctx, "", "status", "--porcelain")
	if err == nil && changes != "" {
		return errors.New("there are changes that are not committed: only commits are released; commit or undo them")
	}
	return err
}

// tagFits refuses a version that another commit has.
func (r *release) tagFits(ctx context.Context) error {
	tagged, err := artifact.Git(ctx, "", "for-each-ref", "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)", "refs/tags/"+r.version)
	if err == nil && tagged != "" && tagged != r.commit {
		return fmt.Errorf("%s is the tag of commit %s already, and this is %s: choose the next version", r.version, tagged, r.commit)
	}
	return err
}

func canPublish(getenv func(string) string) error {
	var faults []error
	if _, err := exec.LookPath("gh"); err != nil {
		faults = append(faults, errors.New("gh is not in PATH: install it, https://cli.github.com"))
	}
	if getenv("GITHUB_REPOSITORY") == "" || getenv("GITHUB_TOKEN") == "" {
		faults = append(faults, errors.New("set GITHUB_REPOSITORY to owner/name and GITHUB_TOKEN to a token that may write its contents"))
	}
	return errors.Join(faults...)
}

// section returns what CHANGELOG.md says of a version, whose heading carries the day of its release.
func section(changelog, version string) (string, error) {
	heading := regexp.MustCompile(`(?m)^## ` + regexp.QuoteMeta(version) + `, (.+)$`)
	at := heading.FindStringSubmatchIndex(changelog)
	if at == nil {
		return "", fmt.Errorf("CHANGELOG.md has no section %q: write what changes for users", "## "+version+", <date>")
	}
	if day := changelog[at[2]:at[3]]; !regexp.MustCompile(`^\d{4}-\d\d-\d\d$`).MatchString(day) {
		return "", fmt.Errorf("CHANGELOG.md says that %s is %q: write the day of its release, such as 2026-12-24", version, day)
	}
	rest, _, _ := strings.Cut(changelog[at[1]:], "\n## ")
	return strings.TrimSpace(rest) + "\n", nil
}

func (r *release) build(ctx context.Context) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, arch := range []string{"arm64", "amd64"} {
		built, err := artifact.Build(ctx, artifact.Options{Dir: dir, Arch: arch, Version: r.version})
		if err != nil {
			return err
		}
		fmt.Fprintln(r.out, built)
		r.files = append(r.files, filepath.Base(built.Path))
	}
	api, err := os.ReadFile(filepath.Join("app", "httpapi", "openapi.yaml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), api, 0o644); err != nil {
		return err
	}
	r.files = append(r.files, "openapi.yaml")
	return r.sum()
}

// sum writes SHA256SUMS, which sha256sum --check reads.
func (r *release) sum() error {
	var sums strings.Builder
	for _, name := range r.files {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
	}
	r.files = append(r.files, "SHA256SUMS")
	fmt.Fprint(r.out, sums.String())
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "NOTES.md"), []byte(r.notes), 0o644),
	)
}

// publish makes the tag, where there is none yet, and the release.
func (r *release) publish(ctx context.Context) error {
	args := []string{"release", "create", r.version, "--target", r.commit, "--title", r.version, "--notes-file", filepath.Join(dir, "NOTES.md")}
	for _, name := range r.files {
		args = append(args, filepath.Join(dir, name))
	}
	command := exec.CommandContext(ctx, "gh", args...)
	command.Env = append(os.Environ(), "GH_REPO="+os.Getenv("GITHUB_REPOSITORY"), "GH_TOKEN="+os.Getenv("GITHUB_TOKEN"))
	command.Stdout, command.Stderr = r.out, r.out
	if err := command.Run(); err != nil {
		return fmt.Errorf("gh release create: %w; the files are in %s, so try again when its complaint above is dealt with", err, dir)
	}
	return nil
}
