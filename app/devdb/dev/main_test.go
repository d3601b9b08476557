package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	if _, err := claim(); err == nil || !strings.Contains(err.Error(), envPath) || !strings.Contains(err.Error(), fmt.Sprintf("kill %d", os.Getpid())) {
		t.Errorf("a second run got in: %v", err)
	}
	release()
	if _, err := os.Stat(holderPath); err == nil {
		t.Error("the process id outlives the run")
	}
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

// The shell may lead to another database: migrations of development must not be deployed there.
func TestOwnDatabaseIsTheOnlyOne(t *testing.T) {
	t.Setenv("JWT_KEYS", "{}") // none are kept
	t.Setenv("DB_POOL_SIZE", "3")
	for _, name := range elsewhere {
		t.Setenv(name, "elsewhere.example")
	}
	own, err := environment([]string{"DB_HOST=127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(own, "\n"); strings.Contains(all, "elsewhere.example") || !strings.Contains(all, "DB_POOL_SIZE=3") || !strings.HasSuffix(all, "DB_HOST=127.0.0.1") {
		t.Errorf("the API is told\n%s", all)
	}
	named, err := environment(nil)
	if err != nil || strings.Count(strings.Join(named, "\n"), "elsewhere.example") != len(elsewhere) {
		t.Errorf("of a database that DB_HOST names: %v, %v", named, err)
	}
}

// A process of another folder that has the number of an orphan is left alone.
func TestOrphansAreOurs(t *testing.T) {
	t.Chdir(t.TempDir())
	ours, err := binaryPath()
	if err != nil {
		t.Fatal(err)
	}
	another := filepath.Join(t.TempDir(), home, "bin", "rifaapp")
	for _, binary := range []string{ours, another} {
		if err := os.MkdirAll(filepath.Dir(binary), 0o700); err != nil {
			t.Fatal(err)
		}
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Skip("there is no sleep here: ", err)
		}
		process := exec.Command(sleep, "60")
		process.Args[0] = binary + " serve" // as ps shows it
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = process.Wait(); close(ended) }()
		if err := os.WriteFile(pidPath, []byte(strconv.Itoa(process.Process.Pid)), 0o600); err != nil {
			t.Fatal(err)
		}
		stopOrphan(ours)
		if binary == ours {
			<-ended // or the test never ends
			continue
		}
		if err := process.Process.Kill(); err != nil {
			t.Errorf("the process of another folder was ended: %v", err)
		}
		<-ended
	}
}
