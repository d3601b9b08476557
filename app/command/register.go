package command

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// RegisterInput is who wants an account. White space around name and e-mail does not count.
type RegisterInput struct {
	Name     string // 2 to 120 characters
	Email    string
	Password string // 8 to 128 characters, none of the common ones
}

// Register makes an account and logs it in. It refuses with raffle.CodeInvalid, with
// raffle.CodeEmailTaken when another account uses the address in any case, and with
// raffle.CodeTooManyAttempts when too many passwords are being hashed.
func (a *Accounts) Register(ctx context.Context, in RegisterInput) (Login, error) {
	in.Name, in.Email = raffle.CleanText(in.Name), raffle.CleanText(in.Email)
	if err := in.check(); err != nil {
		return Login{}, err
	}
	if err := a.Tokens.Ready(); err != nil {
		return Login{}, err
	}
	// Before the transaction: hashing takes longer than all of it.
	passwordHash, err := a.Passwords.Hash(ctx, in.Password)
	if err != nil {
		return Login{}, orBusy(err)
	}
	account := Account{ID: newRowID(), Name: in.Name, Email: in.Email, CreatedAt: a.now()}
	first := newOpening()
	err = postgres.InTxResolved(ctx, a.DB, first.committed, func(tx pgx.Tx) error {
		if err := insertUser(ctx, tx, account, passwordHash); err != nil {
			return err
		}
		return first.open(ctx, tx, account.ID, account.CreatedAt)
	})
	if err != nil {
		return Login{}, err
	}
	pair, err := a.pair(account.ID, first.token)
	return Login{Account: account, TokenPair: pair}, err
}

func (in RegisterInput) check() error {
	var faults []raffle.FieldError
	faults = fault(faults, "body.name", nameFault(in.Name))
	faults = fault(faults, "body.email", emailFault(in.Email))
	faults = fault(faults, "body.password", passwordFault(in.Password))
	if len(faults) > 0 {
		return raffle.Invalid(faults...)
	}
	return nil
}

// insertUser refuses when the address is taken, unless the account that took it is this very one: a
// run of the transaction whose commit was not answered may have made it.
func insertUser(ctx context.Context, tx pgx.Tx, account Account, passwordHash string) error {
	tag, err := tx.Exec(ctx, `
		INSERT INTO users (id, name, email, email_key, password_hash, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (email_key) DO NOTHING`,
		account.ID, account.Name, account.Email, emailKey(account.Email), passwordHash, account.CreatedAt)
	if err != nil || tag.RowsAffected() == 1 {
		return err
	}
	var ours bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users WHERE id = $1)`, account.ID).Scan(&ours); err != nil || ours {
		return err
	}
	return raffle.Refuse(raffle.CodeEmailTaken, "There is already an account with this e-mail address; log in instead.")
}
