package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The bench runs itself with this argument, a target and an address as the network in front of PostgreSQL.
const delayArg = "delay"

// delay starts a process that passes everything on to a port, each way half a round trip late, as a network
// would: what is sent meanwhile is not held up by what is on its way. It answers its own port.
func (b *bench) delay(ctx context.Context, port int) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	p, err := b.launch(ctx, nil, self, delayArg, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	err = p.until(ctx, func(ctx context.Context) bool {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	_, own, _ := net.SplitHostPort(p.address)
	port, _ = strconv.Atoi(own)
	return port, err
}

// wire is one direction of a connection.
type wire struct {
	from, to int // sockets
	back     *wire
	onItsWay []parcel
	closed   bool
}

// parcel is what was read at once; without data, the end of the connection.
type parcel struct {
	due  time.Time
	data []byte
}

// serveDelay relays connections until its process ends. One thread waits for all sockets, and for the moment
// at which the next parcel is due: the runtime's own timers are late by as much as a millisecond.
func serveDelay(target, address string, oneWay time.Duration) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	door, err := socketOf(listener)
	if err != nil {
		return err
	}
	var wires []*wire
	for {
		sockets := []unix.PollFd{{Fd: int32(door), Events: unix.POLLIN}}
		patience := clientTimeout
		for _, w := range wires {
			sockets = append(sockets, unix.PollFd{Fd: int32(w.from), Events: unix.POLLIN})
			if len(w.onItsWay) > 0 {
				patience = min(patience, max(0, time.Until(w.onItsWay[0].due)))
			}
		}
		if _, err := poll(sockets, patience); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for nth, w := range wires {
			if sockets[nth+1].Revents != 0 {
				w.take(oneWay)
			}
			if err := w.deliver(); err != nil {
				return err
			}
		}
		wires = open(wires)
		if sockets[0].Revents != 0 {
			there, err := accept(door, target)
			if err != nil {
				return err
			}
			wires = append(wires, there, there.back)
		}
	}
}

// accept makes a connection's two wires.
func accept(door int, target string) (*wire, error) {
	client, _, err := unix.Accept(door)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", target)
	if err != nil {
		return nil, err
	}
	server, err := socketOf(conn)
	if err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(client, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	there := &wire{from: client, to: server}
	there.back = &wire{from: server, to: client, back: there}
	return there, nil
}

// socketOf takes a socket from the runtime's poller.
func socketOf(polled io.Closer) (int, error) {
	defer func() { _ = polled.Close() }()
	filed, ok := polled.(interface{ File() (*os.File, error) })
	if !ok {
		return 0, errors.New("no socket of the system's")
	}
	file, err := filed.File()
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	return unix.Dup(int(file.Fd()))
}

// take reads what is there to read and sends it on its way.
func (w *wire) take(late time.Duration) {
	if w.closed {
		return
	}
	if last := len(w.onItsWay) - 1; last >= 0 && w.onItsWay[last].data == nil {
		return // it has ended
	}
	data := make([]byte, 16<<10)
	n, err := read(w.from, data)
	if errors.Is(err, unix.EINTR) {
		return
	}
	p := parcel{due: time.Now().Add(late)}
	if n > 0 {
		p.data = data[:n]
	}
	w.onItsWay = append(w.onItsWay, p)
}

// deliver hands over what is due. Where one side has gone the connection is.
func (w *wire) deliver() error {
	for !w.closed && len(w.onItsWay) > 0 && !w.onItsWay[0].due.After(time.Now()) {
		p := w.onItsWay[0]
		w.onItsWay = w.onItsWay[1:]
		if p.data == nil || write(w.to, p.data) != nil {
			w.closed, w.back.closed = true, true
			return errors.Join(unix.Close(w.from), unix.Close(w.to))
		}
	}
	return nil
}

// open are the wires that are left.
func open(wires []*wire) (left []*wire) {
	for _, w := range wires {
		if !w.closed {
			left = append(left, w)
		}
	}
	return left
}
