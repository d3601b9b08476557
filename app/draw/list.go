package draw

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// MaxEntries is the most sold numbers a list may hold: a raffle has at most 100 000 numbers.
const MaxEntries = 100_000

// ChunkSize is how many entries one checkpoint of a List covers: a power of two, so that every full
// chunk is a subtree of the RFC 6962 tree.
const ChunkSize = 1024

// ErrNothingSold refuses a list without entries: there is nothing to draw from.
var ErrNothingSold = errors.New("no number is sold: there is nothing to seal or to draw")

// List is the sealed list in brief: how many numbers are sold, the root of their tree, and the roots
// of its subtrees of ChunkSize entries, 32 bytes each. Stored with the seal, the checkpoints let an
// audit path be made from one chunk of entries instead of all of them.
type List struct {
	N           int
	Root        Hash
	Checkpoints []byte
}

// NewList checks that the entries are strictly ascending by number and computes their tree.
func NewList(entries []Entry) (List, error) {
	if err := CheckEntries(entries); err != nil {
		return List{}, err
	}
	chunks := make([]Hash, 0, len(entries)/ChunkSize+1)
	for from := 0; from < len(entries); from += ChunkSize {
		to := min(from+ChunkSize, len(entries))
		chunks = append(chunks, root(leafHashes(entries[from:to], from)))
	}
	list := List{N: len(entries), Checkpoints: make([]byte, 0, len(chunks)*sha256.Size)}
	for _, c := range chunks {
		list.Checkpoints = append(list.Checkpoints, c[:]...)
	}
	list.Root = root(chunks)
	return list, nil
}

// CheckEntries says what keeps the entries from being a list: none, too many, a negative number, or
// numbers that are not strictly ascending.
func CheckEntries(entries []Entry) error {
	if len(entries) == 0 {
		return ErrNothingSold
	}
	if len(entries) > MaxEntries {
		return fmt.Errorf("the list has %d entries; a raffle has at most %d numbers", len(entries), MaxEntries)
	}
	if entries[0].Number < 0 {
		return fmt.Errorf("number %d is negative", entries[0].Number)
	}
	for i := 1; i < len(entries); i++ {
		if entries[i].Number <= entries[i-1].Number {
			return fmt.Errorf("number %d follows number %d: the list must ascend and name no number twice", entries[i].Number, entries[i-1].Number)
		}
	}
	return nil
}

// Inclusion shows that one number, with its owner, is in the sealed list: hash the leaf, then climb
// the path to the root. It is what GET …/draw/inclusion/{number} answers.
type Inclusion struct {
	RaffleID uuid.UUID `json:"raffle_id"`
	Number   int       `json:"number"`
	Owner    Hash      `json:"owner"`
	Index    int       `json:"index"` // the number's place in the ascending list, from 0
	N        int       `json:"n"`
	Leaf     Hash      `json:"leaf"`
	Path     []Hash    `json:"path"` // siblings, the lowest first
	Root     Hash      `json:"root"`
}

// ChunkRange gives the entries [from, to) whose chunk holds the entry at index in a list of n.
func ChunkRange(index, n int) (from, to int) {
	from = index / ChunkSize * ChunkSize
	return from, min(from+ChunkSize, n)
}

// NewInclusion makes the audit path of the entry at index from the entries of its chunk (those of
// ChunkRange, in order) and the checkpoints. It fails when they do not belong together, which means
// that the stored list was changed after the seal.
func (l List) NewInclusion(raffleID uuid.UUID, index int, chunk []Entry) (Inclusion, error) {
	from, to := ChunkRange(index, l.N)
	if index < 0 || index >= l.N || len(chunk) != to-from || len(l.Checkpoints) != (l.N+ChunkSize-1)/ChunkSize*sha256.Size {
		return Inclusion{}, fmt.Errorf("entry %d of %d cannot be shown: its chunk or its checkpoints are incomplete", index, l.N)
	}
	chunks := make([]Hash, len(l.Checkpoints)/sha256.Size)
	for i := range chunks {
		chunks[i] = Hash(l.Checkpoints[i*sha256.Size:])
	}
	entry := chunk[index-from]
	audit := path(leafHashes(chunk, from), index-from)
	audit = append(audit, path(chunks, index/ChunkSize)...)
	proof := Inclusion{
		RaffleID: raffleID, Number: entry.Number, Owner: entry.Owner, Index: index, N: l.N,
		Leaf: Leaf(index, entry), Path: audit, Root: l.Root,
	}
	return proof, proof.Verify(l.Root, l.N)
}

// Verify climbs from the number and its owner to the root of a sealed list of n entries.
func (p Inclusion) Verify(root Hash, n int) error {
	entry := Entry{Number: p.Number, Owner: p.Owner}
	if p.N != n || p.Root != root || p.Number < 0 || p.Leaf != Leaf(p.Index, entry) {
		return errPath
	}
	got, err := climb(leafHashes([]Entry{entry}, p.Index)[0], p.Index, n, p.Path)
	if err == nil && got != root {
		err = errPath
	}
	return err
}
