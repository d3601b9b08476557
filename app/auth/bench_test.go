package auth

import (
	"testing"

	"github.com/google/uuid"
)

// Every request of a signed-in person pays this.
func BenchmarkVerifyToken(b *testing.B) {
	tokens := NewTokens(GenerateKeySet(), nil)
	token, err := tokens.Issue(uuid.New())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}
