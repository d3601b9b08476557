package command_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	token := ana.RefreshToken
	for range 3 {
		o.pass(29 * 24 * time.Hour)
		pair, err := o.Refresh(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if user, err := o.Tokens.Verify(pair.AccessToken); err != nil || user != ana.ID {
			t.Errorf("the access token speaks for %v (%v)", user, err)
		}
		if pair.RefreshToken == token || pair.ExpiresIn != auth.TokenLifetime {
			t.Errorf("the pair is %+v", pair)
		}
		token = pair.RefreshToken
	}
}

func TestReuseRevokesTheFamily(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	elsewhere, err := o.login("ana@example.com", goodPassword, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.Refresh(t.Context(), ana.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{ana.RefreshToken, second.RefreshToken, second.RefreshToken, ana.RefreshToken} {
		_, err := o.Refresh(t.Context(), token)
		refusedWith(t, err, raffle.CodeInvalidRefresh)
	}
	if _, err := o.Refresh(t.Context(), elsewhere.RefreshToken); err != nil {
		t.Errorf("another session was revoked too: %v", err)
	}
}

func TestSimultaneousReuseRevokes(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	var mu sync.Mutex
	var successors []string
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			pair, err := o.Refresh(t.Context(), ana.RefreshToken)
			mu.Lock()
			defer mu.Unlock()
			var refused *raffle.Error
			if err == nil {
				successors = append(successors, pair.RefreshToken)
			} else if !errors.As(err, &refused) || refused.Code != raffle.CodeInvalidRefresh {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if len(successors) != 1 {
		t.Fatalf("one token was used %d times", len(successors))
	}
	_, err := o.Refresh(t.Context(), successors[0])
	refusedWith(t, err, raffle.CodeInvalidRefresh)
}

func TestRefreshRefuses(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	unknown, _ := auth.NewRefreshToken()
	for _, token := range []string{"", "x", unknown, ana.AccessToken, ana.RefreshToken + "A", ana.RefreshToken[:42]} {
		_, err := o.Refresh(t.Context(), token)
		refusedWith(t, err, raffle.CodeInvalidRefresh)
	}
	o.pass(auth.RefreshLifetime)
	_, err := o.Refresh(t.Context(), ana.RefreshToken)
	refusedWith(t, err, raffle.CodeInvalidRefresh)
	if n := count(t, o.db, `SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL`); n != 0 {
		t.Error("an expired token revoked its family")
	}
	o.pass(-time.Microsecond)
	if _, err := o.Refresh(t.Context(), ana.RefreshToken); err != nil {
		t.Errorf("refused just before it expires: %v", err)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	elsewhere, err := o.login("ana@example.com", goodPassword, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.Refresh(t.Context(), ana.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	unknown, _ := auth.NewRefreshToken()
	for _, token := range []string{ana.RefreshToken, second.RefreshToken, unknown, "", "garbage"} {
		if err := o.Logout(t.Context(), token); err != nil {
			t.Errorf("logout: %v", err)
		}
	}
	_, err = o.Refresh(t.Context(), second.RefreshToken)
	refusedWith(t, err, raffle.CodeInvalidRefresh)
	if _, err := o.Refresh(t.Context(), elsewhere.RefreshToken); err != nil {
		t.Errorf("another session was ended too: %v", err)
	}
}

func TestErasedAccountHasNoSession(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	if _, err := o.db.Exec(t.Context(), `DELETE FROM users WHERE id = $1`, ana.ID); err != nil {
		t.Fatal(err)
	}
	_, err := o.Refresh(t.Context(), ana.RefreshToken)
	refusedWith(t, err, raffle.CodeInvalidRefresh)
	if n := count(t, o.db, `SELECT count(*) FROM sessions`) + count(t, o.db, `SELECT count(*) FROM refresh_tokens`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// Without keys to sign with nothing is used up or made: the client may ask again, as it is told.
func TestNothingIsUsedUpWithoutKeys(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	keys, away := o.Tokens, errors.New("away")
	o.Tokens = auth.NewTokensFrom(func() (*auth.KeySet, error) { return nil, away }, o.clock)
	_, refresh := o.Refresh(t.Context(), ana.RefreshToken)
	_, register := o.Register(t.Context(), command.RegisterInput{Name: "Bea", Email: "bea@example.com", Password: goodPassword})
	_, login := o.login("ana@example.com", goodPassword, "192.0.2.1")
	for _, err := range []error{refresh, register, login} {
		if !errors.Is(err, away) {
			t.Errorf("got %v", err)
		}
	}
	o.Tokens = keys
	if _, err := o.Refresh(t.Context(), ana.RefreshToken); err != nil {
		t.Errorf("the refresh token was used up: %v", err)
	}
	o.member(t, "bea@example.com")
	if n := count(t, o.db, `SELECT count(*) FROM sessions`); n != 2 {
		t.Errorf("%d sessions, want those of two members", n)
	}
}
