// Package trust is what the suites below it share: their size, their seed and the figures they leave.
// Each suite checks promises that must hold under load, faults and hostile input: no number sold
// twice, nothing lost, nobody in who does not belong.
//
// The small sizes run in `go tool mage test`, the large ones where RIFAAPP_SOAK=1. Every random
// choice follows from one seed, which is printed: RIFAAPP_SEED=n makes the same choices again.
package trust

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// EnvSeed replays a run.
const EnvSeed = "RIFAAPP_SEED"

// Soaking says whether the large sizes were asked for.
func Soaking() bool { return os.Getenv("RIFAAPP_SOAK") == "1" }

// Size is small, or large in a soak.
func Size(small, large int) int {
	if Soaking() {
		return large
	}
	return small
}

// Seed is what RIFAAPP_SEED says, else a new one, and prints how to have it again. The small sizes
// use the same one each time: a change is judged by its own faults.
func Seed(t testing.TB) uint64 {
	t.Helper()
	const everyday = 20300115
	seed := uint64(everyday)
	if text := os.Getenv(EnvSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s is %q: it must be a whole number", EnvSeed, text)
		}
	} else if Soaking() {
		seed = rand.Uint64() >> 32
	}
	t.Logf("%sseed %s: replay with %s=%d", FigureMark, t.Name(), EnvSeed, seed)
	return seed
}

// Rand makes the choices of one part of a run, the same for the same seed and part.
func Rand(seed uint64, part int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(part))) }

// FigureMark begins a line that `test/run` copies into the table at the end of a run.
const FigureMark = "figure: "

// Figure leaves what a suite came to for that table: the promise it checks, and names with their
// values in turn.
func Figure(t testing.TB, promise string, pairs ...any) {
	t.Helper()
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, fmt.Sprintf("%v %v", pairs[i+1], pairs[i]))
	}
	t.Logf("%s%-4s %s", FigureMark, promise, strings.Join(parts, ", "))
}

// ProgressMark begins a line that `test/run` repeats from time to time while a soak runs.
const ProgressMark = "progress: "

// Progress says how far a suite is.
func Progress(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Logf(ProgressMark+format, args...)
}

// Keep returns a path below .rifaapp/trust for something that explains a failure.
func Keep(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(root(t), ".rifaapp", "trust")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+"-"+name)
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
		dir = filepath.Dir(dir)
	}
}

// File reads a file of the repository by its path from the root.
func File(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Path is where a file of the repository is, by its path from the root.
func Path(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(root(t), filepath.FromSlash(name))
}
