package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func names(chosen []suite) string {
	var all []string
	for _, s := range chosen {
		all = append(all, s.name)
	}
	return strings.Join(all, " ")
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"": names(suites), "hostile": "hostile", "R7": "hostile", "R3": "chaos", "deploy,R1": "chaos deploy", "chaos,R4": "chaos",
	} {
		if chosen, err := choose(list); err != nil || names(chosen) != want {
			t.Errorf("%q chooses %s (%v), want %s", list, names(chosen), err, want)
		}
	}
	if _, err := choose("chaos,R77"); err == nil || !strings.Contains(err.Error(), `no suite "R77"`) || !strings.Contains(err.Error(), "hostile (R7)") {
		t.Errorf("an unknown suite gives %v", err)
	}
}

// What has a large size is in a soak: a package that asks for the size belongs to a suite, which runs
// those of its tests that ask.
func TestSuitesHaveEveryLargeSize(t *testing.T) {
	t.Parallel()
	asks := regexp.MustCompile(`\btrust\.(Size|Soaking)\(|"` + envSoak + `"`)
	root := filepath.Join("..", "..")
	found := 0
	for _, top := range []string{"app", "infra", "sqitch", "test"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil || !asks.Match(text) {
				return err
			}
			found++
			dir, _ := filepath.Rel(root, filepath.Dir(path))
			if !slices.ContainsFunc(suites, func(s suite) bool { return slices.Contains(s.packages, "./"+filepath.ToSlash(dir)) }) {
				t.Errorf("%s has a large size, and no suite in soak.go runs it", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 5 {
		t.Errorf("%d files have large sizes: is this where they are?", found)
	}
}

// The tests that suites name are there.
func TestSuitesNameTests(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		for _, name := range regexp.MustCompile(`Test\w+`).FindAllString(s.tests, -1) {
			files, err := filepath.Glob(filepath.Join("..", "..", s.packages[0], "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			there := slices.ContainsFunc(files, func(file string) bool {
				text, err := os.ReadFile(file)
				return err == nil && strings.Contains(string(text), "func "+name+"(")
			})
			if !there {
				t.Errorf("the suite %s runs %s, which %s does not have", s.name, name, s.packages[0])
			}
		}
	}
}
