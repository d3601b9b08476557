// Package projection keeps the read model. Commands call its functions in the transaction of their own
// statements, behind them; each says what happened, and the SQL derives the rows from the write model.
// On the hot path a projection is an item of the FROM list of the command's one statement: its
// arguments are SQL, what the function of the write side before it answered. What a read table must
// hold is said once, by the views that definition.go names.
package projection

// countSlots is how many rows share one raffle's counters, so that sellers do not wait for each other;
// readers add them up. The SQL function board_moved says who takes which.
const countSlots = 16
