package auth

import (
	_ "embed"
	"strings"
)

// commonPasswords stays as text: a password is checked once per registration, a scan takes some
// microseconds, and so the list costs neither start-up time nor heap.
//
//go:embed common_passwords.txt
var commonPasswords string

// IsCommon says whether a password is on the block list of the most used ones (10 000 of them, none
// shorter than 8 characters), whatever its case.
func IsCommon(password string) bool {
	word := strings.ToLower(password)
	if word == "" || strings.ContainsAny(word, "\n#") {
		return false
	}
	return strings.Contains(commonPasswords, "\n"+word+"\n")
}
