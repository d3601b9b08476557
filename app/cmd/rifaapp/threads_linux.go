package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// yieldOnWaking lets the threads of this process wait for a free processor when they wake up, instead of
// taking one from whatever runs there (SCHED_BATCH of sched(7)). On a machine that PostgreSQL shares, that
// is mostly the backend that has just answered, or another that holds locks: with 8 buyers on two cores a
// cycle of buying costs the API a tenth less so. Where nothing else runs it makes no difference. Threads
// that start later take it over from the thread that starts them. A policy that somebody chose for the
// process (chrt, systemd) stays.
func yieldOnWaking() error {
	const threads = "/proc/self/task"
	for before := -1; ; { // again, for those that were started meanwhile by one not yet reached
		entries, err := os.ReadDir(threads)
		if err != nil {
			return err
		}
		if len(entries) <= before {
			return nil
		}
		before = len(entries)
		for _, entry := range entries {
			thread, err := strconv.Atoi(entry.Name())
			if err != nil {
				return fmt.Errorf("%s has %s, which is no thread", threads, entry.Name())
			}
			if err := batch(thread); err != nil && !errors.Is(err, unix.ESRCH) { // that has ended
				return err
			}
		}
	}
}

func batch(thread int) error {
	attr, err := unix.SchedGetAttr(thread, 0)
	if err != nil {
		return fmt.Errorf("sched_getattr: %w", err)
	}
	if attr.Policy != unix.SCHED_NORMAL {
		return nil
	}
	attr.Policy = unix.SCHED_BATCH // as nice as before
	if err := unix.SchedSetAttr(thread, attr, 0); err != nil {
		return fmt.Errorf("sched_setattr: %w", err)
	}
	return nil
}
