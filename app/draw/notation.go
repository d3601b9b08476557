package draw

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Protocol is the name and version of the protocol this package implements.
const Protocol = "rifa/v1"

// Hash is a SHA-256 digest. In text it is 64 lower-case hexadecimal digits.
type Hash [sha256.Size]byte

// String gives the 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero says whether the hash was never set.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes the 64 hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads exactly 64 lower-case hexadecimal digits; there is one spelling of a hash only.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) || bytes.ContainsAny(text, "ABCDEF") {
		return fmt.Errorf("a hash is %d lower-case hexadecimal digits", hex.EncodedLen(len(h)))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("a hash is %d lower-case hexadecimal digits", hex.EncodedLen(len(h)))
	}
	return nil
}

// ParseHash reads 64 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	err := h.UnmarshalText([]byte(s))
	return h, err
}

// Hex is a run of bytes that is written in lower-case hexadecimal digits; none is the empty text.
type Hex []byte

// String gives the hexadecimal digits.
func (b Hex) String() string { return hex.EncodeToString(b) }

// MarshalText writes the hexadecimal digits.
func (b Hex) MarshalText() ([]byte, error) { return hex.AppendEncode([]byte{}, b), nil }

// UnmarshalText reads lower-case hexadecimal digits.
func (b *Hex) UnmarshalText(text []byte) error {
	if bytes.ContainsAny(text, "ABCDEF") {
		return fmt.Errorf("hexadecimal digits must be lower-case")
	}
	out, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("must be an even count of hexadecimal digits")
	}
	*b = out
	return nil
}

// TH is the tagged hash of the protocol: SHA-256(tag ‖ 0x00 ‖ for each field: u32(length) ‖ field).
// The lengths keep two different lists of fields from ever running into the same bytes; the tag keeps
// two uses of the hash apart.
func TH(tag string, fields ...[]byte) Hash {
	size := len(tag) + 1
	for _, f := range fields {
		size += 4 + len(f)
	}
	b := append(append(make([]byte, 0, size), tag...), 0)
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	return sha256.Sum256(b)
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func i64(v int64) []byte { return u64(uint64(v)) }
