package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/auth"
)

// Tokens outlive one step of a rotation, not two; what is printed is what JWT_KEYS takes.
func TestKeys(t *testing.T) {
	t.Parallel()
	var explained strings.Builder
	do := func(stdin string, args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append([]string{"keys"}, args...), environment(), strings.NewReader(stdin), &out, &explained)
		return out.String(), err
	}
	printed := func(stdin string, args ...string) (text string, tokens *auth.Tokens) {
		text, err := do(stdin, args...)
		if err != nil {
			t.Fatal(err)
		}
		set, err := auth.ParseKeySet([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return text, auth.NewTokens(set, nil)
	}
	text, first := printed("", "new")
	token, err := first.Issue(uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	text, second := printed(text, "rotate")
	if _, err := second.Verify(token); err != nil {
		t.Errorf("after one step: %v", err)
	}
	_, third := printed(text, "rotate")
	if _, err := third.Verify(token); !errors.Is(err, auth.ErrToken) {
		t.Errorf("after two steps: %v", err)
	}
	var exit exitError
	if out, err := do("", "make"); !errors.As(err, &exit) || exit != 2 || out != "" || !strings.Contains(explained.String(), "Usage") {
		t.Errorf("a wrong command: %v; into the file of keys goes %q", err, out)
	}
	if out, err := do(`{"keys":[]}`, "rotate"); err == nil || strings.Contains(out, "keys") {
		t.Errorf("what is no set was rotated: %s", out)
	}
}
