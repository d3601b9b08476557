package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
)

// suspect marks, in a connection's own data, one that must prove itself before it is used.
const suspect = "rifaapp.suspect"

// suspectSome marks a connection that was idle for a second, and each that an invocation takes for the
// first time. It keeps the pool from its own ping, which leaves a dead connection to a clean end that may
// take 15 s; a pool of one has no other until then.
func suspectSome(ctx context.Context, p pgxpool.ShouldPingParams) bool {
	data := p.Conn.PgConn().CustomData()
	if firstInInvocation(ctx, data) || p.IdleDuration > pingAfterIdle {
		data[suspect] = true
	}
	return false
}

// checked lets a connection be used, unless it was suspect and does not answer within 750 ms: then its
// socket is closed without ceremony, and the pool makes another.
func checked(ctx context.Context, conn *pgx.Conn) (use bool, err error) {
	data := conn.PgConn().CustomData()
	if data[suspect] == nil {
		return true, nil
	}
	delete(data, suspect)
	socket := conn.PgConn().Conn()
	deadline := time.Now().Add(pingTimeout)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	if socket.SetDeadline(deadline) == nil && answersSync(conn) && socket.SetDeadline(time.Time{}) == nil {
		return true, nil
	}
	_ = socket.Close()
	return false, nil
}

// answersSync sends the smallest message that the server must answer, and reads until it has.
func answersSync(conn *pgx.Conn) bool {
	frontend := conn.PgConn().Frontend()
	frontend.Send(&pgproto3.Sync{})
	if frontend.Flush() != nil {
		return false
	}
	for {
		message, err := frontend.Receive()
		if err != nil {
			return false
		}
		switch message.(type) {
		case *pgproto3.ReadyForQuery:
			return true
		case *pgproto3.ErrorResponse: // the server said farewell before it closed
			return false
		}
	}
}

// partSoon waits a moment for the clean end of a connection whose statement was given up, and then closes its
// socket. The driver waits 15 s for a server that went silent, and the connection keeps its place in the pool
// meanwhile. Any other connection ends without waiting.
func partSoon(conn *pgx.Conn) {
	if !conn.IsClosed() {
		return
	}
	timer := time.NewTimer(partTimeout)
	defer timer.Stop()
	select {
	case <-conn.PgConn().CleanupDone():
	case <-timer.C:
		_ = conn.PgConn().Conn().Close()
	}
}
