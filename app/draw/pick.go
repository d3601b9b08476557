package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Winner is one pick, in draw order: all prizes first, then the alternates of prize 0, of prize 1, …
type Winner struct {
	Prize     int  `json:"prize"`     // from 0, in the order of the rules
	Alternate int  `json:"alternate"` // 0 is the winner; 1, 2, … follow when nobody answers
	Number    int  `json:"number"`
	Owner     Hash `json:"owner"`
}

// PickKey is D = TH("rifa/v1/draw"; E, S or empty, X or empty): the key all picks come from.
// (DRAW.md, step 4.)
func PickKey(seal Hash, secret, randomness []byte) Hash {
	return TH("rifa/v1/draw", seal[:], secret, randomness)
}

// try is x = u64(first 8 bytes of HMAC-SHA256(key D, "rifa/v1/pick" ‖ 0x00 ‖ u32 p ‖ u32 a ‖ u32 k)).
func try(key Hash, prize, alternate, k uint32) uint64 {
	message := append([]byte("rifa/v1/pick"), 0)
	for _, v := range [...]uint32{prize, alternate, k} {
		message = binary.BigEndian.AppendUint32(message, v)
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write(message)
	return binary.BigEndian.Uint64(mac.Sum(nil))
}

// accept says whether x < floor(2^64/m)·m: the rest of the range would make small indexes likelier.
func accept(x, m uint64) bool {
	rest := -m % m // 2^64 mod m, in 64-bit arithmetic
	return rest == 0 || x < -rest
}

// Pick gives the index below m for a prize and an alternate: the first accepted x, modulo m. m must
// be positive.
func Pick(key Hash, prize, alternate int, m uint64) uint64 {
	for k := uint32(0); ; k++ {
		if x := try(key, uint32(prize), uint32(alternate), k); accept(x, m) {
			return x % m
		}
	}
}

// Winners draws prizes and their alternates from the list. After each pick that entry leaves the
// list, or with ExcludeParticipant all of its owner's. When none is left the draw ends: the result
// is then shorter, and what it lacks is without a winner.
func Winners(key Hash, entries []Entry, prizes, alternates int, exclude Exclude) []Winner {
	pool := newPool(entries, exclude)
	winners := make([]Winner, 0, min(prizes*(1+alternates), len(entries)))
	take := func(prize, alternate int) {
		if pool.left == 0 {
			return
		}
		e := entries[pool.take(int(Pick(key, prize, alternate, uint64(pool.left))))]
		winners = append(winners, Winner{Prize: prize, Alternate: alternate, Number: e.Number, Owner: e.Owner})
	}
	for p := range prizes {
		take(p, 0)
	}
	for p := range prizes {
		for a := range alternates {
			take(p, a+1)
		}
	}
	return winners
}

// pool is the list of remaining entries, kept as a Fenwick tree over "still in" flags: finding the
// i-th remaining entry and removing one take O(log n), whatever the number of picks.
type pool struct {
	left int
	sums []int32 // Fenwick tree, 1-based
	next []int32 // with ExcludeParticipant: the ring of entries with the same owner
}

func newPool(entries []Entry, exclude Exclude) *pool {
	p := &pool{left: len(entries), sums: make([]int32, len(entries)+1)}
	for i := 1; i < len(p.sums); i++ {
		p.sums[i] = int32(i & -i)
	}
	if exclude != ExcludeParticipant {
		return p
	}
	p.next = make([]int32, len(entries))
	last := make(map[Hash]int32, len(entries))
	for i, e := range entries {
		p.next[i] = int32(i)
		if before, ok := last[e.Owner]; ok {
			p.next[i], p.next[before] = p.next[before], int32(i)
		}
		last[e.Owner] = int32(i)
	}
	return p
}

// take removes the index-th remaining entry, with its owner's others where the rules say so, and
// returns its place in the whole list.
func (p *pool) take(index int) int {
	at, rest := 0, int32(index)
	for step := highestBit(len(p.sums) - 1); step > 0; step /= 2 {
		if at+step < len(p.sums) && p.sums[at+step] <= rest {
			at += step
			rest -= p.sums[at]
		}
	}
	p.remove(at)
	if p.next != nil {
		for i := int(p.next[at]); i != at; i = int(p.next[i]) {
			p.remove(i)
		}
	}
	return at
}

func (p *pool) remove(at int) {
	p.left--
	for i := at + 1; i < len(p.sums); i += i & -i {
		p.sums[i]--
	}
}

func highestBit(n int) int {
	bit := 1
	for bit*2 <= n {
		bit *= 2
	}
	return bit
}
