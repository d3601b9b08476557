package draw

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"
)

// Entry is one sold number and the hash that stands for its owner.
type Entry struct {
	Number int  `json:"number"`
	Owner  Hash `json:"owner"`
}

// leafFrame is TH's input for a leaf with its three fields left blank: tag ‖ 0 ‖ 8 ‖ i ‖ 8 ‖ number ‖ 32 ‖ owner.
const (
	leafTag     = "rifa/v1/leaf"
	leafIndex   = len(leafTag) + 1 + 4
	leafNumber  = leafIndex + 8 + 4
	leafOwner   = leafNumber + 8 + 4
	leafFrameSz = leafOwner + sha256.Size
)

func newLeafFrame() (f [leafFrameSz]byte) {
	copy(f[:], leafTag)
	f[leafIndex-1], f[leafNumber-1], f[leafOwner-1] = 8, 8, sha256.Size
	return f
}

// Leaf is leaf_i = TH("rifa/v1/leaf"; u64 i, u64 number, owner), i being the entry's place in the
// ascending list, from 0. (DRAW.md, step 3.)
func Leaf(i int, e Entry) Hash {
	f := newLeafFrame()
	return leaf(&f, i, e)
}

func leaf(f *[leafFrameSz]byte, i int, e Entry) Hash {
	binary.BigEndian.PutUint64(f[leafIndex:], uint64(i))
	binary.BigEndian.PutUint64(f[leafNumber:], uint64(e.Number))
	copy(f[leafOwner:], e.Owner[:])
	return sha256.Sum256(f[:])
}

// leafHashes are the tree's lowest nodes, SHA-256(0x00 ‖ leaf) (RFC 6962, section 2.1), for entries
// whose first has place from in the whole list.
func leafHashes(entries []Entry, from int) []Hash {
	out := make([]Hash, len(entries))
	frame := newLeafFrame()
	var b [1 + sha256.Size]byte // the leading 0x00 keeps a leaf from passing as a node
	for i, e := range entries {
		l := leaf(&frame, from+i, e)
		copy(b[1:], l[:])
		out[i] = sha256.Sum256(b[:])
	}
	return out
}

// node is SHA-256(0x01 ‖ left ‖ right) (RFC 6962, section 2.1).
func node(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// root folds the nodes of one level into the root, overwriting them. RFC 6962 splits n nodes at the
// largest power of two below n; folding neighbours level by level, an odd last node moving up
// unchanged, gives the same tree.
func root(level []Hash) Hash {
	if len(level) == 0 {
		return sha256.Sum256(nil) // RFC 6962: the hash of an empty tree
	}
	for len(level) > 1 {
		level = fold(level)
	}
	return level[0]
}

func fold(level []Hash) []Hash {
	half := len(level) / 2
	for i := range half {
		level[i] = node(level[2*i], level[2*i+1])
	}
	if len(level)%2 == 1 {
		level[half] = level[len(level)-1]
		half++
	}
	return level[:half]
}

// path is the audit path of node at in level, lowest sibling first (RFC 6962, section 2.1.1). It
// overwrites level.
func path(level []Hash, at int) []Hash {
	out := make([]Hash, 0, bits.Len(uint(len(level))))
	for len(level) > 1 {
		if sibling := at ^ 1; sibling < len(level) {
			out = append(out, level[sibling])
		}
		level, at = fold(level), at/2
	}
	return out
}

var errPath = errors.New("the audit path does not lead to the root")

// climb recomputes the root from a leaf hash and its audit path in a tree of n leaves (RFC 9162,
// section 2.1.3.2, gives the same walk). It fails when the path is too long or too short for n.
func climb(h Hash, at, n int, path []Hash) (Hash, error) {
	if at < 0 || at >= n {
		return Hash{}, errPath
	}
	for last := n - 1; last > 0; at, last = at/2, last/2 {
		if at^1 > last { // an odd last node moves up alone
			continue
		}
		if len(path) == 0 {
			return Hash{}, errPath
		}
		if at%2 == 1 {
			h = node(path[0], h)
		} else {
			h = node(h, path[0])
		}
		path = path[1:]
	}
	if len(path) != 0 {
		return Hash{}, errPath
	}
	return h, nil
}
