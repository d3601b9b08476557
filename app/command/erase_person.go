package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// erased is the condition, in SQL, that a row of users is of an account that was erased.
const erased = `email_key = 'erased ' || users.id`

// Person is who an id or an e-mail address stands for: accounts, and participants with or without one.
type Person struct {
	Accounts     []uuid.UUID
	Participants []uuid.UUID
	Purchases    int // of theirs, which stay
}

// ErrNobody says that no account and no participant has the id or the address.
var ErrNobody = errors.New("nobody has this id or e-mail address")

// FindPerson finds everything that Erase would erase for the id of a participant or an account, or
// for an e-mail address: the account, its participant, and participants who gave the same address.
func (a *Accounts) FindPerson(ctx context.Context, who string) (p Person, err error) {
	err = postgres.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		p, err = findPerson(ctx, tx, who)
		return err
	})
	return p, err
}

func findPerson(ctx context.Context, tx pgx.Tx, who string) (p Person, err error) {
	if err := postgres.Unhurried(ctx, tx); err != nil { // no index leads from an address to who bought with it
		return p, err
	}
	who = strings.TrimSpace(who)
	id, err := uuid.Parse(who)
	if err != nil {
		id = uuid.Nil // nobody's
	}
	err = tx.QueryRow(ctx, `
		WITH accounts AS (
			SELECT id FROM users WHERE id = $1 OR email_key = $2
			UNION
			SELECT user_id FROM participants WHERE id = $1 AND user_id IS NOT NULL),
		buyers AS (
			SELECT id FROM participants
			WHERE id = $1 OR user_id IN (SELECT id FROM accounts) OR (normalize(lower(normalize(email))) = $2
				AND NOT EXISTS (SELECT FROM users WHERE users.id = user_id AND NOT `+erased+`)))
		SELECT ARRAY(SELECT id FROM accounts), ARRAY(SELECT id FROM buyers),
			(SELECT count(*) FROM purchases WHERE participant_id IN (SELECT id FROM buyers))`, id, emailKey(who)).
		Scan(&p.Accounts, &p.Participants, &p.Purchases)
	if err == nil && len(p.Accounts)+len(p.Participants) == 0 {
		err = ErrNobody
	}
	return p, err
}

// Erase removes what is known of a person: name, e-mail address, password, sessions, and the salts
// that link them to the public lists of draws. Reservations, purchases, draws and every proof stay as
// they are, about somebody without a name. It cannot be undone; repeating it with an id changes
// nothing more. An access token that was given out before ends by itself within the hour, and opens no
// raffle until then.
//
// It refuses with CodeInvalidTransition for the organiser of raffles that are not over: buyers need
// somebody to draw or cancel them.
func (a *Accounts) Erase(ctx context.Context, who string) (p Person, err error) {
	err = postgres.InTxResolved(ctx, a.DB, postgres.RerunIsSafe, func(tx pgx.Tx) error {
		if p, err = findPerson(ctx, tx, who); err != nil {
			return err
		}
		// What the account is just creating is there afterwards, or finds it erased.
		if _, err := tx.Exec(ctx, `SELECT FROM users WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, p.Accounts); err != nil {
			return err
		}
		if p, err = findPerson(ctx, tx, who); err != nil {
			return err
		}
		if err := nothingUnderWay(ctx, tx, p.Accounts); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(`UPDATE participants SET name = 'erased', email = NULL WHERE id = ANY ($1)`, p.Participants)
		batch.Queue(`UPDATE draw_owners SET salt = NULL WHERE participant_id = ANY ($1)`, p.Participants)
		batch.Queue(`
			UPDATE users SET name = 'erased', email = 'erased', email_key = 'erased ' || id, password_hash = $2
			WHERE id = ANY ($1)`, p.Accounts, a.Passwords.Decoy())
		batch.Queue(`DELETE FROM sessions WHERE user_id = ANY ($1)`, p.Accounts) // and their refresh tokens
		return tx.SendBatch(ctx, batch).Close()
	})
	return p, err
}

// nothingUnderWay refuses while raffles of the accounts still need their organiser.
func nothingUnderWay(ctx context.Context, tx pgx.Tx, accounts []uuid.UUID) error {
	var running int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM raffles WHERE owner_id = ANY ($1) AND status IN ('draft', 'open', 'closed')`, accounts).Scan(&running)
	if err == nil && running > 0 {
		return raffle.Refuse(raffle.CodeInvalidTransition, fmt.Sprintf(
			"This organiser has %d raffles that are neither drawn nor cancelled; end them first.", running))
	}
	return err
}
