package testserver

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	readyTimeout = 60 * time.Second
	stopTimeout  = 15 * time.Second
	pollInterval = 10 * time.Millisecond
)

// Process is `rifaapp serve` on an address that it keeps, also over Kill and Restart. Its methods are
// not safe for concurrent use.
type Process struct {
	URL string // up to and including /rifaapp
	Log *Log   // of all its lives

	binary  string
	address string
	env     []string
	command *exec.Cmd
	exited  chan struct{}
}

// Launch starts the binary on a free port and returns when it is ready. env adds to this process's
// environment, each as name=value.
func Launch(binary string, env ...string) (*Process, error) {
	p, err := Begin(binary, env...)
	if err != nil {
		return nil, err
	}
	if err := p.WaitReady(); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Begin is Launch without the wait: the database may not be there or not be migrated yet.
func Begin(binary string, env ...string) (*Process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &Process{URL: "http://" + address + "/rifaapp", Log: &Log{}, binary: binary, address: address, env: env}
	return p, p.begin()
}

// Restart starts the process again after Kill or Stop and returns when it is ready.
func (p *Process) Restart() error {
	if err := p.begin(); err != nil {
		return err
	}
	return p.WaitReady()
}

func (p *Process) begin() error {
	p.command = exec.Command(p.binary, "serve", "--addr", p.address)
	p.command.Env = append(os.Environ(), p.env...)
	p.command.Stdout, p.command.Stderr = p.Log, p.Log
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start the API: %w", err)
	}
	p.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait()
		close(exited)
	}(p.command, p.exited)
	return nil
}

// ID is the process's number, for looking at it from outside.
func (p *Process) ID() int { return p.command.Process.Pid }

// WaitListening returns when the process answers at all, whatever its database does.
func (p *Process) WaitListening() error {
	return p.wait("/health")
}

// WaitReady returns when /ready says so: the database answers and is migrated.
func (p *Process) WaitReady() error {
	return p.wait("/ready")
}

func (p *Process) wait(path string) error {
	deadline := time.Now().Add(readyTimeout)
	for time.Now().Before(deadline) {
		response, err := http.Get(p.URL + path)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.exited:
			return fmt.Errorf("the API ended while starting:\n%s", p.Log)
		case <-time.After(pollInterval):
		}
	}
	return fmt.Errorf("the API was not ready within %s:\n%s", readyTimeout, p.Log)
}

// Kill ends the process as kill -9 does and returns when it is gone.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	<-p.exited
}

// Stop lets the process finish what it is doing.
func (p *Process) Stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.Kill()
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
