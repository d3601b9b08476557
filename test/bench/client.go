package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// client speaks just enough HTTP/1.1 over one connection to cost the machine little: it shares the
// cores with the server that it measures. It waits as pgbench does: one thread waits for the sockets of
// all clients that run together, which costs less than the runtime's poller with its wake-ups.
type client struct {
	conn    *os.File
	fd      int
	in      *bufio.Reader
	wait    func() error // until there is something to read
	ended   func() error // of the process
	address string
	out     []byte
	body    []byte // of the last answer; good until the next call
	etag    string
}

const clientTimeout = 60 * time.Second

func (p *process) client() (*client, error) {
	polled, err := net.Dial("tcp", p.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = polled.Close() }()
	tcp, ok := polled.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("%s is no TCP connection", p.address)
	}
	conn, err := tcp.File() // a copy, which goes on when the other is closed
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, fd: int(conn.Fd()), address: p.address, ended: p.ended} // which takes it from the runtime's poller
	c.in = bufio.NewReaderSize(c, 64<<10)
	c.wait = func() error { return awaitOne([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}) }
	return c, nil
}

// awaitOne waits until one of the sockets has something to read; the others say so with no Revents.
func awaitOne(sockets []unix.PollFd) error {
	for {
		n, err := poll(sockets, clientTimeout)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("no answer within %s", clientTimeout)
		default:
			return nil
		}
	}
}

// Read waits for the answer first: it has hardly ever come when it is asked for.
func (c *client) Read(p []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	n, err := read(c.fd, p)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(0, n), err
}

// write sends all of p.
func write(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := writeSome(fd, p)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		p = p[max(0, n):]
	}
	return nil
}

func (c *client) close() { _ = c.conn.Close() }

// errLeft ends a client that nobody goes on with.
var errLeft = errors.New("the clients have stopped")

// inTurns runs clients on this one goroutine: each until it waits, then those whose answer has come.
func inTurns(clients []*client, each func(c *client, nth int) error) error {
	resume, waiting := make([]func() (struct{}, bool), len(clients)), make([]unix.PollFd, 0, len(clients))
	var faults []error
	for nth, c := range clients {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			c.wait = func() error {
				if !yield(struct{}{}) {
					return errLeft
				}
				return nil
			}
			if err := each(c, nth); err != nil {
				faults = append(faults, err)
			}
		})
		defer stop()
		resume[nth] = next
		if _, runs := next(); runs {
			waiting = append(waiting, unix.PollFd{Fd: int32(c.fd), Events: unix.POLLIN})
		}
	}
	byFd := make(map[int32]int, len(clients))
	for nth, c := range clients {
		byFd[int32(c.fd)] = nth
	}
	for len(waiting) > 0 {
		if err := awaitOne(waiting); err != nil {
			return errors.Join(append(faults, err)...)
		}
		waiting = slices.DeleteFunc(waiting, func(socket unix.PollFd) bool {
			if socket.Revents == 0 {
				return false
			}
			_, runs := resume[byFd[socket.Fd]]()
			return !runs
		})
	}
	return errors.Join(faults...)
}

// call sends one request; header lines end in \r\n. The body of the answer is in c.body.
func (c *client) call(method, path, header string, body []byte) (status int, err error) {
	if err := c.ended(); err != nil {
		return 0, err
	}
	b := c.out[:0]
	b = append(b, method...)
	b = append(b, ' ')
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.address...)
	b = append(b, "\r\n"...)
	b = append(b, header...)
	if body != nil {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(append(b, "\r\n"...), body...)
	c.out = b
	if err := write(c.fd, b); err != nil {
		return 0, err
	}
	return c.answer()
}

func (c *client) answer() (status int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("no status line: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := 0
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Etag")):
			c.etag = string(value)
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, errors.New("a chunked answer, which this client does not read")
		}
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.in, c.body)
	return status, err
}

// field is a text of the last answer, which is flat JSON.
func (c *client) field(name string) string {
	_, rest, _ := bytes.Cut(c.body, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(value)
}
