package httpapi

import (
	"net/http"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// Codes of refusals that only HTTP knows; the domain's own are in app/raffle.
const (
	codeUnreadableBody   raffle.Code = "unreadable_body"
	codeMethodNotAllowed raffle.Code = "method_not_allowed"
	codeBodyTooLarge     raffle.Code = "body_too_large"
	codeUnsupportedMedia raffle.Code = "unsupported_media_type"
	codeInternal         raffle.Code = "internal_error"
	codeNotReady         raffle.Code = "not_ready"
	codeUnavailable      raffle.Code = "database_unavailable"
	codeMigrating        raffle.Code = "migration_running"
	codeAnswerTooLarge   raffle.Code = "answer_too_large"
)

// refusal is what a code means over HTTP. The title never changes between occurrences; the sentence
// is the example in the API description, and the detail when the error brings none.
type refusal struct {
	status   int
	title    string
	sentence string
}

// refusals is the one map from codes to HTTP. A code that is missing here is an internal fault.
var refusals = map[raffle.Code]refusal{
	raffle.CodeInvalid:            {422, "Validation failed", "A field breaks a rule; see errors."},
	raffle.CodeNotFound:           {404, "Not found", "There is no such thing here."},
	raffle.CodeUnauthenticated:    {401, "Authentication required", "Send a valid access token as Authorization: Bearer."},
	raffle.CodeForbidden:          {403, "Not yours", "Only the owner may do this."},
	raffle.CodeInvalidTransition:  {409, "Invalid transition", "A drawn raffle cannot be opened again."},
	raffle.CodeRaffleNotOpen:      {409, "Raffle not open", "This raffle is not selling numbers now."},
	raffle.CodeNumbersUnavailable: {409, "Numbers unavailable", "Some of these numbers are held or sold; choose others."},
	raffle.CodeReservationExpired: {409, "Reservation expired", "The hold is over and somebody else took these numbers."},
	raffle.CodeReservationGone:    {410, "Reservation released", "This hold was given back; reserve the numbers again."},
	raffle.CodePaymentReference:   {409, "Payment reference used", "Another purchase of this raffle has this payment reference."},
	raffle.CodeFrozen:             {409, "Raffle frozen", "A number was held or sold, so the rules of the draw stay as they were published."},
	raffle.CodeHasSales:           {409, "Raffle has sales", "Numbers were sold; cancel the raffle instead of deleting it."},
	raffle.CodeNothingSold:        {409, "Nothing sold", "There is nothing to draw: no number was sold."},
	raffle.CodeNotDrawn:           {404, "Not drawn", "This raffle has not been drawn yet."},
	raffle.CodeDrawNotDue:         {409, "Draw not due", "The draw can take place from available_at on."},
	raffle.CodeNotSealed:          {409, "Not sealed", "The organiser must seal the raffle first."},
	raffle.CodeSealTooLate:        {409, "Seal too late", "The official draw has begun, so the raffle can no longer be sealed; cancel it."},
	raffle.CodeNotLottery:         {409, "Not a lottery", "No lottery decides this raffle, so it takes no result."},
	raffle.CodeResultMissing:      {409, "Lottery result missing", "No confirmed lottery result decides this raffle yet."},
	raffle.CodeResultDiffers:      {409, "Lottery result differs", "Confirm the result exactly as it was entered, or enter the right one first."},
	raffle.CodeTooManyResults:     {409, "Too many results", "Fifty results were entered for this raffle; the one that counts can still be confirmed."},
	raffle.CodeEmailTaken:         {409, "E-mail taken", "There is already an account with this e-mail address; log in instead."},
	raffle.CodeInvalidCredentials: {401, "Invalid credentials", "The e-mail address or the password is wrong."},
	raffle.CodeInvalidRefresh:     {401, "Invalid refresh token", "This refresh token is not valid any more; log in again."},
	raffle.CodeTooManyAttempts:    {429, "Too many attempts", "Too many failed attempts; wait as long as Retry-After says."},
	raffle.CodeIdempotencyReused:  {422, "Idempotency key reused", "This Idempotency-Key was used with another body; use a new key."},
	raffle.CodeIdempotencyRunning: {409, "Idempotency key in use", "The first request with this Idempotency-Key is still running; try again shortly."},

	codeUnreadableBody:   {400, "Unreadable body", "The body is not valid JSON."},
	codeMethodNotAllowed: {405, "Method not allowed", "This address does not know this method; see Allow."},
	codeBodyTooLarge:     {413, "Body too large", "The body is larger than 1 MiB."},
	codeUnsupportedMedia: {415, "Unsupported media type", "Send the body as application/json."},
	codeAnswerTooLarge:   {413, "Answer too large", "The answer is larger than can be sent from here: ask for a part of the board with limit, accept gzip, or take the compact board."},
	codeMigrating:        {409, "Migration running", "The migrations are being deployed already; look again when that has ended."},
	codeInternal:         {500, "Internal error", "Something went wrong on our side; quote the request_id when you report it."},
	codeNotReady:         {503, "Not ready", "The database is not migrated yet; try again shortly."},
	codeUnavailable:      {503, "Database unavailable", "The database cannot be reached in time; try again shortly."},
}

// refusedNotReady is what the database may keep an operation from.
var refusedNotReady = []raffle.Code{codeUnavailable, codeNotReady}

// codeOf finds the code that HTTP itself gives to a status, for faults that huma found.
func codeOf(status int) raffle.Code {
	switch status {
	case http.StatusBadRequest, http.StatusRequestTimeout:
		return codeUnreadableBody
	case http.StatusNotFound:
		return raffle.CodeNotFound
	case http.StatusRequestEntityTooLarge:
		return codeBodyTooLarge
	case http.StatusUnsupportedMediaType:
		return codeUnsupportedMedia
	case http.StatusUnprocessableEntity:
		return raffle.CodeInvalid
	default:
		return codeInternal
	}
}
