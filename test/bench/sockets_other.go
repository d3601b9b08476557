//go:build !linux

package main

import (
	"time"

	"golang.org/x/sys/unix"
)

func poll(sockets []unix.PollFd, patience time.Duration) (ready int, err error) {
	return unix.Poll(sockets, int(patience.Milliseconds()))
}

func read(fd int, p []byte) (int, error) { return unix.Read(fd, p) }

func writeSome(fd int, p []byte) (int, error) { return unix.Write(fd, p) }
