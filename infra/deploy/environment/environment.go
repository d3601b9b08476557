// Package environment knows which environments there are: the folders of envs in the infrastructure directory.
package environment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Environment is one folder of envs. Its values name the one account and region it may ever touch.
type Environment struct {
	Name       string
	Dir        string // where Terragrunt runs
	AccountID  string
	Region     string
	Production bool // only what is committed goes there, from main or a release, and it cannot be destroyed
}

// Known lists the environments of an infrastructure directory by name, sorted.
func Known(infraDir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(infraDir, "envs"))
	if err != nil {
		return nil, fmt.Errorf("no environments in %s: %w; name the infrastructure directory with -infraDir=DIR", infraDir, err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Check refuses a name that is no environment of infraDir, and lists those that are.
func Check(infraDir, name string) error {
	known, err := Known(infraDir)
	if err != nil {
		return err
	}
	for _, k := range known {
		if k == name {
			return nil
		}
	}
	return fmt.Errorf("there is no environment %q; known: %s", name, strings.Join(known, ", "))
}

var (
	value   = regexp.MustCompile(`(?m)^\s*(account_id|region|production)\s*=\s*"?([a-z0-9-]+)"?`)
	account = regexp.MustCompile(`^[0-9]{12}$`)
	region  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// unset is the account of an environment that nobody has made theirs.
const unset = "000000000000"

// Load reads account_id, region and production of an environment, each on a line of its own in its .hcl files: they are
// needed before Terragrunt runs, to refuse somebody else's account.
func Load(infraDir, name string) (Environment, error) {
	if err := Check(infraDir, name); err != nil {
		return Environment{}, err
	}
	dir, err := filepath.Abs(filepath.Join(infraDir, "envs", name))
	if err != nil {
		return Environment{}, err
	}
	e := Environment{Name: name, Dir: dir, Production: name == "prod"}
	files, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil {
		return Environment{}, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return Environment{}, err
		}
		for _, found := range value.FindAllStringSubmatch(string(text), -1) {
			e.set(found[1], found[2])
		}
	}
	return e, e.check()
}

func (e *Environment) set(name, value string) {
	switch name {
	case "account_id":
		e.AccountID = value
	case "region":
		e.Region = value
	case "production":
		e.Production = value == "true"
	}
}

func (e Environment) check() error {
	var faults []error
	if e.AccountID == unset {
		faults = append(faults, fmt.Errorf("account_id in %s is still %s: write the id of your AWS account for %s there", e.Dir, unset, e.Name))
	} else if !account.MatchString(e.AccountID) {
		faults = append(faults, fmt.Errorf(`the values in %s need account_id = "…", the 12 digits of the AWS account of %s`, e.Dir, e.Name))
	}
	if !region.MatchString(e.Region) {
		faults = append(faults, fmt.Errorf(`the values in %s need region = "…", the AWS region of %s, such as us-east-1`, e.Dir, e.Name))
	}
	return errors.Join(faults...)
}
