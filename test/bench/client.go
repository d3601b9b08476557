package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// client speaks just enough HTTP/1.1 over one connection to cost the machine little: it shares the
// cores with the server that it measures. Its socket blocks, as that of pgbench does: waiting in the
// kernel costs less than the runtime's poller with its wake-ups.
type client struct {
	conn    *os.File
	in      *bufio.Reader
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
	if err := blocking(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), address: p.address}, nil
}

// blocking lets reads and writes wait in the kernel, at most for clientTimeout.
func blocking(conn *os.File) error {
	fd := int(conn.Fd()) // which takes it from the poller
	limit := syscall.NsecToTimeval(clientTimeout.Nanoseconds())
	return errors.Join(
		syscall.SetNonblock(fd, false),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit),
	)
}

func (c *client) close() { _ = c.conn.Close() }

// call sends one request; header lines end in \r\n. The body of the answer is in c.body.
func (c *client) call(method, path, header string, body []byte) (status int, err error) {
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
	if _, err := c.conn.Write(b); err != nil {
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
