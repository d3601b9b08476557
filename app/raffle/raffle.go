// Package raffle holds the words of the domain: statuses and their transitions, limits, money,
// number labels and the codes of refusals. It knows neither HTTP nor SQL.
package raffle

import (
	"strconv"
	"strings"
	"time"
)

// Limits of what people may enter, as commands and queries check them. Those that a request's type tells
// by itself stand in app/httpapi. Lengths count characters; that of an e-mail address, bytes.
const (
	MinTitle       = 3
	MaxTitle       = 120
	MaxDescription = 1000
	MinName        = 2
	MaxName        = 120
	MaxEmail       = 254 // RFC 5321, section 4.5.3.1.3, less the angle brackets
	MaxTickets     = 100_000
)

// Status is where a raffle stands in its lifecycle.
type Status string

// The lifecycle: draft → open → closed → drawn; draft, open and closed may be cancelled; closed may
// open again while neither sealed nor drawn.
const (
	Draft     Status = "draft"
	Open      Status = "open"
	Closed    Status = "closed"
	Drawn     Status = "drawn"
	Cancelled Status = "cancelled"
)

// ParseStatus reads a status as clients write it: "published" is an old name of open.
func ParseStatus(s string) Status {
	if s == "published" {
		return Open
	}
	return Status(s)
}

// CanBecome says whether an organiser may move a raffle from s to next. Drawing is not such a move:
// only the draw leads to Drawn. Staying where one is changes nothing and is allowed.
func (s Status) CanBecome(next Status) bool {
	switch s {
	case Draft:
		return next == Draft || next == Open || next == Cancelled
	case Open:
		return next == Open || next == Closed || next == Cancelled
	case Closed:
		return next == Closed || next == Open || next == Cancelled
	case Drawn, Cancelled:
		return next == s
	}
	return false
}

// At is the status at a moment: an open raffle is closed once its draw_at has passed, whether or not
// the schedule has written that down yet.
func (s Status) At(now time.Time, drawAt *time.Time) Status {
	if s == Open && drawAt != nil && !now.Before(*drawAt) {
		return Closed
	}
	return s
}

// Confirmation says who turns a held number into a sold one.
type Confirmation string

// ConfirmSelf lets the buyer confirm; ConfirmOrganizer only the owner, after seeing the money.
const (
	ConfirmSelf      Confirmation = "self"
	ConfirmOrganizer Confirmation = "organizer"
)

// NumberEnd is the last number of a board of total numbers that begins at start.
func NumberEnd(start, total int) int { return start + total - 1 }

// AppendLabel appends a number as the board shows it, zero-padded to at least padding digits; padding 0
// pads nothing.
func AppendLabel(b []byte, number, padding int) []byte {
	digits := 1
	for n := number; n >= 10; n /= 10 {
		digits++
	}
	for ; digits < padding; digits++ {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(number), 10)
}

// CleanText is how names and titles are stored: without white space around them.
func CleanText(s string) string { return strings.TrimSpace(s) }
