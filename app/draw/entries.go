package draw

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// EntriesHeader is the first line of entries.csv.
const EntriesHeader = "number,owner"

// AppendEntries writes entries.csv: a header, then one line per sold number in ascending order, the
// number without leading zeros and the owner in 64 hexadecimal digits, each line ended by "\n".
func AppendEntries(b []byte, entries []Entry) []byte {
	b = append(append(b, EntriesHeader...), '\n')
	for _, e := range entries {
		b = append(strconv.AppendInt(b, int64(e.Number), 10), ',')
		b = append(hex.AppendEncode(b, e.Owner[:]), '\n')
	}
	return b
}

// ParseEntries reads entries.csv. There is one spelling for every list: only the line ends may be
// "\r\n" and the last one may be missing, as editors and spreadsheets leave them.
func ParseEntries(data []byte) ([]Entry, error) {
	entries := make([]Entry, 0, min(len(data)/66, MaxEntries))
	for line := 1; len(data) > 0; line++ {
		row, rest, ended := bytes.Cut(data, []byte("\n"))
		data = rest
		if ended {
			row = bytes.TrimSuffix(row, []byte("\r"))
		}
		if line == 1 {
			if string(row) != EntriesHeader {
				return nil, fmt.Errorf("entries: the first line must be %q", EntriesHeader)
			}
			continue
		}
		entry, err := parseEntry(row)
		if err != nil {
			return nil, fmt.Errorf("entries, line %d: %w", line, err)
		}
		if len(entries) == MaxEntries {
			return nil, fmt.Errorf("entries: more than %d lines", MaxEntries)
		}
		entries = append(entries, entry)
	}
	if err := CheckEntries(entries); err != nil {
		return nil, fmt.Errorf("entries: %w", err)
	}
	return entries, nil
}

func parseEntry(row []byte) (Entry, error) {
	number, owner, found := bytes.Cut(row, []byte(","))
	n, err := strconv.Atoi(string(number))
	if !found || err != nil || n < 0 || strconv.Itoa(n) != string(number) {
		return Entry{}, fmt.Errorf("must be a number, a comma and the owner's hash")
	}
	e := Entry{Number: n}
	return e, e.Owner.UnmarshalText(owner)
}
