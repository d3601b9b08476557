// Package environment knows which environments there are: the folders of envs in the infrastructure directory.
package environment

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Known lists the environments of an infrastructure directory by name, sorted.
func Known(infraDir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(infraDir, "envs"))
	if err != nil {
		return nil, fmt.Errorf("no environments in %s: %w; name the infrastructure directory with --infra-dir", infraDir, err)
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
