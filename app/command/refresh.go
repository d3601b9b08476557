package command

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Refresh trades a refresh token for the next pair. A token works once. Seeing it again means that
// two parties hold it, so its whole family is revoked: both must log in again. Every refusal is the
// same raffle.CodeInvalidRefresh. Without keys to sign with the token stays unused.
func (a *Accounts) Refresh(ctx context.Context, token string) (TokenPair, error) {
	hash, ok := auth.ParseRefreshToken(token)
	if !ok {
		return TokenPair{}, errInvalidRefresh()
	}
	if err := a.Tokens.Ready(); err != nil {
		return TokenPair{}, err
	}
	now, next := a.now(), newOpening()
	known := knownToken{hash: hash}
	accepted, err := known.use(ctx, a.DB, next, now)
	if err != nil {
		return TokenPair{}, err
	}
	if !accepted { // after the commit: the revocation must stay
		return TokenPair{}, errInvalidRefresh()
	}
	return a.pair(known.user, next.token)
}

// knownToken is what is known of a refresh token that somebody presents.
type knownToken struct {
	hash          auth.RefreshHash
	session, user uuid.UUID // none when there is no such token
	expires       time.Time
	used, revoked *time.Time
}

// use rotates the token in one transaction.
func (k *knownToken) use(ctx context.Context, db *pgxpool.Pool, next opening, now time.Time) (accepted bool, err error) {
	err = postgres.InFewTrips(ctx, db, next.committed, k.ask, func(tx pgx.Tx, last *pgx.Batch) (err error) {
		accepted, err = k.rotate(ctx, tx, last, next, now)
		return err
	})
	return accepted, err
}

// ask looks the token up and locks its row: that lets one of two simultaneous uses through, the other
// finds it used.
func (k *knownToken) ask(b *pgx.Batch) {
	*k = knownToken{hash: k.hash}
	b.Queue(`
		SELECT s.id, s.user_id, s.revoked_at, t.expires_at, t.used_at
		  FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
		 WHERE t.token_hash = $1
		   FOR UPDATE`, k.hash[:]).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&k.session, &k.user, &k.revoked, &k.expires, &k.used)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

// rotate queues the use of the token and its successor, or the revocation of all of its family.
func (k *knownToken) rotate(ctx context.Context, tx pgx.Tx, last *pgx.Batch, next opening, now time.Time) (accepted bool, err error) {
	switch {
	case k.session == uuid.Nil || k.revoked != nil:
		return false, nil
	case k.used != nil:
		if accepted, err = next.stored(ctx, tx); err != nil || accepted {
			return accepted, err // used by this very call, whose first commit was not answered
		}
		last.Queue(`UPDATE sessions SET revoked_at = $2 WHERE id = $1`, k.session, now)
		return false, nil
	case !now.Before(k.expires):
		return false, nil
	}
	last.Queue(`UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1`, k.hash[:], now)
	queueRefreshToken(last, next.hash, k.session, now)
	return true, nil
}

func errInvalidRefresh() error {
	return raffle.Refuse(raffle.CodeInvalidRefresh, "This refresh token is not valid any more; log in again.")
}
