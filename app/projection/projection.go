// Package projection keeps the read model. Commands call its functions in the transaction of their own
// statements, behind them; each says what happened, and the SQL derives the rows from the write model.
// On the hot path a projection is an item of the select list of the command's one statement: its
// arguments are SQL, what the function of the write side in the FROM list answered, and its own answer
// is an empty column. What a read table must hold is said once, by the views that definition.go names.
package projection

import (
	"math/rand/v2"
	"sync/atomic"
)

// countSlots is how many rows share one raffle's counters, so that sellers do not wait for each other;
// readers add them up.
const countSlots = 16

var turn = func() *atomic.Uint32 {
	var t atomic.Uint32
	t.Store(rand.Uint32()) // processes that begin together do not take the same slots
	return &t
}()

// Slot is the slot of the counters for one command. Commands of a process take the slots in turn: so many at
// once have one each.
func Slot() int { return int(turn.Add(1) % countSlots) }
