package query

import (
	"context"
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

// Raffles lists raffles, newest first, and says whether more follow. Drafts and cancelled raffles are
// listed only to their owner.
func (q *Queries) Raffles(ctx context.Context, in ListRaffles) (page []Raffle, more bool, err error) {
	var (
		afterTime *time.Time
		afterID   *uuid.UUID
	)
	if in.After != nil {
		afterTime, afterID = &in.After.CreatedAt, &in.After.ID
	}
	rows, err := q.lists(in.Caller).Query(ctx, selectRaffle+`
		WHERE (r.status NOT IN ('draft', 'cancelled') OR r.owner_id = $1)
			AND ($2 = '' OR `+statusNow+` = $2)
			AND ($3::uuid IS NULL OR r.owner_id = $3)
			AND ($4 = '' OR r.title ILIKE $4)
			AND ($5::timestamptz IS NULL OR (r.created_at, r.id) < ($5, $6))
		ORDER BY r.created_at DESC, r.id DESC
		LIMIT $7`,
		in.Caller, string(in.Status), in.OwnerID, containing(in.Text), afterTime, afterID, in.Limit+1)
	if err != nil {
		return nil, false, postgres.Translate(err)
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Raffle, err error) {
		return r, row.Scan(r.fields()...)
	})
	if err != nil {
		return nil, false, postgres.Translate(err)
	}
	if len(page) > in.Limit {
		return page[:in.Limit], true, nil
	}
	return page, false, nil
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
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
