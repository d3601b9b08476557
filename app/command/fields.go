package command

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Limits of a password, in characters.
const (
	MinPassword = 8
	MaxPassword = 128
)

// emailFault returns what is wrong with an address that people log in with, or "".
func emailFault(email string) string {
	switch address, err := mail.ParseAddress(email); {
	case len(email) > raffle.MaxEmail:
		return "must have at most 254 bytes"
	case !printable(email), err != nil, address.Address != email:
		return "must be one e-mail address, such as ana@example.com"
	}
	return ""
}

// emailKey is what an address is compared by: case does not count, nor how a letter is composed. It is
// composed again at the end, because some letters exist in one piece only when they are small.
func emailKey(email string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(email)))
}

func nameFault(name string) string {
	if n := utf8.RuneCountInString(name); n < raffle.MinName || n > raffle.MaxName {
		return "must have 2 to 120 characters"
	}
	return textFault(name)
}

// textFault returns what keeps a name or a title from being shown in one line, or "".
func textFault(text string) string {
	switch {
	case !printable(text):
		return "must not contain control characters"
	case !strings.ContainsFunc(text, visible):
		return "must contain something that can be seen"
	}
	return ""
}

func passwordFault(password string) string {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword || !utf8.ValidString(password) {
		return "must have 8 to 128 characters"
	}
	if auth.IsCommon(password) {
		return "is one of the passwords that everybody tries first; choose a rarer one, such as three words that do not belong together"
	}
	return ""
}

// printable says whether a text is valid UTF-8 without control characters.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// visible says whether a character leaves a mark of its own: white space does not, nor what only shapes its
// neighbours, nor the letters that are blank (the fillers of Hangul, the empty cell of Braille).
func visible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
}

// cleaned is an optional text without white space around it.
func cleaned(s *string) *string {
	if s == nil {
		return nil
	}
	return new(raffle.CleanText(*s))
}

// fault adds a field's fault to the list when there is one.
func fault(list []raffle.FieldError, location, message string) []raffle.FieldError {
	if message == "" {
		return list
	}
	return append(list, raffle.FieldError{Location: location, Message: message})
}
