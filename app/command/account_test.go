package command_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

const goodPassword = "tarde de mayo 42"

// office is a database with the commands of accounts, a clock that stands still, and cheap hashes.
type office struct {
	*command.Accounts
	db *pgxpool.Pool

	mu  sync.Mutex
	now time.Time
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{db: testdb.New(t).Pool, now: time.Date(2030, 1, 15, 14, 30, 0, 0, time.UTC)}
	o.Accounts = o.another(o.db)
	return o
}

// another makes the commands of a further process on the same clock.
func (o *office) another(db *pgxpool.Pool) *command.Accounts {
	return &command.Accounts{DB: db, Tokens: auth.NewTokens(auth.GenerateKeySet(), o.clock), Passwords: auth.NewCheapPasswords(0), Now: o.clock}
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// member registers ana, or whoever, with goodPassword.
func (o *office) member(t *testing.T, email string) command.Login {
	t.Helper()
	login, err := o.Register(t.Context(), command.RegisterInput{Name: "Ana Torres", Email: email, Password: goodPassword})
	if err != nil {
		t.Fatalf("register %s: %v", email, err)
	}
	return login
}

func (o *office) login(email, password, address string) (command.Login, error) {
	return o.Login(context.Background(), command.LoginInput{Email: email, Password: password, Address: address})
}

// refusedWith fails the test unless err refuses with the code, and returns the refusal.
func refusedWith(t *testing.T, err error, code raffle.Code) *raffle.Error {
	t.Helper()
	var refused *raffle.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want the refusal %s", err, code)
	}
	if refused.Code != code {
		t.Fatalf("refused with %s (%s, %v), want %s", refused.Code, refused.Detail, refused.Fields, code)
	}
	return refused
}

func count(t *testing.T, db *pgxpool.Pool, sql string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMe(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	got, err := o.Me(t.Context(), ana.ID)
	if err != nil || got != ana.Account {
		t.Errorf("Me = %+v, %v, want %+v", got, err, ana.Account)
	}
	_, err = o.Me(t.Context(), uuid.New())
	refusedWith(t, err, raffle.CodeUnauthenticated)
}

func TestNothingSecretIsStored(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	_, _ = o.login("ana@example.com", "a wrong one, unseen", "192.0.2.77")
	_, _ = o.login("nobody@example.com", goodPassword, "192.0.2.77")
	var dump string
	if err := o.db.QueryRow(t.Context(), `
		SELECT concat_ws(E'\n',
			(SELECT string_agg(u::text, E'\n') FROM users u), (SELECT string_agg(s::text, E'\n') FROM sessions s),
			(SELECT string_agg(r::text, E'\n') FROM refresh_tokens r), (SELECT string_agg(f::text, E'\n') FROM login_failures f))`).Scan(&dump); err != nil {
		t.Fatal(err)
	}
	if strings.Count(dump, "\n") < 6 {
		t.Fatalf("the dump is too short to prove anything: %q", dump)
	}
	for _, secret := range []string{goodPassword, "a wrong one, unseen", ana.RefreshToken, ana.AccessToken, "192.0.2.77", "nobody@example.com"} {
		if strings.Contains(dump, secret) {
			t.Errorf("%q is stored in clear", secret)
		}
	}
}

func TestSweepAccounts(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	old := o.member(t, "ana@example.com")
	_, _ = o.login("ana@example.com", "a wrong one", "192.0.2.1")
	if n, err := o.Accounts.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("swept %d rows that are needed (%v)", n, err)
	}
	o.pass(15 * time.Minute)
	if n, err := o.Accounts.Sweep(t.Context()); err != nil || n != 2 {
		t.Errorf("swept %d failures of an account and an address (%v), want 2", n, err)
	}
	o.pass(auth.RefreshLifetime - time.Hour)
	young, err := o.login("ana@example.com", goodPassword, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	o.pass(time.Hour)
	if n, err := o.Accounts.Sweep(t.Context()); err != nil || n != 2 {
		t.Errorf("swept %d rows of the old session (%v), want 2", n, err)
	}
	_, err = o.Refresh(t.Context(), old.RefreshToken)
	refusedWith(t, err, raffle.CodeInvalidRefresh)
	if _, err := o.Refresh(t.Context(), young.RefreshToken); err != nil {
		t.Errorf("the sweep took a living session: %v", err)
	}
}
