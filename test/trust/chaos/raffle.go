package chaos

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	protocol "github.com/rifaapp/rifaapp/app/draw"
)

// raffle is one of the run, with the history of what clients asked of it and were told.
type raffle struct {
	ID string `json:"id"`

	mu      sync.Mutex
	history []porcupine.Operation
	held    []reservation
	rivals  [boardSize]map[int]bool // who tried to get each number
}

// reservation is what a buyer asked for and was told about it.
type reservation struct {
	buyer       string // the participant's name: no other attempt has it
	numbers     []int8
	keyed       bool
	verdict     verdict
	id          string
	sold        verdict // of the confirm; unknown also before it was asked for
	asked       bool    // whether the confirm was
	purchase    string
	receipt     *protocol.Receipt // of the purchase
	participant string
}

// epoch is when the clock of all histories began.
var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// record adds an operation that was called at the given time and is answered now.
func (r *raffle) record(client int, called int64, in input, out output) {
	returned := now()
	if out.verdict == unknown {
		returned = 1<<62 + called // it stays open; distinct, so that the order is settled
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: in, Call: called, Output: out, Return: returned})
}

func (r *raffle) told(h reservation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = append(r.held, h)
}

func (r *raffle) tried(client int, numbers []int8) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range numbers {
		if r.rivals[n] == nil {
			r.rivals[n] = map[int]bool{}
		}
		r.rivals[n][client] = true
	}
}

// fewestRivals is how many buyers tried to get the least wanted number.
func (r *raffle) fewestRivals() int {
	fewest := len(r.rivals[0])
	for _, rivals := range r.rivals {
		fewest = min(fewest, len(rivals))
	}
	return fewest
}

// reservations is what was told so far.
func (r *raffle) reservations() []reservation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]reservation(nil), r.held...)
}

// judged is the history as the model wants it: with an end that follows every answer, and with twins
// that know of each other.
func judged(history []porcupine.Operation) []porcupine.Operation {
	history = slices.SortedFunc(slices.Values(history), func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	last, came, named := int64(0), [kinds]uint8{}, map[int32]int{}
	for _, o := range history {
		named[o.Input.(input).hold]++
	}
	for i, o := range history {
		in := o.Input.(input)
		switch {
		case o.Output.(output).verdict != unknown:
			last = max(last, o.Return)
			continue
		case in.kind == reserveNumbers && named[in.hold] == 1:
			in.hold = nobodys
			for _, n := range in.numbers {
				in.twins |= 1 << n
			}
		case in.kind == setStatus && in.to != drawn:
			in.twins = statusTwins + uint8(in.to)
		default:
			continue
		}
		in.nth = came[in.twins]
		came[in.twins]++
		history[i].Input = in
	}
	return append(history, porcupine.Operation{Input: input{kind: end}, Call: last + 1, Output: output{verdict: done}, Return: last + 2})
}

// linearizable says whether the raffle could have behaved as its clients saw it; otherwise it writes
// the history to a page that explains where it breaks.
func (r *raffle) linearizable(patience time.Duration, page string) (findings []string) {
	result, info := porcupine.CheckOperationsVerbose(model, judged(r.history), patience)
	if result == porcupine.Ok {
		return nil
	}
	finding := fmt.Sprintf("raffle %s: the history of %d operations is %s", r.ID, len(r.history), map[porcupine.CheckResult]string{
		porcupine.Illegal: "not linearizable", porcupine.Unknown: "too hard to judge",
	}[result])
	file, err := os.Create(page)
	if err != nil {
		return []string{finding, err.Error()}
	}
	defer func() { _ = file.Close() }()
	if err := porcupine.Visualize(model, info, file); err != nil {
		return []string{finding, err.Error()}
	}
	return []string{finding + "; see " + page}
}
