package migrate

import (
	"strings"
	"unicode"
)

// isBlank tells whether r is horizontal white space, as plans understand it.
func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', 0xA0, 0x1680, 0x202F, 0x205F, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200A
}

// isPunct tells whether r is what Sqitch takes for punctuation: that of ASCII but the underscore and,
// by a slip in its pattern, the backslash, which names cannot contain anyway but pragmas can.
func isPunct(r rune) bool {
	return r < 0x80 && strings.ContainsRune("-!\"#$%&'()*+,./:;<=>?@[]^`{|}~", r)
}

// isWord tells whether a word boundary lies between r and a blank.
func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) && !unicode.Is(unicode.No, r) || unicode.IsMark(r) || unicode.Is(unicode.Pc, r)
}

// symbolic tells whether s starts like a position relative to a change (name^2, name~3), which no
// name may end in.
func symbolic(s []rune) bool {
	if !strings.ContainsRune("~/=%^", s[0]) {
		return false
	}
	i := 1
	for i < len(s) && unicode.IsDigit(s[i]) {
		i++
	}
	return i > 1 && (i == len(s) || isBlank(s[i]))
}

// longestName returns the length of the longest run at the start of s that a name may consist of.
func longestName(s []rune) int {
	if len(s) == 0 || isPunct(s[0]) {
		return 0
	}
	i := 0
	for i < len(s) && !isBlank(s[i]) && !strings.ContainsRune(`:@#\`, s[i]) && !symbolic(s[i:]) {
		i++
	}
	return i
}

// nameEndsAt tells whether a name may be the first n runes of s: its last rune is no punctuation and
// a word ends, or begins, there.
func nameEndsAt(s []rune, n int) bool {
	if n == 0 || isPunct(s[n-1]) {
		return false
	}
	next := n < len(s) && isWord(s[n])
	return isWord(s[n-1]) != next
}

// validName tells whether s is, whole, the name of a change, a tag or a project.
func validName(s string) bool {
	r := []rune(s)
	return longestName(r) == len(r) && nameEndsAt(r, len(r))
}

// isID tells whether s has the shape of an id: 40 lower-case hexadecimal digits.
func isID(s string) bool { return len(s) == 40 && startsLikeID(s) }

func startsLikeID(s string) bool {
	if len(s) < 40 {
		return false
	}
	for _, c := range []byte(s[:40]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

const nameRules = `a name does not begin with punctuation, contains no "@", ":", "#", "\" or blank, and does not end in punctuation or in digits after one of ~ / = % ^`
