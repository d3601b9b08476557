// Package scheduling sets how Linux schedules a program that shares its processors with the database
// it talks to.
package scheduling

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	slack        = 2 * time.Millisecond
	defaultSlack = 50 * time.Microsecond // of a process for which nobody chose one; see prctl(2)

	envRestarted = "RIFAAPP_SCHEDULED"
)

// BesideDatabase makes the threads of this program good neighbours of the database that answers them.
// With 8 buyers on two cores a cycle of buying costs the API a quarter less so; where nothing else
// runs it makes no difference.
//
//   - A thread that wakes up waits for a free processor instead of taking one from what runs there
//     (SCHED_BATCH of sched(7)), which mostly is the backend that has just answered it.
//   - Timers may be 2 ms late (timer slack of prctl(2)). The Go runtime's monitor looks after busy
//     threads every 20 µs in the first millisecond after each idle moment; it comes now and then so.
//
// Threads take both over from the one that starts them, and the monitor is started before main. So the
// program starts itself again, with the process id it has (execve): call this first of all. It returns
// in the program that was started again, where there is nothing to change because somebody chose
// (chrt, systemd), or where the system refuses both, which the error tells; the program then goes on as
// it was.
func BesideDatabase() error {
	if os.Getenv(envRestarted) != "" { // whatever came of it: a second time would be no better
		return os.Unsetenv(envRestarted)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	batched, err := batch()
	relaxed, alsoErr := relax()
	if !batched && !relaxed {
		return errors.Join(err, alsoErr)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return fmt.Errorf("start %s again: %w", program, unix.Exec(program, os.Args, append(os.Environ(), envRestarted+"=1")))
}

// batch changes the policy of this thread, which stays as nice as it is.
func batch() (changed bool, err error) {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return false, fmt.Errorf("sched_getattr: %w", err)
	}
	if attr.Policy != unix.SCHED_NORMAL {
		return false, nil
	}
	attr.Policy = unix.SCHED_BATCH
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		return false, fmt.Errorf("sched_setattr: %w", err)
	}
	return true, nil
}

// relax changes the timer slack of this thread.
func relax() (changed bool, err error) {
	was, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return false, fmt.Errorf("the timer slack is unknown: %w", err)
	}
	if time.Duration(was) != defaultSlack {
		return false, nil
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0); err != nil {
		return false, fmt.Errorf("the timer slack stays: %w", err)
	}
	return true, nil
}
