package command

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// LoginInput is somebody who claims to be an account's owner.
type LoginInput struct {
	Email    string
	Password string
	Address  string // the client's address, as the gateway or the socket says it; never a header
}

// Login opens a session for whoever knows the password. An unknown e-mail and a wrong password are
// refused alike, with raffle.CodeInvalidCredentials after the same work; too many failures of one
// account or from one address with raffle.CodeTooManyAttempts, even of the right password.
//
// A password is verified between two short transactions, never inside one. The second decides, under
// a lock, with the failures that others added meanwhile: guessing in parallel tells no more than
// guessing in turn.
func (a *Accounts) Login(ctx context.Context, in LoginInput) (Login, error) {
	in.Email = raffle.CleanText(in.Email)
	if message := emailFault(in.Email); message != "" {
		return Login{}, raffle.Invalid(raffle.FieldError{Location: "body.email", Message: message})
	}
	if err := a.Tokens.Ready(); err != nil {
		return Login{}, err
	}
	try := newLoginAttempt(in, a.now())
	if err := try.read(ctx, a.DB); err != nil {
		return Login{}, err
	}
	known, verifyAgainst := try.passwordHash != "", try.passwordHash
	if !known {
		verifyAgainst = a.Passwords.Decoy()
	}
	matches, err := a.Passwords.Verify(ctx, verifyAgainst, in.Password)
	if err != nil {
		return Login{}, orBusy(err)
	}
	try.succeeded = matches && known
	if try.succeeded && a.Passwords.NeedsRehash(try.passwordHash) {
		if try.newHash, err = a.Passwords.Hash(ctx, in.Password); err != nil {
			return Login{}, orBusy(err)
		}
	}
	if try.now = a.now(); !try.succeeded {
		return Login{}, try.fail(ctx, a.DB)
	}
	if err := try.succeed(ctx, a.DB); err != nil {
		return Login{}, err
	}
	pair, err := a.pair(try.account.ID, try.opening.token)
	return Login{Account: try.account, TokenPair: pair}, err
}

// longestWindow is how long a failure counts at most.
var longestWindow = max(auth.PerAccount.Window, auth.PerAddress.Window)

// counter is one thing that failures are counted for. class keeps the locks of accounts and of
// addresses apart, so that they are always taken in the same order.
type counter struct {
	auth.Throttle
	class int32
	key   []byte
}

type loginAttempt struct {
	id       uuid.UUID
	email    string // its key
	now      time.Time
	counters [2]counter // the account's first
	opening  opening

	account      Account
	passwordHash string // empty when no account has the e-mail
	succeeded    bool
	newHash      string // when the stored one is too weak
}

func newLoginAttempt(in LoginInput, now time.Time) *loginAttempt {
	key := emailKey(in.Email)
	return &loginAttempt{id: newRowID(), email: key, now: now, opening: newOpening(), counters: [2]counter{
		{auth.PerAccount, 1, auth.ThrottleKey("account", key)},
		{auth.PerAddress, 2, auth.AddressKey(in.Address)},
	}}
}

// read finds the account, if any, and refuses at once when one of the counters is full.
func (t *loginAttempt) read(ctx context.Context, db *pgxpool.Pool) error {
	var wait time.Duration
	batch := &pgx.Batch{}
	t.queueWait(batch, &wait)
	batch.Queue(`SELECT id, name, email, created_at, password_hash FROM users WHERE email_key = $1`, t.email).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&t.account.ID, &t.account.Name, &t.account.Email, &t.account.CreatedAt, &t.passwordHash)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		t.account.CreatedAt = t.account.CreatedAt.UTC()
		return err
	})
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return postgres.Translate(err)
	}
	return throttled(wait)
}

// queueWait asks how long the attempt must wait; wait is the longer of both counters' answers.
func (t *loginAttempt) queueWait(batch *pgx.Batch, wait *time.Duration) {
	for _, c := range t.counters {
		batch.Queue(`SELECT count(*), max(failed_at) FROM login_failures WHERE key = $1 AND failed_at > $2`,
			c.key, t.now.Add(-c.Window)).QueryRow(func(row pgx.Row) error {
			var failures int
			var last *time.Time
			if err := row.Scan(&failures, &last); err != nil || last == nil {
				return err
			}
			*wait = max(*wait, c.Wait(failures, *last, t.now))
			return nil
		})
	}
}

// decide takes the locks of both counters, counts again, and has write queue what follows when the
// attempt need not wait. Counting is a statement of its own: one that began before the lock was granted
// would not see what the last holder wrote.
func (t *loginAttempt) decide(ctx context.Context, db *pgxpool.Pool, done postgres.Lookup, write func(b *pgx.Batch)) error {
	var wait time.Duration
	var erased bool
	ask := func(b *pgx.Batch) {
		wait, erased = 0, false
		for _, c := range t.counters {
			b.Queue(`SELECT pg_advisory_xact_lock($1, $2)`, c.class, int32(binary.BigEndian.Uint32(c.key)))
		}
		t.queueWait(b, &wait)
		if t.succeeded {
			t.queueErased(b, &erased)
		}
	}
	return postgres.InFewTrips(ctx, db, done, ask, func(_ pgx.Tx, last *pgx.Batch) error {
		if err := throttled(wait); err != nil {
			return err
		}
		if erased {
			return invalidCredentials()
		}
		write(last)
		return nil
	})
}

// queueErased asks whether the account is no longer what it was when it was read. The lock on its row lets an
// erasure come wholly before this, or wholly after the session that it then removes.
func (t *loginAttempt) queueErased(batch *pgx.Batch, erased *bool) {
	batch.Queue(`SELECT FROM users WHERE id = $1 AND email_key = $2 FOR KEY SHARE`, t.account.ID, t.email).Exec(func(tag pgconn.CommandTag) error {
		*erased = tag.RowsAffected() == 0
		return nil
	})
}

// fail counts the attempt against its account and address, and returns the refusal.
func (t *loginAttempt) fail(ctx context.Context, db *pgxpool.Pool) error {
	recorded := func(ctx context.Context, db *pgxpool.Pool) (done bool, err error) {
		err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM login_failures WHERE key = $1 AND failed_at = $2 AND attempt_id = $3)`,
			t.counters[0].key, t.now, t.id).Scan(&done)
		return done, err
	}
	err := t.decide(ctx, db, recorded, func(b *pgx.Batch) {
		b.Queue(`
			INSERT INTO login_failures (key, failed_at, attempt_id)
			VALUES ($1, $3, $4), ($2, $3, $4) ON CONFLICT DO NOTHING`,
			t.counters[0].key, t.counters[1].key, t.now, t.id)
	})
	if err != nil {
		return err
	}
	return invalidCredentials()
}

func invalidCredentials() *raffle.Error {
	return raffle.Refuse(raffle.CodeInvalidCredentials, "The e-mail address or the password is wrong.")
}

// succeed opens the session and forgets the account's failures. The address keeps its own: somebody
// with one account must not reset the counter for guesses at others. An account that was erased since
// its password was read gets no session.
func (t *loginAttempt) succeed(ctx context.Context, db *pgxpool.Pool) error {
	return t.decide(ctx, db, t.opening.committed, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM login_failures WHERE key = $1`, t.counters[0].key)
		if t.newHash != "" {
			b.Queue(`UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, t.account.ID, t.passwordHash, t.newHash)
		}
		t.opening.queue(b, t.account.ID, t.now)
	})
}

func throttled(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	return &raffle.Error{Code: raffle.CodeTooManyAttempts, RetryAfter: wait,
		Detail: "Too many failed attempts to log in; wait as long as Retry-After says and try again."}
}
