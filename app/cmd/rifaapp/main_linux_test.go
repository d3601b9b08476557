package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
)

// A serving process does not take a processor from the database beside it, with none of its threads.
func TestServeRunsBesideDatabase(t *testing.T) {
	t.Parallel()
	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	serving, err := testserver.Launch(binary, testdb.New(t).Env()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(serving.Stop)
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", serving.ID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range threads {
		thread, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(thread, 0)
		if errors.Is(err, unix.ESRCH) { // it has ended
			continue
		}
		if err != nil || attr.Policy != unix.SCHED_BATCH {
			t.Errorf("thread %d has scheduling policy %v, %v", thread, attr, err)
		}
	}
}
