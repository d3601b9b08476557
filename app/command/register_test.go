package command_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.Passwords = auth.NewPasswords(0)
	got, err := o.Register(t.Context(), command.RegisterInput{Name: "  Ana Torres ", Email: " Ana@Example.com ", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Ana Torres" || got.Email != "Ana@Example.com" || !got.CreatedAt.Equal(o.clock()) || got.ExpiresIn != auth.TokenLifetime {
		t.Errorf("registered as %+v", got.Account)
	}
	if user, err := o.Tokens.Verify(got.AccessToken); err != nil || user != got.ID {
		t.Errorf("the access token speaks for %v (%v)", user, err)
	}
	var key, hash string
	if err := o.db.QueryRow(t.Context(), `SELECT email_key, password_hash FROM users WHERE id = $1`, got.ID).Scan(&key, &hash); err != nil {
		t.Fatal(err)
	}
	if key != "ana@example.com" || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %q with %q", key, hash)
	}
	if _, err := o.login("ANA@EXAMPLE.COM", goodPassword, "192.0.2.1"); err != nil {
		t.Errorf("cannot log in: %v", err)
	}
	if _, err := o.Refresh(t.Context(), got.RefreshToken); err != nil {
		t.Errorf("cannot refresh: %v", err)
	}
}

func TestRegisterRefusesBadFields(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	long := func(n int) string { return strings.Repeat("ñ", n) }
	for name, c := range map[string]struct {
		name, email, password string
		bad                   []string // locations; none means it is accepted
	}{
		"shortest name":         {"Al", "al@example.com", goodPassword, nil},
		"longest name":          {long(120), "long@example.com", goodPassword, nil},
		"shortest password":     {"Ana", "short@example.com", "x7#kQ9!m", nil},
		"longest password":      {"Ana", "longpass@example.com", long(128), nil},
		"longest e-mail":        {"Ana", strings.Repeat("a", 64) + "@" + strings.Repeat("b.", 92) + "bbcom", goodPassword, nil},
		"name too short":        {"A", "a@example.com", goodPassword, []string{"body.name"}},
		"name nobody sees":      {"\u200b\u2060\u3164", "a@example.com", goodPassword, []string{"body.name"}},
		"name of spaces":        {"    ", "a@example.com", goodPassword, []string{"body.name"}},
		"name too long":         {long(121), "a@example.com", goodPassword, []string{"body.name"}},
		"name with NUL":         {"An\x00a", "a@example.com", goodPassword, []string{"body.name"}},
		"name not UTF-8":        {"An\xffa", "a@example.com", goodPassword, []string{"body.name"}},
		"password too short":    {"Ana", "a@example.com", "x7#kQ9!", []string{"body.password"}},
		"password too long":     {"Ana", "a@example.com", long(129), []string{"body.password"}},
		"common password":       {"Ana", "a@example.com", "Iloveyou", []string{"body.password"}},
		"no e-mail":             {"Ana", "", goodPassword, []string{"body.email"}},
		"e-mail without at":     {"Ana", "example.com", goodPassword, []string{"body.email"}},
		"e-mail with a name":    {"Ana", "Ana <a@example.com>", goodPassword, []string{"body.email"}},
		"two e-mails":           {"Ana", "a@example.com, b@example.com", goodPassword, []string{"body.email"}},
		"e-mail with NUL":       {"Ana", "a\x00@example.com", goodPassword, []string{"body.email"}},
		"e-mail with line feed": {"Ana", "a@example.com\nBcc: b@example.com", goodPassword, []string{"body.email"}},
		"e-mail too long":       {"Ana", strings.Repeat("a", 64) + "@" + strings.Repeat("b.", 92) + "bbbcom", goodPassword, []string{"body.email"}},
		"everything":            {"", "", "", []string{"body.name", "body.email", "body.password"}},
	} {
		before := count(t, o.db, `SELECT count(*) FROM users`)
		_, err := o.Register(t.Context(), command.RegisterInput{Name: c.name, Email: c.email, Password: c.password})
		if c.bad == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var locations []string
		for _, f := range refusedWith(t, err, raffle.CodeInvalid).Fields {
			locations = append(locations, f.Location)
			if c.password != "" && strings.Contains(f.Message, c.password) {
				t.Errorf("%s: the message repeats the password", name)
			}
		}
		if strings.Join(locations, " ") != strings.Join(c.bad, " ") {
			t.Errorf("%s: refused for %v, want %v", name, locations, c.bad)
		}
		if count(t, o.db, `SELECT count(*) FROM users`) != before {
			t.Errorf("%s: something was stored", name)
		}
	}
}

func TestEmailIsTakenOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	var registered, taken atomic.Int32
	var all sync.WaitGroup
	for _, email := range []string{"ana@example.com", "Ana@example.com", "ANA@EXAMPLE.COM", "ana@Example.com"} {
		all.Go(func() {
			_, err := o.Register(t.Context(), command.RegisterInput{Name: "Ana", Email: email, Password: goodPassword})
			if err == nil {
				registered.Add(1)
			} else if refused, ok := errors.AsType[*raffle.Error](err); ok && refused.Code == raffle.CodeEmailTaken {
				taken.Add(1)
			} else {
				t.Errorf("%s: %v", email, err)
			}
		})
	}
	all.Wait()
	if registered.Load() != 1 || taken.Load() != 3 {
		t.Errorf("%d registered and %d refused, want 1 and 3", registered.Load(), taken.Load())
	}
	if n := count(t, o.db, `SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// The small letter exists in one piece, the capital does not: both write the same address.
func TestEmailIsTakenHoweverItIsComposed(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.member(t, "\u01f0ana@example.com")
	for _, email := range []string{"j\u030cana@example.com", "J\u030cAna@example.com"} {
		_, err := o.Register(t.Context(), command.RegisterInput{Name: "Ana", Email: email, Password: goodPassword})
		refusedWith(t, err, raffle.CodeEmailTaken)
	}
}
