package lambdalocal

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// instance is one process with a Runtime API of its own.
type instance struct {
	api     *runtimeAPI
	process *exec.Cmd
	exited  chan struct{}
	frozen  bool
}

const (
	region   = "us-east-1"
	memoryMB = "512"
)

// startInstance starts the program as Lambda does, and returns when it asks for its first event.
func startInstance(o Options) (*instance, time.Duration, error) {
	api, err := startRuntimeAPI()
	if err != nil {
		return nil, 0, err
	}
	i := &instance{api: api, process: exec.Command(o.Program), exited: make(chan struct{})}
	i.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + api.address, "AWS_LAMBDA_FUNCTION_NAME=rifaapp-local", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + memoryMB, "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region, "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task", "LANG=en_US.UTF-8", "TZ=:UTC",
		"GOMEMLIMIT=460MiB", "PATH=" + os.Getenv("PATH"),
	}, o.Env...)
	i.process.Stdout, i.process.Stderr = o.Log, o.Log
	i.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours: a frozen process could not react
	started := time.Now()
	if err := i.process.Start(); err != nil {
		api.close()
		return nil, 0, fmt.Errorf("start the function: %w", err)
	}
	go func() { _ = i.process.Wait(); close(i.exited) }()
	ready, err := i.waitReady()
	if err != nil {
		i.kill()
		return nil, 0, err
	}
	return i, ready.Sub(started), nil
}

func (i *instance) waitReady() (ready time.Time, err error) {
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case ready := <-i.api.asked:
		return ready, nil
	case failed := <-i.api.initFailed:
		return time.Time{}, failed
	case <-i.exited:
		select {
		case failed := <-i.api.initFailed:
			return time.Time{}, failed
		default:
		}
		return time.Time{}, &Error{"Runtime.ExitError", "the function ended before it was ready: " + i.process.ProcessState.String()}
	case <-timer.C:
		return time.Time{}, &Error{"Sandbox.Timedout", fmt.Sprintf("the function was not ready within %s", initTimeout)}
	}
}

// invoke hands the event to the process, which is waiting for it, and waits for the answer.
func (i *instance) invoke(payload []byte, timeout time.Duration) ([]byte, error) {
	deadline := time.Now().Add(timeout)
	call := newInvocation(payload, deadline)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case i.api.events <- call:
	case <-i.exited:
		return nil, i.exitError()
	case <-timer.C:
		return nil, timedOut(timeout)
	}
	select {
	case result := <-call.done:
		return result.answer, result.err
	case <-i.exited:
		return nil, i.exitError()
	case <-timer.C:
		i.kill()
		return nil, timedOut(timeout)
	}
}

func (i *instance) exitError() error {
	return &Error{"Runtime.ExitError", "the function ended while it had an event to answer: " + i.process.ProcessState.String()}
}

func timedOut(timeout time.Duration) error {
	return &Error{"Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())}
}

// settle waits until the process asks for its next event and freezes it then; false means that it is
// no use any more.
func (i *instance) settle(freeze bool) bool {
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case <-i.api.asked:
	case <-i.exited:
		return false
	case <-timer.C:
		return false
	}
	return !freeze || i.freeze()
}

// freeze stops the process and returns when it stands still; false means that it is dead.
func (i *instance) freeze() bool {
	i.frozen = i.process.Process.Signal(syscall.SIGSTOP) == nil
	for i.frozen {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.process.Process.Pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return false
		}
		if bytes.Contains(stat, []byte(") T ")) {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// wake lets a sleeping process run on; false means that it is dead.
func (i *instance) wake() bool {
	select {
	case <-i.exited:
		return false
	default:
	}
	if !i.frozen {
		return true
	}
	i.frozen = false
	return i.process.Process.Signal(syscall.SIGCONT) == nil
}

// kill ends the process, asleep or not, without a word of warning.
func (i *instance) kill() {
	_ = i.process.Process.Kill() // the one error is that it ended already
	<-i.exited
	i.api.close()
}
