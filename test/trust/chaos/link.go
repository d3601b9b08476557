package chaos

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// link is the network between the API and PostgreSQL: a TCP proxy that can be cut, so that neither
// side knows what the other has heard.
type link struct {
	listener net.Listener
	target   string
	deaf     atomic.Bool // answers of the server get lost

	mu    sync.Mutex
	pairs map[*pair]bool
}

// pair is one connection, both halves.
type pair struct{ client, server net.Conn }

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

func newLink(target string) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{listener: listener, target: target, pairs: map[*pair]bool{}}
	go l.accept()
	return l, nil
}

func (l *link) port() int { return l.listener.Addr().(*net.TCPAddr).Port }

func (l *link) close() {
	_ = l.listener.Close()
	l.cut()
}

// cut ends every connection at once, whatever is under way.
func (l *link) cut() (connections int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.close()
	}
	return len(l.pairs)
}

// loseAnswers lets statements through and drops what the server says to them until hear.
func (l *link) loseAnswers() { l.deaf.Store(true) }

// hear cuts the connections whose answers got lost and lets new ones work.
func (l *link) hear() (connections int) {
	connections = l.cut()
	l.deaf.Store(false)
	return connections
}

func (l *link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.carry(client)
	}
}

func (l *link) carry(client net.Conn) {
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p := &pair{client, server}
	l.mu.Lock()
	l.pairs[p] = true
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, client)
		p.close()
	})
	both.Go(func() {
		_, _ = io.Copy(&answers{l, client}, server)
		p.close()
	})
	both.Wait()
	l.mu.Lock()
	delete(l.pairs, p)
	l.mu.Unlock()
}

// answers is the way back to the client.
type answers struct {
	link   *link
	client net.Conn
}

func (a *answers) Write(p []byte) (int, error) {
	if a.link.deaf.Load() {
		return len(p), nil
	}
	return a.client.Write(p)
}
