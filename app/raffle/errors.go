package raffle

import "time"

// Code names a refusal in a stable way: clients may branch on it, texts may change.
type Code string

// The codes a command or a query may refuse with. app/httpapi maps each of them to one HTTP status.
const (
	CodeInvalid            Code = "validation_failed"        // a field breaks a rule
	CodeNotFound           Code = "not_found"                // no such thing, or not visible to the caller
	CodeUnauthenticated    Code = "unauthenticated"          // no token, or one that is not valid
	CodeForbidden          Code = "forbidden"                // the caller may not do this
	CodeInvalidTransition  Code = "invalid_transition"       // the raffle's status does not allow it
	CodeRaffleNotOpen      Code = "raffle_not_open"          // sales are not running
	CodeNumbersUnavailable Code = "numbers_unavailable"      // some numbers are held or sold; member "numbers"
	CodeReservationExpired Code = "reservation_expired"      // the hold is over and numbers were lost; member "numbers"
	CodeReservationGone    Code = "reservation_released"     // the hold was given back by its holder
	CodePaymentReference   Code = "payment_reference_used"   // the reference belongs to another purchase of this raffle
	CodeFrozen             Code = "raffle_frozen"            // a number was held or sold: the rules of the draw stay
	CodeHasSales           Code = "raffle_has_sales"         // something was sold: cancel instead of deleting
	CodeNothingSold        Code = "nothing_sold"             // no draw without a sold number
	CodeNotDrawn           Code = "not_drawn"                // there is no draw yet
	CodeDrawNotDue         Code = "draw_not_due"             // too early; member "available_at"
	CodeNotSealed          Code = "not_sealed"               // the raffle must be sealed first
	CodeSealTooLate        Code = "seal_too_late"            // the official draw of the lottery has begun
	CodeNotLottery         Code = "not_a_lottery"            // the rules of this raffle name no lottery
	CodeResultMissing      Code = "lottery_result_missing"   // no confirmed result decides yet
	CodeResultDiffers      Code = "lottery_result_differs"   // the confirmation is not of the result that was entered
	CodeTooManyResults     Code = "too_many_lottery_results" // the record takes no more of them
	CodeEmailTaken         Code = "email_taken"              // another account uses the address
	CodeInvalidCredentials Code = "invalid_credentials"      // e-mail or password wrong (never says which)
	CodeTooManyAttempts    Code = "too_many_attempts"        // throttled; RetryAfter is set
	CodeInvalidRefresh     Code = "invalid_refresh_token"    // unknown, expired, revoked or already used
	CodeIdempotencyReused  Code = "idempotency_key_reused"   // same key, another body
	CodeIdempotencyRunning Code = "idempotency_key_in_use"   // the first call with the key has not ended
)

// Error is a refusal: a code for programs and a sentence for people. Commands and queries return it
// as *Error; anything else that comes out of them is an internal fault.
type Error struct {
	Code       Code
	Detail     string         // one sentence for a person, safe to show
	Fields     []FieldError   // one entry per bad field, for CodeInvalid
	Members    map[string]any // further members of the problem, such as "numbers" or "available_at"
	RetryAfter time.Duration  // when the caller may try again, for CodeTooManyAttempts
}

// FieldError says which field breaks which rule. Message never repeats the value of a secret.
type FieldError struct {
	Location string // e.g. "body.ticket_price" or "query.limit"
	Message  string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Detail }

// Refuse makes an *Error from a code and a sentence.
func Refuse(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// With adds a member to the problem that the client will see.
func (e *Error) With(name string, value any) *Error {
	if e.Members == nil {
		e.Members = map[string]any{}
	}
	e.Members[name] = value
	return e
}

// Invalid refuses with one entry per bad field.
func Invalid(fields ...FieldError) *Error {
	return &Error{Code: CodeInvalid, Detail: "A field breaks a rule; see errors.", Fields: fields}
}
