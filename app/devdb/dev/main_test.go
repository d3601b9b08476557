package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// What keeps a run from starting leaves no API behind that the next run could not find.
func TestNoAPIWithoutItsProcessID(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("JWT_KEYS", "{}") // none are kept
	if err := os.MkdirAll(pidPath, 0o700); err != nil {
		t.Fatal(err)
	}
	sleeper := filepath.Join(t.TempDir(), "api")
	if err := os.WriteFile(sleeper, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := startAPI(t.Context(), sleeper, nil); err == nil {
		t.Fatal("it started without a place for its process id")
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("the API was left running: %d, %v", pid, err)
	}
}
