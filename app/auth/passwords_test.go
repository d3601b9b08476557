package auth

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The program itself must never make cheap hashes.
func TestOnlyTestsMakeCheapHashes(t *testing.T) {
	t.Parallel()
	read := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..":
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if strings.Contains(strings.ReplaceAll(string(text), "func NewCheapPasswords(", ""), "NewCheapPasswords(") {
			t.Errorf("%s calls NewCheapPasswords", path)
		}
		read++
		return err
	})
	if err != nil || read < 100 {
		t.Errorf("%d files read, %v", read, err)
	}
}

func TestHashVerifies(t *testing.T) {
	t.Parallel()
	p := NewPasswords(1) // the real parameters, once
	hash, err := p.Hash(t.Context(), "tarde de mayo 42")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %q", hash)
	}
	for password, want := range map[string]bool{"tarde de mayo 42": true, "tarde de mayo 43": false, "": false, "Tarde de mayo 42": false} {
		if got, err := p.Verify(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
	if p.NeedsRehash(hash) {
		t.Error("a fresh hash needs no rehash")
	}
}

func TestKnownVector(t *testing.T) {
	t.Parallel()
	// Made by the reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 24
	stored := "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := NewPasswords(1).Verify(t.Context(), stored, "password"); err != nil || !ok {
		t.Errorf("the reference implementation's hash does not verify: %v, %v", ok, err)
	}
}

func TestSaltsDiffer(t *testing.T) {
	t.Parallel()
	p := NewCheapPasswords(1)
	a, _ := p.Hash(t.Context(), "the same one")
	b, _ := p.Hash(t.Context(), "the same one")
	if a == b {
		t.Error("two hashes of one password are equal")
	}
}

func TestComposedAndDecomposedAreOnePassword(t *testing.T) {
	t.Parallel()
	p := NewCheapPasswords(1)
	hash, _ := p.Hash(t.Context(), "contrase\u00f1a larga")
	if ok, _ := p.Verify(t.Context(), hash, "contrasen\u0303a larga"); !ok {
		t.Error("ñ typed as n and a combining tilde is refused")
	}
}

func TestUnreadableHashNeverMatches(t *testing.T) {
	t.Parallel()
	p := NewCheapPasswords(1)
	for _, stored := range []string{"", "!", "$2a$10$abcdefghijklmnopqrstuv", p.Decoy()} {
		for _, password := range []string{"", "!", "password"} {
			if ok, err := p.Verify(t.Context(), stored, password); ok || err != nil {
				t.Errorf("Verify(%q, %q) = %v, %v", stored, password, ok, err)
			}
		}
	}
}

func TestNeedsRehash(t *testing.T) {
	t.Parallel()
	salt, key := "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	for stored, want := range map[string]bool{
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key:                 false,
		"$argon2id$v=19$m=65536,t=3,p=2$" + salt + "$" + key:                 false,
		"$argon2id$v=19$m=19455,t=2,p=1$" + salt + "$" + key:                 true,
		"$argon2id$v=19$m=19456,t=1,p=1$" + salt + "$" + key:                 true,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$MDEyMzQ1Njc4OWFiY2RlZg": true,
		"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$" + key:                  true,
		"": true,
	} {
		if got := NewPasswords(1).NeedsRehash(stored); got != want {
			t.Errorf("NeedsRehash(%q) = %v", stored, got)
		}
	}
}

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	p := NewCheapPasswords(1)
	p.turns <- struct{}{} // somebody computes and does not end
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Hash(ctx, "waits in vain"); !errors.Is(err, ErrBusy) {
		t.Errorf("a second computation ran beside the first: %v", err)
	}
	<-p.turns
	if _, err := p.Hash(t.Context(), "has its turn"); err != nil {
		t.Error(err)
	}
}

// Whose time has ended before the password is checked is told so, not that what comes next failed.
func TestTimeThatEndsBeforeThePasswordIsChecked(t *testing.T) {
	t.Parallel()
	cheap := NewCheapPasswords(1)
	over, end := context.WithCancel(t.Context())
	end()
	for range 50 { // a turn is free all the time
		if _, err := cheap.Hash(over, "too late"); !errors.Is(err, ErrBusy) {
			t.Fatalf("it was over before: want ErrBusy, got %v", err)
		}
	}
	ending, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := NewPasswords(1).Hash(ending, "takes longer"); !errors.Is(err, ErrBusy) {
		t.Errorf("it ended meanwhile: want ErrBusy, got %v", err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	p := NewCheapPasswords(1)
	p.turns <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	var waiters sync.WaitGroup
	for range maxWaiting {
		waiters.Go(func() { _, _ = p.Verify(ctx, p.Decoy(), "waits") })
	}
	for p.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.Verify(t.Context(), p.Decoy(), "one too many"); !errors.Is(err, ErrBusy) {
		t.Errorf("want ErrBusy, got %v", err)
	}
	cancel()
	waiters.Wait()
	<-p.turns
	if n := p.waiting.Load(); n != 0 {
		t.Errorf("%d still counted as waiting", n)
	}
}

func TestDefaultParallelism(t *testing.T) {
	t.Parallel()
	if n := cap(NewPasswords(0).turns); n < 1 {
		t.Errorf("%d turns", n)
	}
	if n := cap(NewPasswords(3).turns); n != 3 {
		t.Errorf("%d turns, want 3", n)
	}
}

func TestIsCommon(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"password": true, "PassWord": true, "12345678": true, "qwertyuiop": true, "contraseña": true, "CONTRASEÑA123": true, "rifaapp123": true,
		"tarde de mayo 42": false, "": false, "\n": false, "passwor": false, "password\n12345678": false, "assword": false, "x7#kQ9!mZp": false,
	} {
		if got := IsCommon(password); got != want {
			t.Errorf("IsCommon(%q) = %v", password, got)
		}
	}
}

func TestBlockList(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for line := range strings.Lines(commonPasswords) {
		word := strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(word, "#") {
			continue
		}
		if len([]rune(word)) < 8 || strings.ToLower(word) != word || strings.TrimSpace(word) != word || seen[word] {
			t.Errorf("%q is short, spaced, repeated or not in lower case", word)
		}
		seen[word] = true
		if !IsCommon(word) {
			t.Errorf("%q is on the list but not found", word)
		}
	}
	if len(seen) < 3000 {
		t.Errorf("the list has %d passwords, at least 3 000 are promised", len(seen))
	}
}

func BenchmarkVerify(b *testing.B) {
	p := NewPasswords(1)
	for b.Loop() {
		_, _ = p.Verify(b.Context(), p.Decoy(), "whatever it is")
	}
}

func BenchmarkIsCommon(b *testing.B) {
	for b.Loop() {
		IsCommon("not on the list at all")
	}
}
