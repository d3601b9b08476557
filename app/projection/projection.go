// Package projection keeps the read model. Commands queue its functions behind their own statements,
// in the same transaction; each says what happened, and the SQL derives the rows from the write
// model. What a read table must hold is said once, by the views that definition.go names.
package projection

import "math/rand/v2"

// countSlots is how many rows share one raffle's counters. Sellers pick one at random so that they
// do not wait for each other; readers add them up.
const countSlots = 16

func anySlot() int { return rand.IntN(countSlots) }
