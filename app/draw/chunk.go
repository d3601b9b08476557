package draw

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// entrySize is an entry as it is stored: u32 number ‖ owner.
const entrySize = 4 + sha256.Size

// AppendChunk packs entries for storage, 36 bytes each.
func AppendChunk(b []byte, entries []Entry) []byte {
	for _, e := range entries {
		b = append(binary.BigEndian.AppendUint32(b, uint32(e.Number)), e.Owner[:]...)
	}
	return b
}

// ParseChunk appends the entries that AppendChunk packed.
func ParseChunk(entries []Entry, packed []byte) ([]Entry, error) {
	if len(packed)%entrySize != 0 {
		return nil, fmt.Errorf("a chunk of %d bytes is no whole number of entries", len(packed))
	}
	for ; len(packed) > 0; packed = packed[entrySize:] {
		entries = append(entries, Entry{Number: int(binary.BigEndian.Uint32(packed)), Owner: Hash(packed[4:entrySize])})
	}
	return entries, nil
}
