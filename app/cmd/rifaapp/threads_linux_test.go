package main

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// A serving process does not take a processor from the database beside it, with none of its threads.
func TestServeYieldsOnWaking(t *testing.T) {
	t.Parallel()
	p := start(t, testdb.New(t).Env()...)
	p.want(p.call("GET", "/ready", ""), 200, "")
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		thread, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(thread, 0)
		if errors.Is(err, unix.ESRCH) { // it has ended
			continue
		}
		if err != nil || attr.Policy == unix.SCHED_NORMAL {
			t.Errorf("thread %d has scheduling policy %v, %v", thread, attr, err)
		}
	}
}
