package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// keptAnswers is how long an answer can be replayed at least.
const keptAnswers = 24 * time.Hour

// Idempotency makes a request that carries an Idempotency-Key take effect once: its answer is stored
// by the transaction of its own command and replayed to whoever asks again.
type Idempotency struct {
	DB *pgxpool.Pool
}

// KeyedRequest is a request as its key stands for it.
type KeyedRequest struct {
	Caller *uuid.UUID // nil without a token
	Route  string     // method and path, with its ids
	Key    string
	Body   []byte
}

// Answer is what the client is told, byte for byte.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Once answers the request. The first time it calls run, in a transaction that commands called with
// the context join, and stores what run answers in it; later it replays that answer. run returns an
// error for what must not be stored, such as a fault of the database; it may run several times.
//
// It refuses with CodeIdempotencyReused when the key came with another body, and with
// CodeIdempotencyRunning while the first request is being answered.
func (i *Idempotency) Once(ctx context.Context, request KeyedRequest, run func(ctx context.Context) (Answer, error)) (answer Answer, replayed bool, err error) {
	key, body := request.hash(), sha256.Sum256(request.Body)
	var later afterCommit
	ctx = later.in(ctx)
	stored := func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
		answer, done, err = scanAnswer(db.QueryRow(ctx, selectAnswer, key[:]), body)
		return done, err
	}
	var (
		mine   bool
		reused error // kept until the statements are read: they stay prepared then
	)
	ask := func(b *pgx.Batch) {
		mine, replayed, reused = false, false, nil
		// It does not wait for whoever has the key, which would hold a connection meanwhile: they run the
		// first request, or look its answer up at this moment.
		b.Queue(`SELECT pg_try_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(key[:8]))).
			QueryRow(func(row pgx.Row) error { return row.Scan(&mine) })
		b.Queue(selectAnswer, key[:]).QueryRow(func(row pgx.Row) (err error) {
			answer, replayed, err = scanAnswer(row, body)
			if _, refused := errors.AsType[*raffle.Error](err); refused {
				reused, err = err, nil
			}
			return err
		})
	}
	err = postgres.InFewTrips(ctx, i.DB, stored, ask, func(tx pgx.Tx, last *pgx.Batch) (err error) {
		later.reset()
		if replayed || reused != nil {
			return reused
		}
		if !mine {
			return raffle.Refuse(raffle.CodeIdempotencyRunning, "The first request with this Idempotency-Key is still running; try again shortly.")
		}
		if answer, err = run(postgres.WithTx(ctx, tx)); err != nil {
			return err
		}
		last.Queue(`
			INSERT INTO idempotency_keys (key_hash, request_hash, status, header, body) VALUES ($1, $2, $3, $4, $5)`,
			key[:], body[:], answer.Status, answer.Header, answer.Body)
		return nil
	})
	if err == nil && !replayed {
		later.run(ctx)
	}
	return answer, replayed, err
}

const selectAnswer = `SELECT request_hash, status, header, body FROM idempotency_keys WHERE key_hash = $1`

// scanAnswer reads a stored answer, if there is one, for a request with this body.
func scanAnswer(row pgx.Row, body [sha256.Size]byte) (answer Answer, found bool, err error) {
	var hash []byte
	err = row.Scan(&hash, &answer.Status, &answer.Header, &answer.Body)
	if errors.Is(err, pgx.ErrNoRows) {
		return Answer{}, false, nil
	}
	if err == nil && !bytes.Equal(hash, body[:]) {
		return Answer{}, false, raffle.Refuse(raffle.CodeIdempotencyReused, "This Idempotency-Key was used with another body; use a new key.")
	}
	return answer, err == nil, err
}

// hash scopes the key to the caller and the route. Lengths keep the parts apart.
func (r KeyedRequest) hash() [sha256.Size]byte {
	caller := "nobody"
	if r.Caller != nil {
		caller = r.Caller.String()
	}
	return sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%d:%s", len(caller), caller, len(r.Route), r.Route, len(r.Key), r.Key))
}

// Sweep removes answers that are older than 24 hours and says how many.
func (i *Idempotency) Sweep(ctx context.Context) (removed int, err error) {
	return removeAll(ctx, func() (int, error) {
		tag, err := i.DB.Exec(ctx, `
			DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1) ORDER BY created_at LIMIT $2))`,
			keptAnswers.Seconds(), removeBatch)
		return int(tag.RowsAffected()), err
	})
}
