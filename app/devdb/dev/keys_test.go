package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rifaapp/rifaapp/app/auth"
)

func TestKeysAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	first := keys(t, path)
	if again := keys(t, path); again != first {
		t.Error("the second start signs with other keys than the first")
	}
	if err := os.WriteFile(path, []byte(first[:len(first)/2]), 0o600); err != nil {
		t.Fatal(err)
	}
	mended := keys(t, path)
	if mended == first {
		t.Error("keys were read out of half a file")
	}
	if again := keys(t, path); again != mended {
		t.Error("what replaced half a file was not kept")
	}
	if _, err := keepKeys(filepath.Join(path, "below-a-file")); err == nil {
		t.Error("keys that cannot be kept are no fault")
	}
}

// keys are those of path, readable by nobody else.
func keys(t *testing.T, path string) string {
	t.Helper()
	text, err := keepKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.ParseKeySet([]byte(text)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of keys: %v, %v; want 0600", info.Mode(), err)
	}
	if beside, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(beside) != 1 {
		t.Errorf("left beside the keys: %q", beside)
	}
	return text
}
