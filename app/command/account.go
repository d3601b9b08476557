package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Accounts are the commands of people with an account: register, log in, stay logged in, log out.
// All fields but Now are required.
type Accounts struct {
	DB        *pgxpool.Pool
	Tokens    *auth.Tokens
	Passwords *auth.Passwords
	Now       func() time.Time // the clock; nil means time.Now
}

// Account is a user as the user sees it.
type Account struct {
	ID        uuid.UUID
	Name      string
	Email     string
	CreatedAt time.Time
}

// TokenPair is what a client holds while it is logged in: an access token for requests, and a refresh
// token that it may trade once for the next pair.
type TokenPair struct {
	AccessToken  string
	ExpiresIn    time.Duration // of the access token
	RefreshToken string
}

// Login is an account together with its tokens.
type Login struct {
	Account
	TokenPair
}

// Me returns the account of the caller, or raffle.CodeUnauthenticated when it is gone: the token of one that was
// erased lives on for a while.
func (a *Accounts) Me(ctx context.Context, caller uuid.UUID) (Account, error) {
	account := Account{ID: caller}
	err := a.DB.QueryRow(ctx, `SELECT name, email, created_at FROM users WHERE id = $1 AND NOT `+erased, caller).
		Scan(&account.Name, &account.Email, &account.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Account{}, raffle.Refuse(raffle.CodeUnauthenticated, "This account does not exist any more; log in with another one.")
	}
	if err != nil {
		return Account{}, postgres.Translate(err)
	}
	account.CreatedAt = account.CreatedAt.UTC()
	return account, nil
}

// Sweep deletes what no rule needs any more: expired refresh tokens, sessions left without any, and
// failures older than the throttling window. It returns how many rows went and may be called at any
// time, by several processes at once.
func (a *Accounts) Sweep(ctx context.Context) (removed int, err error) {
	now := a.now()
	failures, err := removeAll(ctx, func() (int, error) {
		tag, err := a.DB.Exec(ctx, `
			DELETE FROM login_failures WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM login_failures WHERE failed_at <= $1 ORDER BY failed_at LIMIT $2))`, now.Add(-longestWindow), removeBatch)
		return int(tag.RowsAffected()), err
	})
	if err != nil {
		return failures, err
	}
	sessions := 0
	tokens, err := removeAll(ctx, func() (tokens int, err error) {
		left := 0
		err = postgres.InTxResolved(ctx, a.DB, postgres.RerunIsSafe, func(tx pgx.Tx) (err error) {
			tokens, left, err = removeTokens(ctx, tx, now)
			return err
		})
		if err != nil {
			return 0, err
		}
		sessions += left
		return tokens, nil
	})
	return failures + tokens + sessions, err
}

// removeTokens removes refresh tokens that are over, at most removeBatch, and the sessions they leave without any.
// A session's newest token is the last to go: none can come after it.
func removeTokens(ctx context.Context, tx pgx.Tx, now time.Time) (tokens, sessions int, err error) {
	rows, err := tx.Query(ctx, `
		DELETE FROM refresh_tokens WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM refresh_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2))
		RETURNING session_id`, now, removeBatch)
	if err != nil {
		return 0, 0, err
	}
	of, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, 0, err
	}
	tag, err := tx.Exec(ctx, `
		DELETE FROM sessions s WHERE s.id = ANY ($1) AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.id)`, of)
	return len(of), int(tag.RowsAffected()), err
}

// opening holds the random parts of a new session, made before the transaction that may run twice.
type opening struct {
	session uuid.UUID
	token   string
	hash    auth.RefreshHash
}

func newOpening() opening {
	token, hash := auth.NewRefreshToken()
	return opening{session: newRowID(), token: token, hash: hash}
}

// open begins a session of user inside the caller's transaction. Doing it again changes nothing: a
// transaction whose commit was not answered may still commit while it is run again.
func (o opening) open(ctx context.Context, tx pgx.Tx, user uuid.UUID, now time.Time) error {
	batch := &pgx.Batch{}
	o.queue(batch, user, now)
	return tx.SendBatch(ctx, batch).Close()
}

func (o opening) queue(batch *pgx.Batch, user uuid.UUID, now time.Time) {
	batch.Queue(`INSERT INTO sessions (id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, o.session, user, now)
	queueRefreshToken(batch, o.hash, o.session, now)
}

func queueRefreshToken(batch *pgx.Batch, hash auth.RefreshHash, session uuid.UUID, now time.Time) {
	batch.Queue(`
		INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		hash[:], session, now, now.Add(auth.RefreshLifetime))
}

// committed looks up whether the transaction that stored the token took effect.
func (o opening) committed(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
	return o.stored(ctx, db)
}

func (o opening) stored(ctx context.Context, db postgres.Querier) (done bool, err error) {
	err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM refresh_tokens WHERE token_hash = $1)`, o.hash[:]).Scan(&done)
	return done, err
}

// newRowID makes the id of a new row: UUIDs of version 7 begin with the time, so that new rows sit
// beside each other in the index.
func newRowID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (a *Accounts) pair(user uuid.UUID, refreshToken string) (TokenPair, error) {
	access, err := a.Tokens.Issue(user)
	if err != nil {
		return TokenPair{}, fmt.Errorf("sign an access token: %w", err)
	}
	return TokenPair{AccessToken: access, ExpiresIn: auth.TokenLifetime, RefreshToken: refreshToken}, nil
}

// now is the clock in the precision that PostgreSQL keeps.
func (a *Accounts) now() time.Time {
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

const busyPause = 3 * time.Second

// orBusy turns a password queue that is full into a refusal that says when to come back.
func orBusy(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return &raffle.Error{Code: raffle.CodeTooManyAttempts, RetryAfter: busyPause,
			Detail: "Many people are logging in right now; try again in a few seconds."}
	}
	return err
}
