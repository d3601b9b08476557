package scheduling

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const envAsks = "RIFAAPP_TEST_SCHEDULING"

// The tests' program is started as one that calls BesideDatabase first of all.
func TestMain(m *testing.M) {
	if os.Getenv(envAsks) == "" {
		os.Exit(m.Run())
	}
	if err := BesideDatabase(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	said := make(chan string)
	go func() { // on a thread that the runtime has started
		runtime.LockOSThread()
		said <- attributes(os.Getpid(), os.Args[1:])
	}()
	runtime.LockOSThread() // so that it is another thread than the first
	fmt.Println(<-said)
}

func attributes(process int, args []string) string {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return err.Error()
	}
	timers, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return err.Error()
	}
	_, restarted := os.LookupEnv(envRestarted)
	return fmt.Sprintf("policy %d, slack %v, process %d, arguments %q, leftovers %v", attr.Policy, time.Duration(timers), process, args, restarted)
}

func ask(t *testing.T, start func(*exec.Cmd) error) (said string, process int) {
	t.Helper()
	command := exec.Command(os.Args[0], "a", "b c")
	command.Env = append(os.Environ(), envAsks+"=1")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := start(command); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, _ := output.Read(buffer)
	if err := command.Wait(); err != nil {
		t.Fatalf("%v: %s", err, buffer[:n])
	}
	return string(buffer[:n]), command.Process.Pid
}

func TestBesideDatabase(t *testing.T) {
	t.Parallel()
	said, process := ask(t, (*exec.Cmd).Start)
	if want := fmt.Sprintf("policy %d, slack 2ms, process %d, arguments [\"a\" \"b c\"], leftovers false\n", unix.SCHED_BATCH, process); said != want {
		t.Errorf("got  %swant %s", said, want)
	}
}

// What somebody chose for the program stays.
func TestBesideDatabaseLeavesChoices(t *testing.T) {
	t.Parallel()
	said, process := ask(t, func(command *exec.Cmd) error {
		started := make(chan error)
		go func() { // the thread ends with this goroutine, which does not unlock it
			runtime.LockOSThread()
			attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
			if err := unix.SchedSetAttr(0, attr, 0); err != nil {
				started <- err
				return
			}
			if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(time.Millisecond), 0, 0, 0); err != nil {
				started <- err
				return
			}
			started <- command.Start()
		}()
		return <-started
	})
	if want := fmt.Sprintf("policy %d, slack 1ms, process %d, arguments [\"a\" \"b c\"], leftovers false\n", unix.SCHED_IDLE, process); said != want {
		t.Errorf("got  %swant %s", said, want)
	}
}
