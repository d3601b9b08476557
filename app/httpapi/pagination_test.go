package httpapi

import (
	"context"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/query"
)

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{time.Unix(0, 0), time.Date(2030, 1, 31, 18, 0, 0, 123456000, time.UTC), time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)} {
		c := cursor{At: at.UTC(), ID: uuid.MustParse(sampleID)}
		back, err := parseCursor(c.String())
		if err != nil || back != c {
			t.Errorf("%v became %v, %v", c, back, err)
		}
	}
}

// The page that most people ask for is the one whose statement is planned once.
func TestUsualPageIsTheDefault(t *testing.T) {
	t.Parallel()
	limit, _ := reflect.TypeFor[Page]().FieldByName("Limit")
	if got := limit.Tag.Get("default"); got != strconv.Itoa(query.UsualPage) {
		t.Errorf("%s entries are answered when nobody says how many, and %d are planned for", got, query.UsualPage)
	}
}

func TestForeignCursors(t *testing.T) {
	t.Parallel()
	good := cursor{At: time.Unix(1, 0), ID: uuid.MustParse(sampleID)}.String()
	for _, text := range []string{"x", "!!!", good + "A", good[:len(good)-1], good + "=", " " + good, strings.Repeat("A", len(good)), strings.Repeat("_", len(good)), "Af" + good[2:]} {
		if c, err := parseCursor(text); err == nil {
			t.Errorf("%q was read as %v", text, c)
		}
		if _, err := (Page{Cursor: text}).after(); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	if c, err := (Page{}).after(); c != nil || err != nil {
		t.Errorf("the first page: %v, %v", c, err)
	}
}

func TestNextLinkKeepsTheFilters(t *testing.T) {
	t.Parallel()
	next := cursor{At: time.Unix(1, 0).UTC(), ID: uuid.MustParse(sampleID)}
	var link string
	a := echo(t, Options{BasePath: "/v2"}, func(ctx context.Context) ([]string, error) {
		link = nextLink(ctx, "cursor", next.String())
		return nil, nil
	})
	for _, base := range []string{"", "/v2"} {
		call(a, "GET", base+"/rifaapp/echo?status=open&q=a%26b;+c&cursor=old&limit=2", "")
		address, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		u, err := url.Parse(address)
		if !ok || err != nil || u.Path != base+"/rifaapp/echo" {
			t.Fatalf("got %q", link)
		}
		q := u.Query()
		if q.Get("status") != "open" || q.Get("q") != "a&b; c" || q.Get("limit") != "2" || q.Get("cursor") != next.String() || len(q["cursor"]) != 1 {
			t.Errorf("got %q", link)
		}
	}
}

// No text panics, and what is accepted is written in one way only.
func FuzzCursor(f *testing.F) {
	f.Add(cursor{At: time.Unix(1, 0), ID: uuid.MustParse(sampleID)}.String())
	f.Add("")
	f.Add("AQAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err == nil && c.String() != text {
			t.Errorf("%q was read as %v, which is written %q", text, c, c.String())
		}
	})
}
