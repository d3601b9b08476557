package trust

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// pointer is tests that a line of the threat model names: a file and functions in it.
var pointer = regexp.MustCompile("`((?:app|test|sqitch|infra)/[a-z0-9_/]+_test\\.go)`((?: `Test[A-Za-z0-9]+`)+)")

// Every line of the threat model points at a test that exists.
func TestThreatModelPointsAtTests(t *testing.T) {
	t.Parallel()
	text := string(File(t, ".github/SECURITY.md"))
	_, table, found := strings.Cut(text, "## Who attacks")
	table, _, end := strings.Cut(table, "\n## ")
	if !found || !end {
		t.Fatal("SECURITY.md has no section that begins with: Who attacks")
	}
	lines := 0
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| who ") {
			lines++
			if !pointer.MatchString(line) {
				t.Errorf("this line names no test: %s", line)
			}
		}
	}
	if lines < 10 {
		t.Errorf("the threat model has %d lines", lines)
	}
	for _, named := range pointer.FindAllStringSubmatch(text, -1) {
		source, err := os.ReadFile(Path(t, named[1]))
		for _, function := range strings.Fields(strings.ReplaceAll(named[2], "`", "")) {
			if err != nil || !strings.Contains(string(source), "func "+function+"(") {
				t.Errorf("SECURITY.md names %s in %s, which is not there (%v)", function, named[1], err)
			}
		}
	}
}
