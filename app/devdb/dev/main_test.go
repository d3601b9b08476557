package main

import (
	"strings"
	"testing"
)

// A second run in a folder refuses before it touches anything of the first.
func TestOneRunInAFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	release, err := claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(); err == nil || !strings.Contains(err.Error(), envPath) {
		t.Errorf("a second run got in: %v", err)
	}
	release()
	if release, err = claim(); err != nil {
		t.Errorf("after the first has ended: %v", err)
	} else {
		release()
	}
}
