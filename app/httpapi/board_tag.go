package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
)

// A compact board's entity tag is its clock, so that a later request can ask for what changed since:
// `"c` + seven digits of the raffle's id + the slots' versions + the end of the last hold that ended +
// the form, `o` or `j` + `"`, with dots between; numbers to the base of 36.
const (
	tagBase  = 36
	tagSlots = 64 // at most; there are 16
	maxClock = 1 << 62
)

func clockTag(board query.CompactBoard, asJSON bool) string {
	b := append(make([]byte, 0, 128), `"c`...)
	b = append(b, raffleMark(board.RaffleID)...)
	for _, version := range board.Clock.Slots {
		b = strconv.AppendInt(append(b, '.'), version, tagBase)
	}
	b = strconv.AppendInt(append(b, '.'), board.Clock.Ended, tagBase)
	if asJSON {
		return string(append(b, `.j"`...))
	}
	return string(append(b, `.o"`...))
}

// raffleMark tells the tags of different raffles apart: the last digits of an id are random.
func raffleMark(id uuid.UUID) string {
	text := id.String()
	return text[len(text)-7:]
}

// parseClockTag reads a tag that clockTag wrote, in either form, and as a proxy or our own compression
// may have changed it. ok is false for anything else, such as the tag of another raffle.
func parseClockTag(raffleID uuid.UUID, tag string) (clock query.BoardClock, ok bool) {
	tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
	parts := strings.Split(strings.TrimSuffix(tag, gzipSuffix), ".")
	if len(parts) < 4 || len(parts) > tagSlots || parts[0] != "c"+raffleMark(raffleID) {
		return clock, false
	}
	numbers := make([]int64, 0, len(parts)-2)
	for _, part := range parts[1 : len(parts)-1] {
		n, err := strconv.ParseInt(part, tagBase, 64)
		if err != nil || n < 0 || n > maxClock {
			return clock, false
		}
		numbers = append(numbers, n)
	}
	last := len(numbers) - 1
	return query.BoardClock{Slots: numbers[:last], Ended: numbers[last]}, true
}

// boardJSON is the JSON form of a compact board.
func boardJSON(board query.CompactBoard) ([]byte, error) {
	answer := boardAnswer{RaffleID: board.RaffleID, NumberStart: board.NumberStart, TotalNumbers: board.TotalNumbers}
	if board.Packed != nil {
		answer.Board = base64.StdEncoding.EncodeToString(board.Packed)
	} else {
		answer.Changes = &boardChanges{Available: []int{}, Reserved: []int{}, Sold: []int{}}
		lists := [...]*[]int{&answer.Changes.Available, &answer.Changes.Reserved, &answer.Changes.Sold}
		for _, change := range board.Changes {
			*lists[change.State] = append(*lists[change.State], change.Number)
		}
	}
	b, err := json.Marshal(answer)
	return append(b, '\n'), err
}
