package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

var future = time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)

func TestCreateRaffle(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	r := u.post("/v2/raffles", object{"title": "  Moto  ", "ticket_price": 1500.5, "total_tickets": 3}).want(201)
	expect(t, r.object(), object{
		"title": "Moto", "description": nil, "ticket_price": "1500.50", "currency": "COP", "total_tickets": 3, "tickets_sold": 0, "tickets_reserved": 0,
		"status": "open", "draw_at": nil, "winner_ticket_id": nil, "winning_number": nil, "number_start": 1, "number_end": 3, "number_padding": nil,
		"owner_id": u.id, "confirmation": "self",
	})
	if location := r.header.Get("Location"); location != "/rifaapp/v2/raffles/"+r.text("id") {
		t.Errorf("Location is %q", location)
	}
	for _, member := range []string{"created_at", "updated_at"} {
		if at, err := time.Parse(time.RFC3339Nano, r.text(member)); err != nil || time.Since(at).Abs() > time.Minute || !strings.HasSuffix(r.text(member), "Z") {
			t.Errorf("%s is %q", member, r.text(member))
		}
	}
	expect(t, anonymous(t).get("/v2/raffles/"+r.text("id")).want(200).object(), r.object())
}

// Each rule with a value on either side of its edge.
func TestCreateRaffleLimits(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	valid := object{"title": "Moto", "ticket_price": 1, "total_tickets": 1}
	for name, c := range map[string]struct {
		change   object
		location string // of the fault; empty: created
	}{
		"title 3":                {object{"title": letters(3)}, ""},
		"title 2":                {object{"title": letters(2)}, "body.title"},
		"title nobody sees":      {object{"title": "\u200b\u2060\u3164"}, "body.title"},
		"title of emoji":         {object{"title": "👨\u200d👩\u200d👧"}, ""},
		"title of spaces":        {object{"title": "  a  "}, "body.title"},
		"title 120":              {object{"title": letters(120)}, ""},
		"title 121":              {object{"title": letters(121)}, "body.title"},
		"no title":               {object{"title": absent}, "body.title"},
		"title null":             {object{"title": nil}, "body.title"},
		"title a number":         {object{"title": 7}, "body.title"},
		"description 1000":       {object{"description": letters(1000)}, ""},
		"description 1001":       {object{"description": letters(1001)}, "body.description"},
		"price 0.01":             {object{"ticket_price": "0.01"}, ""},
		"price 0":                {object{"ticket_price": 0}, "body.ticket_price"},
		"price negative":         {object{"ticket_price": -5}, "body.ticket_price"},
		"price highest":          {object{"ticket_price": "99999999.99"}, ""},
		"price above highest":    {object{"ticket_price": "100000000.00"}, "body.ticket_price"},
		"price three decimals":   {object{"ticket_price": "1.005"}, "body.ticket_price"},
		"price a word":           {object{"ticket_price": "free"}, "body.ticket_price"},
		"price true":             {object{"ticket_price": true}, "body.ticket_price"},
		"no price":               {object{"ticket_price": absent}, "body.ticket_price"},
		"currency USD":           {object{"currency": "USD"}, ""},
		"currency lower case":    {object{"currency": "usd"}, "body.currency"},
		"currency unknown":       {object{"currency": "XXQ"}, "body.currency"},
		"currency long":          {object{"currency": "PESO"}, "body.currency"},
		"tickets 1":              {object{"total_tickets": 1}, ""},
		"tickets 0":              {object{"total_tickets": 0}, "body.total_tickets"},
		"tickets 100000":         {object{"total_tickets": 100_000}, ""},
		"tickets 100001":         {object{"total_tickets": 100_001}, "body.total_tickets"},
		"tickets a fraction":     {object{"total_tickets": 1.5}, "body.total_tickets"},
		"tickets huge":           {object{"total_tickets": 1e300}, "body.total_tickets"},
		"no tickets":             {object{"total_tickets": absent}, "body.total_tickets"},
		"start 0":                {object{"number_start": 0}, ""},
		"start -1":               {object{"number_start": -1}, "body.number_start"},
		"start highest":          {object{"number_start": 1_000_000_000}, ""},
		"start above highest":    {object{"number_start": 1_000_000_001}, "body.number_start"},
		"padding 1":              {object{"number_padding": 1}, ""},
		"padding 0":              {object{"number_padding": 0}, "body.number_padding"},
		"padding 6":              {object{"number_padding": 6}, ""},
		"padding 7":              {object{"number_padding": 7}, "body.number_padding"},
		"padding null":           {object{"number_padding": nil}, ""},
		"draw in the future":     {object{"draw_at": future}, ""},
		"title with a bell":      {object{"title": "Mo\ato"}, "body.title"},
		"draw in the past":       {object{"draw_at": "2020-01-01T00:00:00Z"}, "body.draw_at"},
		"draw at the end":        {object{"draw_at": "9998-12-31T23:59:59Z"}, ""},
		"draw after the end":     {object{"draw_at": "9998-12-31T23:59:59-00:01"}, "body.draw_at"},
		"draw in no year":        {object{"draw_at": "9999-12-31T23:59:59-01:00"}, "body.draw_at"},
		"draw without an offset": {object{"draw_at": "2099-01-01T00:00:00"}, "body.draw_at"},
		"status draft":           {object{"status": "draft"}, ""},
		"status published":       {object{"status": "published"}, ""},
		"status closed":          {object{"status": "closed"}, "body.status"},
		"confirmation organizer": {object{"confirmation": "organizer"}, ""},
		"confirmation nobody":    {object{"confirmation": "nobody"}, "body.confirmation"},
		"own id":                 {object{"owner_id": u.id}, ""},
		"unknown field":          {object{"prize": "moto"}, "body.prize"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := client{t, u.token}.post("/v2/raffles", merge(valid, c.change))
			if c.location == "" {
				r.want(201)
			} else {
				r.invalid(c.location)
			}
		})
	}
	u.post("/v2/raffles", merge(valid, object{"owner_id": uuid.NewString()})).refused(403, "forbidden")
	if published := u.post("/v2/raffles", merge(valid, object{"status": "published"})).want(201); published.text("status") != "open" {
		t.Errorf("published is open: %s", published.body)
	}
}

func TestDraftsAreTheOwners(t *testing.T) {
	t.Parallel()
	owner, other := newUser(t), newUser(t)
	id, _ := owner.newRaffle(object{"status": "draft"})
	owner.get("/v2/raffles/" + id).want(200)
	owner.get(path("/v2/raffles/%s/numbers", id)).want(200)
	for _, c := range []client{other.client, anonymous(t)} {
		c.get("/v2/raffles/"+id).refused(404, "not_found")
		c.get(path("/v2/raffles/%s/numbers", id)).refused(404, "not_found")
		c.get(path("/v2/raffles/%s/draw", id)).refused(404, "not_found")
		c.post(path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Luz"}, "quantity": 1}).refused(404, "not_found")
	}
	other.call("PATCH", "/v2/raffles/"+id, object{"title": "Mine now"}).refused(404, "not_found")
	if got := len(owner.get("/v2/raffles?owner_id=" + owner.id).want(200).list()); got != 1 {
		t.Errorf("the owner sees %d raffles, want the draft", got)
	}
	if got := len(owner.get("/v2/raffles?owner_id=" + uuid.Nil.String()).want(200).list()); got != 0 {
		t.Errorf("%d raffles belong to nobody", got)
	}
	if got := len(other.get("/v2/raffles?owner_id=" + owner.id).want(200).list()); got != 0 {
		t.Errorf("another user sees %d raffles", got)
	}
	owner.post(path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Luz"}, "quantity": 1}).refused(409, "raffle_not_open")
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	allowed := map[string][]string{
		"draft":     {"draft", "open", "cancelled"},
		"open":      {"open", "closed", "cancelled"},
		"closed":    {"closed", "open", "cancelled"},
		"cancelled": {"cancelled"},
		"drawn":     {},
	}
	for from, to := range allowed {
		for _, next := range []string{"draft", "open", "closed", "cancelled"} {
			t.Run(from+" to "+next, func(t *testing.T) {
				t.Parallel()
				u := user{client: client{t, u.token}, id: u.id}
				id := u.raffleIn(from)
				r := u.call("PATCH", "/v2/raffles/"+id, object{"status": next})
				if strings.Contains(strings.Join(to, " "), next) {
					if got := r.want(200).text("status"); got != next {
						t.Errorf("the raffle is %s", got)
					}
				} else {
					r.refused(409, "invalid_transition")
					if got := u.get("/v2/raffles/" + id).want(200).text("status"); got != from {
						t.Errorf("the refused change left the raffle %s", got)
					}
				}
			})
		}
	}
}

// raffleIn makes a raffle with the given status, one number sold where that is possible.
func (u user) raffleIn(status string) string {
	u.t.Helper()
	start := "open"
	if status == "draft" {
		start = "draft"
	}
	id, _ := u.newRaffle(object{"status": start})
	switch status {
	case "closed", "cancelled":
		buy(u.t, id, 1)
		u.call("PATCH", "/v2/raffles/"+id, object{"status": status}).want(200)
	case "drawn":
		buy(u.t, id, 1)
		u.post(path("/v2/raffles/%s/draw", id), nil).want(200)
	}
	return id
}

func TestUpdateRaffle(t *testing.T) {
	t.Parallel()
	u, other := newUser(t), newUser(t)
	id, before := u.newRaffle(object{"description": "Entrega en Cali", "draw_at": future})
	bought := buy(t, id, 4)
	address := "/v2/raffles/" + id

	expect(t, u.call("PATCH", address, object{"title": " Moto roja "}).want(200).object(),
		object{"title": "Moto roja", "description": "Entrega en Cali", "draw_at": before["draw_at"], "status": "open"})
	expect(t, u.call("PATCH", address, object{"description": nil, "draw_at": nil}).want(200).object(),
		object{"title": "Moto roja", "description": nil, "draw_at": nil})
	changed := u.get(address).want(200).text("updated_at")
	for _, nothing := range []object{{}, {"title": " Moto roja"}, {"description": nil, "draw_at": nil, "status": "published"}} {
		expect(t, u.call("PATCH", address, nothing).want(200).object(), object{"title": "Moto roja", "updated_at": changed})
	}
	expect(t, u.call("PATCH", address, object{"draw_at": future, "description": "Otra"}).want(200).object(), object{"description": "Otra"})
	expect(t, u.call("PATCH", address, object{"status": "published"}).want(200).object(), object{"status": "open"})
	purchases := anonymous(t).get(path("/v2/participants/%s/purchases", bought["participant_id"])).want(200).list()
	expect(t, purchases[0], object{"raffle_title": "Moto roja"})

	for location, body := range map[string]object{
		"body.title":         {"title": "ab"},
		"body.description":   {"description": letters(1001)},
		"body.draw_at":       {"draw_at": "2020-01-01T00:00:00Z"},
		"body.status":        {"status": "sealed"},
		"body.ticket_price":  {"ticket_price": 1},
		"body.total_tickets": {"total_tickets": 5},
		"body.number_start":  {"number_start": 5},
	} {
		u.call("PATCH", address, body).invalid(location)
	}
	u.call("PATCH", address, object{"draw_at": "9999-12-31T23:59:59-01:00"}).invalid("body.draw_at")
	u.call("PATCH", address, object{"title": nil}).invalid("body.title")
	u.call("PATCH", address, object{"status": nil}).invalid("body.status")
	u.call("PATCH", address, object{"status": "drawn"}).refused(409, "invalid_transition")
	anonymous(t).call("PATCH", address, object{"title": "Robada"}).refused(401, "unauthenticated")
	other.call("PATCH", address, object{"title": "Robada"}).refused(403, "forbidden")
	u.call("PATCH", "/v2/raffles/"+uuid.NewString(), object{"title": "Nada"}).refused(404, "not_found")
	u.call("PATCH", "/v2/raffles/7", object{"title": "Nada"}).invalid("path.id")
	expect(t, u.get(address).want(200).object(), object{"title": "Moto roja", "description": "Otra", "ticket_price": "5000.00"})
}

func TestDeleteRaffle(t *testing.T) {
	t.Parallel()
	u, other := newUser(t), newUser(t)
	id, _ := u.newRaffle()
	reserve(t, id, 1)
	anonymous(t).call("DELETE", "/v2/raffles/"+id, nil).refused(401, "unauthenticated")
	other.call("DELETE", "/v2/raffles/"+id, nil).refused(403, "forbidden")
	expect(t, u.call("DELETE", "/v2/raffles/"+id, nil).want(200).object(), object{"status": "deleted", "raffle_id": id})
	u.get("/v2/raffles/"+id).refused(404, "not_found")
	u.get(path("/v2/raffles/%s/numbers", id)).refused(404, "not_found")
	u.call("DELETE", "/v2/raffles/"+id, nil).refused(404, "not_found")
	u.call("DELETE", "/v2/raffles/x", nil).invalid("path.id")

	sold, _ := u.newRaffle()
	bought := buy(t, sold, 1)
	u.call("DELETE", "/v2/raffles/"+sold, nil).refused(409, "raffle_has_sales")
	u.call("PATCH", "/v2/raffles/"+sold, object{"status": "cancelled"}).want(200)
	expect(t, anonymous(t).get("/v2/raffles/"+sold).want(200).object(), object{"status": "cancelled", "tickets_sold": 1})
	purchases := anonymous(t).get(path("/v2/participants/%s/purchases", bought["participant_id"])).want(200).list()
	expect(t, purchases[0], object{"raffle_status": "cancelled"})
}

func TestListRaffles(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	word := unique()
	var ids []string
	for range 7 {
		id, _ := u.newRaffle(object{"title": "Moto á " + word})
		ids = append([]string{id}, ids...) // newest first
	}
	cancelled, closed := ids[0], ids[1]
	u.call("PATCH", "/v2/raffles/"+cancelled, object{"status": "cancelled"}).want(200)
	u.call("PATCH", "/v2/raffles/"+closed, object{"status": "closed"}).want(200)

	anyone := anonymous(t)
	if got := idsOf(anyone.get("/v2/raffles?q=" + url.QueryEscape("Á "+strings.ToUpper(word))).want(200).list()); strings.Join(got, " ") != strings.Join(ids[1:], " ") {
		t.Errorf("others see %v, want all but the cancelled one, newest first: %v", got, ids[1:])
	}
	if got := len(u.get("/v2/raffles?limit=200&owner_id=" + u.id).want(200).list()); got != 7 {
		t.Errorf("the owner sees %d of 7", got)
	}
	if got := idsOf(anyone.get("/v2/raffles?status=closed&q=" + word).want(200).list()); len(got) != 1 || got[0] != closed {
		t.Errorf("closed raffles are %v", got)
	}
	if got := len(anyone.get("/v2/raffles?status=published&q=" + word).want(200).list()); got != 5 {
		t.Errorf("%d published raffles, want 5", got)
	}
	if got := len(anyone.get("/v2/raffles?q=" + word + "%25").want(200).list()); got != 0 {
		t.Errorf("%% is a wildcard: %d raffles", got)
	}
	if got := pages(t, anyone, "/v2/raffles?limit=2&q="+word); strings.Join(got, " ") != strings.Join(ids[1:], " ") {
		t.Errorf("page by page %v, want %v", got, ids[1:])
	}
	for query, location := range map[string]string{
		"limit=0": "query.limit", "limit=201": "query.limit", "limit=x": "query.limit", "cursor=abc": "query.cursor",
		"status=sold": "query.status", "owner_id=7": "query.owner_id", "q=" + strings.Repeat("a", 121): "query.q",
	} {
		anyone.get("/v2/raffles?" + query).invalid(location)
	}
	anyone.get("/v2/raffles?limit=200").want(200)
	anyone.get("/v2/raffles?limit=1").want(200)
}

func idsOf(list []object) (ids []string) {
	for _, o := range list {
		id, _ := o["id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// pages follows the next links from address to the end.
func pages(t *testing.T, c client, address string) (ids []string) {
	t.Helper()
	for address != "" {
		r := c.get(address).want(200)
		ids = append(ids, idsOf(r.list())...)
		address = next(t, r)
	}
	return ids
}

// next is the address of the next page, below the base, or "".
func next(t *testing.T, r reply) string {
	t.Helper()
	link := r.header.Get("Link")
	if link == "" {
		return ""
	}
	target, rest, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok || strings.TrimSpace(rest) != `; rel="next"` {
		t.Fatalf("Link is %q", link)
	}
	_, below, ok := strings.Cut(target, "/rifaapp")
	if !ok {
		t.Fatalf("Link is %q", link)
	}
	return below
}
