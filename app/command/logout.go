package command

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/postgres"
)

// Logout revokes the session that a refresh token belongs to, with all tokens of its family. It
// succeeds for any token, so that repeating it is harmless and nobody learns which tokens exist. The
// access tokens already issued live on until they expire, at most 60 minutes.
func (a *Accounts) Logout(ctx context.Context, token string) error {
	hash, ok := auth.ParseRefreshToken(token)
	if !ok {
		return nil
	}
	return postgres.InTxResolved(ctx, a.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE sessions SET revoked_at = COALESCE(revoked_at, $2)
			 WHERE id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)`, hash[:], a.now())
		return err
	})
}
