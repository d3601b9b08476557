package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// Page is what every list takes; embed it in the input. It is exported because huma passes over
// embedded types that are not.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many entries at most." example:"50"`
	Cursor string `query:"cursor" maxLength:"64" doc:"Where to go on: the cursor of the next link of the answer before."`
}

// cursor is the last entry of a page. Lists are sorted by time and then by id, newest first, so the
// pair says exactly where the next page begins, whatever was added meanwhile.
type cursor struct {
	At time.Time // to the microsecond, as PostgreSQL keeps it
	ID uuid.UUID
}

const (
	cursorVersion = 1
	cursorBytes   = 1 + 8 + 16
)

var errCursor = errors.New("not a cursor of ours")

// String is the opaque form that clients carry: base64url of version, microseconds and id.
func (c cursor) String() string {
	var raw [cursorBytes]byte
	raw[0] = cursorVersion
	binary.BigEndian.PutUint64(raw[1:9], uint64(c.At.UnixMicro()))
	copy(raw[9:], c.ID[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// parseCursor reads what String wrote; it accepts one spelling of each cursor only.
func parseCursor(text string) (cursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion {
		return cursor{}, errCursor
	}
	c := cursor{At: time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:9]))).UTC(), ID: uuid.UUID(raw[9:])}
	if year := c.At.Year(); year < 1 || year > 9999 || c.String() != text {
		return cursor{}, errCursor
	}
	return c, nil
}

// after is where the page begins; nil for the first page. It refuses cursors that are not ours.
func (p Page) after() (*cursor, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	c, err := parseCursor(p.Cursor)
	if err != nil {
		return nil, raffle.Invalid(raffle.FieldError{
			Location: "query.cursor", Message: "is not a cursor of this list; take it from the next link",
		})
	}
	return &c, nil
}

// nextLink is the value of the Link header: this request's own address with another value for where the next
// page begins. It keeps the filters.
func nextLink(ctx context.Context, parameter, next string) string {
	x := exchangeFrom(ctx)
	if x == nil {
		return ""
	}
	query := sentQuery(x.address.RawQuery)
	query.Set(parameter, next)
	link := url.URL{Path: x.base + x.address.Path, RawQuery: query.Encode()}
	return "<" + link.String() + `>; rel="next"`
}

// sentQuery reads a query as operations read theirs: only & parts it. net/url leaves out what has a semicolon,
// which browsers do not escape, and the next page would be without that filter.
func sentQuery(raw string) url.Values {
	query := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name) // checkQuery refused what cannot be read
		value, _ = url.QueryUnescape(value)
		if pair != "" {
			query.Add(name, value)
		}
	}
	return query
}
