package chaos

import (
	"fmt"
	"math"
	"slices"

	"github.com/anishathalye/porcupine"
)

// boardSize is how many numbers each raffle of a run has; they count from 0.
const boardSize = 5

// state is what a raffle must look like after a sequence of operations: 0 for a free number, the
// number of the reservation that holds it, or that number negated when it is sold.
type state struct {
	cells  [boardSize]int32
	status status
	winner int8         // -1 before the draw
	over   bool         // every answer has been given: nobody looks any more
	came   [kinds]uint8 // how many of each kind of twins took effect so far
}

type status uint8

const (
	open status = iota
	closed
	drawn
)

// Operations with an unknown outcome are twins when they ask for the same and nothing else tells one from
// the other: it is the same which of them takes effect.
const (
	statusTwins = 1 << boardSize // and the status; below are the reservations, by the bits of their numbers
	kinds       = statusTwins + 2
	nobodys     = math.MaxInt32 // the hold of each reservation that nobody was told of
)

// kind says what an operation asks for.
type kind uint8

const (
	reserveNumbers kind = iota
	confirmHold
	releaseHold
	setStatus
	seal
	draw
	readBoard
	end // follows the last answer
)

// input is what a client asked for.
type input struct {
	kind    kind
	hold    int32 // the reservation: a number of our own for each attempt
	numbers []int8
	to      status // of setStatus
	keyed   bool   // with an Idempotency-Key
	twins   uint8  // the kind of its twins, if the outcome is unknown; 0: it has none
	nth     uint8  // of its twins
}

// verdict is what a client was told.
type verdict uint8

const (
	unknown     verdict = iota // nothing: it may have happened, or happen yet
	done                       // it happened
	taken                      // numbers_unavailable
	notOpen                    // raffle_not_open
	refused                    // another refusal, which changes nothing
	nothingSold                // of draw
)

// output is what a client was told, in full.
type output struct {
	verdict  verdict
	numbers  []int8 // the numbers that were taken
	released int
	winner   int8
	board    [boardSize]byte // of readBoard: 'a', 'r' or 's' for each number
}

// model says which answers a raffle may give.
var model = porcupine.Model{
	Init: func() any { return state{winner: -1} },
	Step: func(s, in, out any) (bool, any) {
		return s.(state).step(in.(input), out.(output))
	},
	Equal:             func(a, b any) bool { return a.(state) == b.(state) },
	DescribeOperation: func(in, out any) string { return describe(in.(input), out.(output)) },
	DescribeState:     func(s any) string { return s.(state).String() },
}

// step says whether the state allows the answer, and what comes after it. An operation whose outcome
// nobody knows may take effect at any time after its call, or never: then it stands behind the end,
// where it is seen by nobody. It stands there too wherever else it would change nothing, and twins come in
// the order of their calls: that says the same and spares the search, which would try each subset of them.
func (s state) step(in input, out output) (bool, any) {
	switch {
	case in.kind == end:
		s.over = true
		return true, s
	case out.verdict == unknown && s.over:
		return true, s
	case out.verdict == unknown && s.came[in.twins] != in.nth:
		return false, s // another of its twins is first
	}
	ok, next := s.act(in, out)
	if out.verdict == unknown {
		ok = ok && next != s
		if in.twins != 0 {
			next.came[in.twins]++
		}
	}
	return ok, next
}

func (s state) act(in input, out output) (bool, state) {
	switch in.kind {
	case reserveNumbers:
		return s.reserve(in, out)
	case confirmHold:
		return s.confirm(in, out)
	case releaseHold:
		return s.release(in, out)
	case setStatus:
		if out.verdict == done || out.verdict == unknown {
			ok := s.status != drawn
			s.status = in.to
			return ok, s
		}
		return true, s
	case seal:
		return s.seal(out)
	case draw:
		return s.draw(out)
	}
	return out.verdict != done || s.looksLike(out.board), s
}

func (s state) reserve(in input, out output) (bool, state) {
	free := s.status == open
	for _, n := range in.numbers {
		free = free && s.cells[n] == 0
	}
	switch out.verdict {
	case done, unknown:
		if free {
			for _, n := range in.numbers {
				s.cells[n] = in.hold
			}
		}
		return free, s
	case taken:
		// The numbers are looked at one after the other, so that together they need not be the board
		// of any one moment; one of those named must be taken.
		return s.status == open && slices.ContainsFunc(out.numbers, func(n int8) bool { return s.cells[n] != 0 }), s
	case notOpen:
		return s.status != open, s
	}
	return false, s // nothing else may be said to a well-formed request
}

func (s state) confirm(in input, out output) (bool, state) {
	held, sold := true, true
	for _, n := range in.numbers {
		held = held && s.cells[n] == in.hold
		sold = sold && s.cells[n] == -in.hold
	}
	switch out.verdict {
	case done, unknown:
		if sold {
			return true, s
		}
		if s.status == open && held {
			for _, n := range in.numbers {
				s.cells[n] = -in.hold
			}
			if !slices.ContainsFunc(s.cells[:], func(c int32) bool { return c >= 0 }) {
				s.status = closed // the last sale closes the raffle
			}
			return true, s
		}
		return false, s
	case notOpen:
		return s.status != open && !sold, s
	}
	return !held && !sold, s
}

func (s state) release(in input, out output) (bool, state) {
	released := 0
	for _, n := range in.numbers {
		if s.cells[n] == in.hold {
			s.cells[n] = 0
			released++
		}
	}
	switch out.verdict {
	case done:
		// Without a key the API itself repeats a release whose commit was not answered, and a repeated
		// release answers 0.
		return out.released == released || out.released == 0 && !in.keyed, s
	case unknown:
		return true, s
	}
	return false, s
}

// seal closes the raffle for good and drops its holds; sealing again changes nothing.
func (s state) seal(out output) (bool, state) {
	if out.verdict != done || s.status == drawn {
		return out.verdict != taken && out.verdict != notOpen, s
	}
	sold := false
	for i, c := range s.cells {
		s.cells[i] = min(c, 0)
		sold = sold || c < 0
	}
	s.status = closed
	return sold, s
}

func (s state) draw(out output) (bool, state) {
	sold := slices.ContainsFunc(s.cells[:], func(c int32) bool { return c < 0 })
	switch out.verdict {
	case nothingSold:
		return !sold && s.status != drawn, s
	case unknown:
		return true, s // the organiser repeats a draw until it is answered: only a run that was cut short leaves this
	case done:
		if s.status == drawn {
			return s.winner == out.winner, s
		}
		for i, c := range s.cells {
			s.cells[i] = min(c, 0) // its holds are dropped
		}
		s.status, s.winner = drawn, out.winner
		return sold && s.cells[out.winner] < 0, s
	}
	return false, s
}

func (s state) looksLike(board [boardSize]byte) bool {
	for i, c := range s.cells {
		if board[i] != letter(c) {
			return false
		}
	}
	return true
}

func letter(cell int32) byte {
	switch {
	case cell > 0:
		return 'r'
	case cell < 0:
		return 's'
	}
	return 'a'
}

func (s state) String() string {
	return fmt.Sprintf("%s %v winner %d", [...]string{"open", "closed", "drawn"}[s.status], s.cells, s.winner)
}

func describe(in input, out output) string {
	var what string
	switch in.kind {
	case reserveNumbers:
		what = fmt.Sprintf("reserve %d %v", in.hold, in.numbers)
	case confirmHold:
		what = fmt.Sprintf("confirm %d %v", in.hold, in.numbers)
	case releaseHold:
		what = fmt.Sprintf("release %d %v", in.hold, in.numbers)
	case setStatus:
		what = fmt.Sprintf("set status %d", in.to)
	case seal:
		what = "seal"
	case draw:
		what = "draw"
	case readBoard:
		return fmt.Sprintf("board %s", out.board[:])
	case end:
		return "end"
	}
	told := [...]string{"unknown", "done", "taken", "not open", "refused", "nothing sold"}[out.verdict]
	return fmt.Sprintf("%s: %s %v", what, told, out.numbers)
}
