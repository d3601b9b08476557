package command

import (
	"encoding/json"
	"fmt"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// lockMode says how a command takes its raffle: sharing it with other buyers, or alone.
type lockMode int

const (
	sharing lockMode = iota
	alone
)

// refusedState is the SQLSTATE with which the functions of the buying refuse (migration
// sold_by_purchase).
const refusedState = "RF001"

// Codes that the functions raise for the command's own ears: the command runs again, alone.
const (
	codeNumbersContended = "numbers_contended"
	codeLastNumbers      = "last_numbers"
)

// code returns what such a function raised, or "".
func code(err error) string {
	message, _, _ := postgres.Raised(err, refusedState)
	return message
}

// refusal turns what those functions raise into a *raffle.Error with a sentence for people. Other
// errors stay as they are.
func refusal(err error) error {
	raised, detail, ok := postgres.Raised(err, refusedState)
	if !ok {
		return err
	}
	var members struct {
		Numbers     []int32 `json:"numbers"`
		Available   int     `json:"available"`
		NumberStart int     `json:"number_start"`
		NumberEnd   int     `json:"number_end"`
	}
	if detail != "" {
		if err := json.Unmarshal([]byte(detail), &members); err != nil {
			return fmt.Errorf("members of the refusal %s: %w", raised, err)
		}
	}
	switch raised {
	case "not_found":
		return raffleNotFound()
	case "reservation_not_found":
		return raffle.Refuse(raffle.CodeNotFound, "This raffle has no reservation with this id.")
	case "participant_not_found":
		return raffle.Refuse(raffle.CodeNotFound, "There is no participant with this id; leave participant_id out to become a new one.")
	case "participant_needs_token":
		return raffle.Refuse(raffle.CodeUnauthenticated, "This participant belongs to an account: sign in and send its token.")
	case "unauthenticated":
		return raffle.Refuse(raffle.CodeUnauthenticated, "Sign in and send the token of the account this belongs to, or the organiser's where only the organiser confirms.")
	case "forbidden":
		return raffle.Refuse(raffle.CodeForbidden, "This reservation belongs to another participant.")
	case "organizer_confirms":
		return raffle.Refuse(raffle.CodeForbidden, "In this raffle only the organiser confirms, after seeing the money.")
	case "raffle_not_open":
		return raffle.Refuse(raffle.CodeRaffleNotOpen, "This raffle is not open: numbers cannot be held or bought.")
	case "numbers_unavailable":
		return raffle.Refuse(raffle.CodeNumbersUnavailable, "Some of these numbers are taken; choose others.").With("numbers", members.Numbers)
	case "too_few_numbers":
		return tooFewNumbers(members.Available)
	case "numbers_out_of_range":
		return raffle.Invalid(raffle.FieldError{Location: "body.numbers",
			Message: fmt.Sprintf("must lie between %d and %d; these do not: %v", members.NumberStart, members.NumberEnd, members.Numbers)})
	case "reservation_released":
		return raffle.Refuse(raffle.CodeReservationGone, "This reservation was released; reserve the numbers again.")
	case "reservation_expired":
		return raffle.Refuse(raffle.CodeReservationExpired, "The hold is over and somebody else took some of its numbers.").With("numbers", members.Numbers)
	}
	return err
}

func tooFewNumbers(available int) *raffle.Error {
	detail := "No number is free now; one whose hold ends without a purchase comes back."
	if available > 0 {
		detail = fmt.Sprintf("Fewer numbers are free than you ask for; ask for %d at most.", available)
	}
	return raffle.Refuse(raffle.CodeNumbersUnavailable, detail).With("numbers", []int32{}).With("available", available)
}
