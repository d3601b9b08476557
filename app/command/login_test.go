package command_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "Ana@example.com")
	for _, email := range []string{"Ana@example.com", "ana@EXAMPLE.com", " ana@example.com "} {
		got, err := o.login(email, goodPassword, "192.0.2.1")
		if err != nil {
			t.Fatalf("%q: %v", email, err)
		}
		if got.Account != ana.Account || got.RefreshToken == ana.RefreshToken || got.ExpiresIn != time.Hour {
			t.Errorf("%q logs in as %+v", email, got)
		}
	}
	_, err := o.login("no address", goodPassword, "192.0.2.1")
	refusedWith(t, err, raffle.CodeInvalid)
	_, err = o.login("an\x00a@example.com", goodPassword, "192.0.2.1")
	refusedWith(t, err, raffle.CodeInvalid)
}

func TestUnknownAndWrongAreAlike(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.member(t, "ana@example.com")
	for failure := range 7 {
		_, wrong := o.login("ana@example.com", "a wrong one", "192.0.2.1")
		_, unknown := o.login("nobody@example.com", "a wrong one", "192.0.2.2")
		if !reflect.DeepEqual(wrong, unknown) {
			t.Errorf("failure %d: %#v and %#v", failure+1, wrong, unknown)
		}
		want := raffle.CodeInvalidCredentials
		if failure >= 5 {
			want = raffle.CodeTooManyAttempts
		}
		refusedWith(t, wrong, want)
	}
}

func TestAccountThrottle(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.member(t, "ana@example.com")
	o.member(t, "eva@example.com")
	fail := func(want time.Duration) {
		t.Helper()
		_, err := o.login("ana@example.com", "a wrong one", "192.0.2.1")
		refusedWith(t, err, raffle.CodeInvalidCredentials)
		for range 2 { // a try during the wait does not prolong it
			_, err = o.login("Ana@Example.com", goodPassword, "192.0.2.9")
			if got := refusedWith(t, err, raffle.CodeTooManyAttempts).RetryAfter; got != want {
				t.Errorf("wait %v, want %v", got, want)
			}
		}
	}
	for range 4 {
		_, err := o.login("ana@example.com", "a wrong one", "192.0.2.1")
		refusedWith(t, err, raffle.CodeInvalidCredentials)
	}
	fail(10 * time.Second)
	o.pass(10*time.Second - time.Microsecond)
	_, err := o.login("ana@example.com", goodPassword, "192.0.2.1")
	refusedWith(t, err, raffle.CodeTooManyAttempts)
	o.pass(time.Microsecond)
	fail(20 * time.Second)
	o.pass(20 * time.Second)
	fail(40 * time.Second)
	if _, err := o.login("eva@example.com", goodPassword, "192.0.2.1"); err != nil {
		t.Errorf("somebody else is throttled: %v", err)
	}
	o.pass(40 * time.Second)
	if _, err := o.login("ana@example.com", goodPassword, "192.0.2.1"); err != nil {
		t.Errorf("still refused after the wait: %v", err)
	}
	for range 4 { // a success forgot the failures
		_, err := o.login("ana@example.com", "a wrong one", "192.0.2.1")
		refusedWith(t, err, raffle.CodeInvalidCredentials)
	}
	fail(10 * time.Second)
	o.pass(15 * time.Minute)
	if _, err := o.login("ana@example.com", goodPassword, "192.0.2.1"); err != nil {
		t.Errorf("failures count for longer than the window: %v", err)
	}
}

func TestAddressThrottle(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.member(t, "ana@example.com")
	for i := range 50 {
		_, err := o.login(fmt.Sprintf("guess%d@example.com", i), "a wrong one", fmt.Sprintf("2001:db8::%x", i))
		refusedWith(t, err, raffle.CodeInvalidCredentials)
		if i%10 == 0 { // a success does not reset the address
			if _, err := o.login("ana@example.com", goodPassword, "2001:db8::1"); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := o.login("ana@example.com", goodPassword, "2001:db8::ffff")
	if got := refusedWith(t, err, raffle.CodeTooManyAttempts).RetryAfter; got != 10*time.Second {
		t.Errorf("wait %v", got)
	}
	if _, err := o.login("ana@example.com", goodPassword, "2001:db8:0:1::1"); err != nil {
		t.Errorf("another address is throttled: %v", err)
	}
	o.pass(10 * time.Second)
	if _, err := o.login("ana@example.com", goodPassword, "2001:db8::1"); err != nil {
		t.Errorf("still refused after the wait: %v", err)
	}
}

func TestParallelGuessesTellNoMore(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.member(t, "ana@example.com")
	other := o.another(o.db) // counters are shared by all processes
	answers := map[raffle.Code]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 24 {
		process := []*command.Accounts{o.Accounts, other}[i%2]
		all.Go(func() {
			_, err := process.Login(t.Context(), command.LoginInput{Email: "ana@example.com", Password: fmt.Sprintf("guess %d", i), Address: "192.0.2.1"})
			var refused *raffle.Error
			if !errors.As(err, &refused) {
				t.Errorf("got %v", err)
				return
			}
			mu.Lock()
			answers[refused.Code]++
			mu.Unlock()
		})
	}
	all.Wait()
	if answers[raffle.CodeInvalidCredentials] != 5 || answers[raffle.CodeTooManyAttempts] != 19 {
		t.Errorf("answers %v, want 5 that tell and 19 that do not", answers)
	}
	if n := count(t, o.db, `SELECT count(*) FROM login_failures WHERE key = $1`, auth.ThrottleKey("account", "ana@example.com")); n != 5 {
		t.Errorf("%d failures counted", n)
	}
}

func TestManyRightLoginsAtOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.member(t, "ana@example.com")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := o.login("ana@example.com", goodPassword, "192.0.2.1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestLoginRehashes(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.Passwords = auth.NewPasswords(0)
	ana := o.member(t, "ana@example.com")
	// "password" with parameters below today's; made by the reference implementation.
	weak := "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if _, err := o.db.Exec(t.Context(), `UPDATE users SET password_hash = $2 WHERE id = $1`, ana.ID, weak); err != nil {
		t.Fatal(err)
	}
	hash := func() (s string) {
		if err := o.db.QueryRow(t.Context(), `SELECT password_hash FROM users WHERE id = $1`, ana.ID).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	_, err := o.login("ana@example.com", "a wrong one", "192.0.2.1")
	refusedWith(t, err, raffle.CodeInvalidCredentials)
	if hash() != weak {
		t.Error("a failure changed the hash")
	}
	for range 2 {
		if _, err := o.login("ana@example.com", "password", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if got := hash(); !strings.HasPrefix(got, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("the hash stays at %q", got)
		}
	}
}

func TestAccountWithoutPasswordCannotLogIn(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	for _, stored := range []string{"", "!", "$argon2id$"} {
		if _, err := o.db.Exec(t.Context(), `UPDATE users SET password_hash = $2 WHERE id = $1`, ana.ID, stored); err != nil {
			t.Fatal(err)
		}
		_, err := o.login("ana@example.com", goodPassword, "192.0.2.1")
		refusedWith(t, err, raffle.CodeInvalidCredentials)
	}
}
