package lambdalocal

import (
	"io"
	"net"
	"sync"
)

// Link is the network between the function and its database. It can cut what is open, and it can let
// it go silent, as a network does that forgets connections: nothing arrives, and nobody is told.
type Link struct {
	Address string // where the function finds the database

	target   string
	listener net.Listener
	mu       sync.Mutex
	open     map[*connection]struct{}
}

// connection is one from the function and its other half to the database.
type connection struct {
	near, far net.Conn
	silent    chan struct{} // closed when nothing may arrive any more
	once      sync.Once
}

// NewLink leads to the database at target, a host:port.
func NewLink(target string) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{Address: listener.Addr().String(), target: target, listener: listener, open: map[*connection]struct{}{}}
	go l.accept()
	return l, nil
}

func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		go l.carry(near)
	}
}

func (l *Link) carry(near net.Conn) {
	far, err := net.Dial("tcp", l.target)
	if err != nil {
		_ = near.Close()
		return
	}
	c := &connection{near: near, far: far, silent: make(chan struct{})}
	l.mu.Lock()
	l.open[c] = struct{}{}
	l.mu.Unlock()
	var halves sync.WaitGroup
	halves.Go(func() { c.pump(far, near) })
	halves.Go(func() { c.pump(near, far) })
	halves.Wait()
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
}

// pump carries one direction until it ends; then the whole connection ends, unless it is silent.
func (c *connection) pump(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-c.silent:
			if from == c.near && err != nil {
				c.close() // the function gave up
				return
			}
			if err != nil {
				return
			}
			continue
		default:
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				c.close()
				return
			}
		}
		if err != nil {
			c.close()
			return
		}
	}
}

func (c *connection) close() {
	_ = c.near.Close()
	_ = c.far.Close()
}

// Cut ends every open connection, on both sides, and returns how many there were.
func (l *Link) Cut() int {
	return l.each(func(c *connection) { c.close() })
}

// Silence lets nothing pass on the connections that are open now, without ending them. New ones work.
func (l *Link) Silence() int {
	return l.each(func(c *connection) { c.once.Do(func() { close(c.silent) }) })
}

func (l *Link) each(do func(*connection)) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		do(c)
	}
	return len(l.open)
}

// Close ends the link and all that it carries.
func (l *Link) Close() error {
	err := l.listener.Close()
	l.Cut()
	return err
}

var _ io.Closer = (*Link)(nil)
