package chaos

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// Many answers that nobody got must not make a history too hard to judge: it is found possible, and
// one that no raffle can have is found impossible.
func TestManyUnknownOutcomesAreJudged(t *testing.T) {
	const unanswered = 30
	for _, c := range []struct {
		board string
		want  porcupine.CheckResult
	}{
		{"aaaar", porcupine.Ok}, // the hold that is known, none of the others
		{"rrrrr", porcupine.Ok}, // the others came first
		{"raaar", porcupine.Ok},
		{"aaaas", porcupine.Illegal}, // nobody asked to buy it
		{"rrrra", porcupine.Illegal}, // the known hold is gone
	} {
		t.Run(c.board, func(t *testing.T) {
			t.Parallel()
			r := &raffle{}
			at := int64(0)
			add := func(in input, out output) {
				at += 2
				back := at + 1
				if out.verdict == unknown {
					back = 1<<62 + at
				}
				r.history = append(r.history, porcupine.Operation{Input: in, Call: at, Output: out, Return: back})
			}
			read := output{verdict: done, board: [boardSize]byte([]byte(c.board))}
			add(input{kind: reserveNumbers, hold: 1, numbers: []int8{4}}, output{verdict: done})
			for i := range unanswered {
				add(input{kind: reserveNumbers, hold: int32(2 + i), numbers: []int8{int8(i % boardSize)}}, output{})
				add(input{kind: setStatus, to: status(i % 2)}, output{})
			}
			for range 3 {
				add(input{kind: readBoard}, read)
			}
			if got, _ := porcupine.CheckOperationsVerbose(model, judged(r.history), 10*time.Second); got != c.want {
				t.Errorf("it is judged %s, want %s", got, c.want)
			}
		})
	}
}
