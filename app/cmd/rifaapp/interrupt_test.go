package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
)

// silent is a person who presses Ctrl-C when asked, and never answers.
type silent struct {
	interrupt func()
	forever   <-chan struct{}
}

func (s silent) Read([]byte) (int, error) {
	s.interrupt()
	<-s.forever
	return 0, io.EOF
}

func TestQuestionsEndWithTheContext(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	if _, err := db.Pool.Exec(t.Context(), `INSERT INTO participants (id, name, email) VALUES (gen_random_uuid(), 'Luz', 'luz@example.com')`); err != nil {
		t.Fatal(err)
	}
	for command, says := range map[string]string{
		"people erase luz@example.com": "nothing was erased: Ctrl-C",
		"migrate revert":               "nothing reverted: Ctrl-C",
		"keys rotate":                  "read the set to rotate: Ctrl-C",
		"verify-draw - entries.csv":    "Ctrl-C",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancelCause(t.Context())
			forever := make(chan struct{})
			defer close(forever)
			var out strings.Builder
			ended := make(chan error, 1)
			go func() {
				stdin := silent{func() { interrupt(errors.New("Ctrl-C")) }, forever}
				ended <- run(ctx, strings.Fields(command), environment(db.Env()...), stdin, &out, &out)
			}()
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(out.String()+err.Error(), says) {
					t.Errorf("%v, %s", err, &out)
				}
			case <-time.After(patience):
				t.Fatal("it still waits for an answer")
			}
		})
	}
}

// The deployers' lock does not hang on a person who went away from the prompt.
func TestSignalsEndTheRevertPrompt(t *testing.T) {
	t.Parallel()
	db := testdb.New(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		command := launch(t, db.Env(), "migrate", "revert")
		if _, err := command.stdin.Write([]byte("perhaps\n")); err != nil {
			t.Fatal(err)
		}
		command.waitFor(`Please answer "y" or "n".`)
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		command.wait()
		if code := command.ProcessState.ExitCode(); code != 1 || !strings.Contains(command.said.String(), "nothing reverted: "+signal.String()) {
			t.Errorf("%v: exit code %d, %s", signal, code, command.said)
		}
	}
}

// A program that does not heed the first signal is killed by the second.
func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "proof.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	command := launch(t, nil, "verify-draw", pipe, "entries.csv")
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // returns when the program has opened it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(patience); ; {
		_ = command.Process.Signal(os.Interrupt)
		select {
		case <-command.ended:
			if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
				t.Errorf("it ended with %v: %s", command.ProcessState, command.said)
			}
			return
		case <-again.C:
		case <-deadline:
			t.Fatal("it outlives every signal")
		}
	}
}

// launched is the binary, running.
type launched struct {
	*exec.Cmd
	t     *testing.T
	stdin io.Writer
	said  *testserver.Log
	ended chan struct{}
}

func launch(t *testing.T, env []string, args ...string) *launched {
	t.Helper()
	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	l := &launched{Cmd: exec.Command(binary, args...), t: t, said: &testserver.Log{}, ended: make(chan struct{})}
	l.Env, l.Stdout, l.Stderr = append(os.Environ(), env...), l.said, l.said
	if l.stdin, err = l.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = l.Wait(); close(l.ended) }()
	t.Cleanup(func() { _ = l.Process.Kill(); <-l.ended })
	return l
}

func (l *launched) waitFor(text string) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(l.said.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("it does not say %q: %s", text, l.said)
		}
	}
}

func (l *launched) wait() {
	l.t.Helper()
	select {
	case <-l.ended:
	case <-time.After(patience):
		l.t.Fatalf("it does not end: %s", l.said)
	}
}
