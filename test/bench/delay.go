package main

import (
	"context"
	"net"
	"strconv"
	"time"
)

// delay listens on a free port and passes everything on to another, each way half a round trip
// late, as a network would: what is sent meanwhile is not held up by what is on its way.
func (b *bench) delay(ctx context.Context, port int, roundTrip time.Duration) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	b.later(func() { _ = listener.Close() })
	target := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go relay(client, target, roundTrip/2)
		}
	}()
	address, _ := listener.Addr().(*net.TCPAddr)
	return address.Port, nil
}

func relay(client net.Conn, target string, oneWay time.Duration) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	go carry(server, client, oneWay)
	carry(client, server, oneWay)
}

type parcel struct {
	due  time.Time
	data []byte
}

// carry copies from one side to the other, late.
func carry(to, from net.Conn, late time.Duration) {
	parcels := make(chan parcel, 256)
	go func() {
		defer close(parcels)
		for {
			data := make([]byte, 16<<10)
			n, err := from.Read(data)
			if n > 0 {
				parcels <- parcel{time.Now().Add(late), data[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range parcels {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	for range parcels { // let the reader end
		continue
	}
}
