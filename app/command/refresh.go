package command

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Refresh trades a refresh token for the next pair. A token works once. Seeing it again means that
// two parties hold it, so its whole family is revoked: both must log in again. Every refusal is the
// same raffle.CodeInvalidRefresh.
func (a *Accounts) Refresh(ctx context.Context, token string) (TokenPair, error) {
	hash, ok := auth.ParseRefreshToken(token)
	if !ok {
		return TokenPair{}, errInvalidRefresh()
	}
	now, next := a.now(), newOpening()
	var user uuid.UUID
	var accepted bool
	err := postgres.InTxResolved(ctx, a.DB, next.committed, func(tx pgx.Tx) (err error) {
		user, accepted, err = rotate(ctx, tx, hash, next, now)
		return err
	})
	if err != nil {
		return TokenPair{}, err
	}
	if !accepted { // after the commit: the revocation must stay
		return TokenPair{}, errInvalidRefresh()
	}
	return a.pair(user, next.token)
}

// rotate uses the token and stores its successor. The row lock on the token lets one of two
// simultaneous uses through; the other finds it used.
func rotate(ctx context.Context, tx pgx.Tx, hash auth.RefreshHash, next opening, now time.Time) (user uuid.UUID, accepted bool, err error) {
	var session uuid.UUID
	var expires time.Time
	var used, revoked *time.Time
	err = tx.QueryRow(ctx, `
		SELECT s.id, s.user_id, s.revoked_at, t.expires_at, t.used_at
		  FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
		 WHERE t.token_hash = $1
		   FOR UPDATE`, hash[:]).Scan(&session, &user, &revoked, &expires, &used)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return uuid.Nil, false, nil
	case err != nil:
		return uuid.Nil, false, err
	case revoked != nil:
		return uuid.Nil, false, nil
	case used != nil:
		if accepted, err = next.stored(ctx, tx); err != nil || accepted {
			return user, accepted, err // used by this very call, whose first commit was not answered
		}
		_, err = tx.Exec(ctx, `UPDATE sessions SET revoked_at = $2 WHERE id = $1`, session, now)
		return uuid.Nil, false, err
	case !now.Before(expires):
		return uuid.Nil, false, nil
	}
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1`, hash[:], now)
	queueRefreshToken(batch, next.hash, session, now)
	return user, true, tx.SendBatch(ctx, batch).Close()
}

func errInvalidRefresh() error {
	return raffle.Refuse(raffle.CodeInvalidRefresh, "This refresh token is not valid any more; log in again.")
}
