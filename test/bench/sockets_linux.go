package main

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These system calls are made without telling the Go runtime: told of each, its monitor would get up to
// see whether the call takes long, and cost a client a third of its time. Where others of the program
// need the processor, the runtime's signal ends the wait early (EINTR).

func poll(sockets []unix.PollFd, patience time.Duration) (ready int, err error) {
	until := unix.NsecToTimespec(int64(patience))
	n, _, fault := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&sockets[0])), uintptr(len(sockets)), uintptr(unsafe.Pointer(&until)), 0, 0, 0)
	return result(n, fault)
}

func read(fd int, p []byte) (int, error) {
	n, _, fault := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, fault)
}

func writeSome(fd int, p []byte) (int, error) {
	n, _, fault := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, fault)
}

func result(n uintptr, fault unix.Errno) (int, error) {
	if fault != 0 {
		return 0, fault
	}
	return int(n), nil
}
