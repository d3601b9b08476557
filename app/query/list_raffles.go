package query

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// ListRaffles narrows a list of raffles down; zero values do not.
type ListRaffles struct {
	Caller  *uuid.UUID    // whose drafts and cancelled raffles are listed too
	Status  raffle.Status // as it is at this moment
	OwnerID *uuid.UUID
	Text    string // part of the title, upper or lower case
	After   *Position
	Limit   int
}

// Position is where a page of a list ended: lists are sorted by creation, newest first, then by id.
type Position struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// rafflePage is what Raffles answers.
type rafflePage struct {
	raffles []Raffle
	more    bool
}

// Raffles lists raffles, newest first, and says whether more follow. Drafts and cancelled raffles are
// listed only to their owner. Anonymous people who ask for the same page at the same time share one
// answer: leave it as it is.
func (q *Queries) Raffles(ctx context.Context, in ListRaffles) (raffles []Raffle, more bool, err error) {
	read := func(ctx context.Context) (rafflePage, error) { return in.read(ctx, q.lists(in.Caller)) }
	var page rafflePage
	if in.Caller == nil {
		page, err = q.pages.ask(ctx, in.question(), read)
	} else {
		page, err = read(ctx)
	}
	return page.raffles, page.more, err
}

func (in ListRaffles) read(ctx context.Context, reader postgres.Querier) (page rafflePage, err error) {
	statement, args := in.statement()
	rows, err := reader.Query(ctx, statement, args...)
	if err != nil {
		return rafflePage{}, postgres.Translate(err)
	}
	page.raffles, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Raffle, err error) {
		return r, row.Scan(r.fields()...)
	})
	if err != nil {
		return rafflePage{}, postgres.Translate(err)
	}
	if page.more = len(page.raffles) > in.Limit; page.more {
		page.raffles = page.raffles[:in.Limit]
	}
	return page, nil
}

// listQuestion is what somebody without a token asks, comparable. Two that differ in anything have nothing
// in common: a position that a stranger made up must not stand for the first page.
type listQuestion struct {
	status       raffle.Status
	owned, paged bool
	ownerID      uuid.UUID
	text         string
	after        Position
	limit        int
}

func (in ListRaffles) question() listQuestion {
	question := listQuestion{status: in.Status, owned: in.OwnerID != nil, paged: in.After != nil, text: in.Text, limit: in.Limit}
	if in.OwnerID != nil {
		question.ownerID = *in.OwnerID
	}
	if in.After != nil {
		question.after = *in.After
	}
	return question
}

// UsualPage is how many entries a page of a list has when nobody says how many.
const UsualPage = 50

// statement reads one more raffle than the page has: it tells whether more follow. The page that most
// people ask for has no parameters: the server plans it once for a connection, not each time, which was a
// fifth of its work. Other sizes share one text, or a client that tries them all would leave a plan of
// 170 kB for each in every session.
func (in ListRaffles) statement() (sql string, args []any) {
	which, args := in.conditions()
	limit := strconv.Itoa(in.Limit + 1)
	if len(args) > 0 || in.Limit != UsualPage {
		args = append(args, in.Limit+1)
		limit = "$" + strconv.Itoa(len(args))
	}
	return selectRaffleColumns + `
		FROM (SELECT * FROM raffles_read r WHERE ` + which + `
			ORDER BY r.created_at DESC, r.id DESC LIMIT ` + limit + `) r` + raffleCounts + `
		ORDER BY r.created_at DESC, r.id DESC`, args
}

// conditions narrow the list down. Only those that were asked for are in the statement: one text for
// all of them would be planned for the least of them, and read and sort every raffle for each page.
func (in ListRaffles) conditions() (which string, args []any) {
	which = `r.status NOT IN ('draft', 'cancelled')`
	if in.Caller != nil {
		which, args = `(`+which+` OR r.owner_id = $1)`, []any{*in.Caller}
	}
	add := func(condition string, values ...any) {
		for _, value := range values {
			args = append(args, value)
			condition = strings.Replace(condition, "$?", "$"+strconv.Itoa(len(args)), 1)
		}
		which += " AND " + condition
	}
	if in.Status != "" {
		add(statusNow+` = $?`, string(in.Status))
	}
	if in.Status == raffle.Draft || in.Status == raffle.Cancelled { // only the caller's are listed: not all are looked through
		add(`r.owner_id = $?`, in.Caller)
	}
	if in.OwnerID != nil {
		add(`r.owner_id = $?`, *in.OwnerID)
	}
	if in.Text != "" {
		add(`r.title ILIKE $?`, containing(in.Text))
	}
	if in.After != nil {
		add(`(r.created_at, r.id) < ($?, $?)`, in.After.CreatedAt, in.After.ID)
	}
	return which, args
}

// lists picks the reader for people without a token only: an organiser must see a new raffle at once.
func (q *Queries) lists(caller *uuid.UUID) postgres.Querier {
	if q.Lists != nil && caller == nil {
		return q.Lists
	}
	return q.DB
}

// containing is an ILIKE pattern that finds text literally anywhere.
func containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
