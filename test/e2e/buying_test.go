package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestReserve(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle(object{"total_tickets": 100})
	address := path("/v2/raffles/%s/reservations", id)
	c := anonymous(t)
	held := c.post(address, object{"participant": object{"name": "Luz", "email": canaries.Get("buyer e-mail 1")}, "numbers": []int{9, 3}, "ttl_minutes": 1}).want(201)
	expect(t, held.object(), object{"raffle_id": id, "numbers": []int{3, 9}, "ticket_price": "5000.00", "currency": "COP", "total_price": "10000.00"})
	until, err := time.Parse(time.RFC3339Nano, held.text("expires_at"))
	if err != nil || time.Until(until) < 30*time.Second || time.Until(until) > 90*time.Second {
		t.Errorf("a minute ends at %s", held.text("expires_at"))
	}
	taken := c.post(address, object{"participant": object{"name": "Eva"}, "numbers": []int{2, 3, 9, 10}}).refused(409, "numbers_unavailable")
	if got := ints(t, taken.object()["numbers"]); !slices.Equal(got, []int{3, 9}) {
		t.Errorf("the taken numbers are %v", got)
	}
	expect(t, c.get("/v2/raffles/"+id).want(200).object(), object{"tickets_reserved": 2, "tickets_sold": 0})

	// The participant: known by its id, or the account's only one.
	again := c.post(address, object{"participant": object{"name": "Luz"}, "participant_id": held.text("participant_id"), "quantity": 1}).want(201)
	if again.text("participant_id") != held.text("participant_id") {
		t.Error("participant_id was not kept")
	}
	stranger := c.post(address, object{"participant": object{"name": "Luz", "email": canaries.Get("buyer e-mail 1")}, "quantity": 1}).want(201)
	if stranger.text("participant_id") == held.text("participant_id") {
		t.Error("an e-mail found somebody else's participant")
	}
	c.post(address, object{"participant": object{"name": "Luz"}, "participant_id": uuid.NewString(), "quantity": 1}).refused(404, "not_found")
	mine := u.post(address, object{"participant": object{"name": "Ana"}, "quantity": 1}).want(201).text("participant_id")
	if second := u.post(address, object{"quantity": 1}).want(201).text("participant_id"); second != mine {
		t.Error("an account has two participants")
	}
	c.post(address, object{"participant": object{"name": "Luz"}, "participant_id": mine, "quantity": 1}).refused(401, "unauthenticated")
}

func TestReserveLimits(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	valid := object{"participant": object{"name": "Luz"}, "quantity": 1}
	fifty, fiftyOne := make([]int, 50), make([]int, 51)
	for i := range fiftyOne {
		fiftyOne[i] = i
		if i < 50 {
			fifty[i] = i
		}
	}
	for name, c := range map[string]struct {
		change   object
		location string
	}{
		"first number":          {object{"quantity": absent, "numbers": []int{0}}, ""},
		"before the first":      {object{"quantity": absent, "numbers": []int{-1}}, "body.numbers"},
		"last number":           {object{"quantity": absent, "numbers": []int{99}}, ""},
		"behind the last":       {object{"quantity": absent, "numbers": []int{100}}, "body.numbers"},
		"50 numbers":            {object{"quantity": absent, "numbers": fifty}, ""},
		"51 numbers":            {object{"quantity": absent, "numbers": fiftyOne}, "body.numbers"},
		"no numbers":            {object{"quantity": absent, "numbers": []int{}}, "body.numbers"},
		"a number twice":        {object{"quantity": absent, "numbers": []int{4, 4}}, "body.numbers"},
		"a number as text":      {object{"quantity": absent, "numbers": []string{"4"}}, "body.numbers[0]"},
		"a number too large":    {object{"quantity": absent, "numbers": []int{1 << 40}}, "body.numbers"},
		"quantity 1":            {object{"quantity": 1}, ""},
		"quantity 0":            {object{"quantity": 0}, "body.quantity"},
		"quantity 50":           {object{"quantity": 50}, ""},
		"quantity 51":           {object{"quantity": 51}, "body.quantity"},
		"numbers and quantity":  {object{"numbers": []int{1}}, "body"},
		"neither":               {object{"quantity": absent}, "body"},
		"ttl 1":                 {object{"ttl_minutes": 1}, ""},
		"ttl 0":                 {object{"ttl_minutes": 0}, "body.ttl_minutes"},
		"ttl 60":                {object{"ttl_minutes": 60}, ""},
		"ttl 61":                {object{"ttl_minutes": 61}, "body.ttl_minutes"},
		"name 2":                {object{"participant": object{"name": letters(2)}}, ""},
		"name 1":                {object{"participant": object{"name": letters(1)}}, "body.participant.name"},
		"name 120":              {object{"participant": object{"name": letters(120)}}, ""},
		"name 121":              {object{"participant": object{"name": letters(121)}}, "body.participant.name"},
		"name of spaces":        {object{"participant": object{"name": "    "}}, "body.participant.name"},
		"name with a bell":      {object{"participant": object{"name": "Luz\a"}}, "body.participant.name"},
		"no participant":        {object{"participant": absent}, "body.participant"},
		"e-mail bad":            {object{"participant": object{"name": "Luz", "email": "luz"}}, "body.participant.email"},
		"e-mail with a name":    {object{"participant": object{"name": "Luz", "email": "Luz <luz@example.com>"}}, "body.participant.email"},
		"e-mail null":           {object{"participant": object{"name": "Luz", "email": nil}}, ""},
		"participant_id no id":  {object{"participant_id": "7"}, "body.participant_id"},
		"participant_id null":   {object{"participant_id": nil}, ""},
		"field nobody knows":    {object{"seats": 1}, "body.seats"},
		"participant with more": {object{"participant": object{"name": "Luz", "phone": "1"}}, "body.participant.phone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := user{client: client{t, u.token}}
			id, _ := u.newRaffle(object{"total_tickets": 100})
			r := anonymous(t).post(path("/v2/raffles/%s/reservations", id), merge(valid, c.change))
			if c.location == "" {
				r.want(201)
				return
			}
			r.invalid(c.location)
			expect(t, anonymous(t).get("/v2/raffles/"+id).want(200).object(), object{"tickets_reserved": 0})
		})
	}
}

func TestReserveWhereNothingIsSold(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	body := object{"participant": object{"name": "Luz"}, "quantity": 1}
	anonymous(t).post(path("/v2/raffles/%s/reservations", uuid.NewString()), body).refused(404, "not_found")
	for _, status := range []string{"closed", "cancelled", "drawn"} {
		id := u.raffleIn(status)
		anonymous(t).post(path("/v2/raffles/%s/reservations", id), body).refused(409, "raffle_not_open")
	}
	id, _ := u.newRaffle(object{"total_tickets": 3})
	reserve(t, id, 0, 1)
	few := anonymous(t).post(path("/v2/raffles/%s/reservations", id), object{"participant": object{"name": "Luz"}, "quantity": 2}).refused(409, "numbers_unavailable")
	expect(t, few.object(), object{"numbers": []int{}, "available": 1, "detail": "Fewer numbers are free than you ask for; ask for 1 at most."})
	reserve(t, id, 2)
	none := anonymous(t).post(path("/v2/raffles/%s/reservations", id), body).refused(409, "numbers_unavailable")
	expect(t, none.object(), object{"numbers": []int{}, "available": 0, "detail": "No number is free now; one whose hold ends without a purchase comes back."})
	anonymous(t).post(path("/v2/raffles/%s/reservations", id), body, "Authorization", "Bearer x").refused(401, "unauthenticated")
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	address := path("/v2/raffles/%s/confirm", id)
	c := anonymous(t)
	held := reserve(t, id, 1, 2)
	reservation, _ := held["reservation_id"].(string)
	c.post(address, object{"reservation_id": reservation, "participant_id": uuid.NewString()}).refused(403, "forbidden")
	bought := c.post(address, object{"reservation_id": reservation, "participant_id": held["participant_id"], "participant": object{"name": "Luz"}, "payment_reference": "R-1"}).want(200)
	expect(t, bought.object(), object{"raffle_id": id, "participant_id": held["participant_id"], "numbers": []int{1, 2}, "total_price": "10000.00", "currency": "COP", "status": "confirmed"})
	repeated := c.post(address, object{"reservation_id": reservation}).want(200)
	expect(t, repeated.object(), bought.object())
	expect(t, c.get("/v2/raffles/"+id).want(200).object(), object{"tickets_sold": 2, "tickets_reserved": 0})

	other := reserve(t, id, 3)
	c.post(address, object{"reservation_id": other["reservation_id"], "payment_reference": " R-1 "}).refused(409, "payment_reference_used")
	c.post(address, object{"reservation_id": other["reservation_id"], "payment_reference": "R-2"}).want(200)
	elsewhere, _ := u.newRaffle()
	same := reserve(t, elsewhere, 1)
	c.post(path("/v2/raffles/%s/confirm", elsewhere), object{"reservation_id": same["reservation_id"], "payment_reference": "R-1"}).want(200)

	c.post(address, object{"reservation_id": uuid.NewString()}).refused(404, "not_found")
	c.post(path("/v2/raffles/%s/confirm", elsewhere), object{"reservation_id": reservation}).refused(404, "not_found")
	c.post(path("/v2/raffles/%s/confirm", uuid.NewString()), object{"reservation_id": reservation}).refused(404, "not_found")
	purchases := c.get(path("/v2/participants/%s/purchases", held["participant_id"])).want(200).list()
	expect(t, purchases[0], object{"payment_method": "demo", "purchase_id": bought.text("purchase_id")})
}

func TestConfirmLimits(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	for name, c := range map[string]struct {
		change   object
		location string
	}{
		"no reservation":    {object{"reservation_id": absent}, "body.reservation_id"},
		"reservation no id": {object{"reservation_id": "7"}, "body.reservation_id"},
		"method 30":         {object{"payment_method": letters(30)}, ""},
		"method 31":         {object{"payment_method": letters(31)}, "body.payment_method"},
		"reference 120":     {object{"payment_reference": letters(120)}, ""},
		"reference 121":     {object{"payment_reference": letters(121)}, "body.payment_reference"},
		"method blank":      {object{"payment_method": "  "}, "body.payment_method"},
		"reference blank":   {object{"payment_reference": "  "}, "body.payment_reference"},
		"reference null":    {object{"payment_reference": nil}, ""},
		"participant no id": {object{"participant_id": "luz"}, "body.participant_id"},
		"unknown field":     {object{"amount": 1}, "body.amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := user{client: client{t, u.token}}
			id, _ := u.newRaffle()
			held := reserve(t, id, 1)
			r := anonymous(t).post(path("/v2/raffles/%s/confirm", id), merge(object{"reservation_id": held["reservation_id"]}, c.change))
			if c.location == "" {
				r.want(200)
				return
			}
			r.invalid(c.location)
			expect(t, anonymous(t).get("/v2/raffles/"+id).want(200).object(), object{"tickets_reserved": 1, "tickets_sold": 0})
		})
	}
}

func TestAccountsReservationNeedsItsToken(t *testing.T) {
	t.Parallel()
	owner, buyer, thief := newUser(t), newUser(t), newUser(t)
	id, _ := owner.newRaffle()
	held := buyer.post(path("/v2/raffles/%s/reservations", id), object{"quantity": 2}).want(201).object()
	body := object{"reservation_id": held["reservation_id"]}
	for _, verb := range []string{"confirm", "release"} {
		address := path("/v2/raffles/%s/%s", id, verb)
		anonymous(t).post(address, body).refused(401, "unauthenticated")
		thief.post(address, body).refused(403, "forbidden")
	}
	buyer.post(path("/v2/raffles/%s/confirm", id), body).want(200)
	purchases := path("/v2/participants/%s/purchases", held["participant_id"])
	anonymous(t).get(purchases).refused(401, "unauthenticated")
	thief.get(purchases).refused(403, "forbidden")
	if got := len(buyer.get(purchases).want(200).list()); got != 1 {
		t.Errorf("the buyer sees %d purchases", got)
	}
	second := buyer.post(path("/v2/raffles/%s/reservations", id), object{"quantity": 1}).want(201).object()
	owner.post(path("/v2/raffles/%s/release", id), object{"reservation_id": second["reservation_id"]}).want(200)
}

func TestRelease(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	address := path("/v2/raffles/%s/release", id)
	c := anonymous(t)
	held := reserve(t, id, 1, 2, 3)
	body := object{"reservation_id": held["reservation_id"]}
	expect(t, c.post(address, body).want(200).object(), object{"status": "released", "released": 3})
	expect(t, c.post(address, body).want(200).object(), object{"status": "released", "released": 0})
	c.post(path("/v2/raffles/%s/confirm", id), body).refused(410, "reservation_released")
	expect(t, c.get("/v2/raffles/"+id).want(200).object(), object{"tickets_reserved": 0})
	sold := reserve(t, id, 1)
	c.post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": sold["reservation_id"]}).want(200)
	expect(t, c.post(address, object{"reservation_id": sold["reservation_id"]}).want(200).object(), object{"released": 0})
	expect(t, c.get("/v2/raffles/"+id).want(200).object(), object{"tickets_sold": 1})
	c.post(address, object{"reservation_id": uuid.NewString()}).refused(404, "not_found")
	c.post(path("/v2/raffles/%s/release", uuid.NewString()), body).refused(404, "not_found")
	c.post(address, object{}).invalid("body.reservation_id")
	c.post(address, object{"reservation_id": "x"}).invalid("body.reservation_id")
}

func TestPurchases(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	held := reserve(t, id, 0)
	participant, _ := held["participant_id"].(string)
	c := anonymous(t)
	address := path("/v2/participants/%s/purchases", participant)
	nothing := c.get(address).want(200)
	if len(nothing.list()) != 0 || !strings.Contains(nothing.header.Get("Cache-Control"), "private") {
		t.Errorf("nothing was bought yet, and nobody else may keep that: %v %s", nothing.header, nothing.body)
	}
	c.post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": held["reservation_id"]}).want(200)
	for n := 1; n < 4; n++ {
		more := c.post(path("/v2/raffles/%s/reservations", id), object{"participant_id": participant, "numbers": []int{n}}).want(201)
		c.post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": more.text("reservation_id")}).want(200)
	}
	var numbers []int
	for page := address + "?limit=3"; page != ""; {
		r := c.get(page).want(200)
		for _, purchase := range r.list() {
			numbers = append(numbers, ints(t, purchase["numbers"])...)
		}
		page = next(t, r)
	}
	if !slices.Equal(numbers, []int{3, 2, 1, 0}) {
		t.Errorf("newest first would be 3 2 1 0, got %v", numbers)
	}
	c.get(path("/v2/participants/%s/purchases", uuid.NewString())).refused(404, "not_found")
	c.get("/v2/participants/7/purchases").invalid("path.participant_id")
	c.get(address + "?limit=0").invalid("query.limit")
	c.get(address + "?limit=201").invalid("query.limit")
	c.get(address + "?cursor=x").invalid("query.cursor")
}

func TestDrawRules(t *testing.T) {
	t.Parallel()
	u, other := newUser(t), newUser(t)
	id, _ := u.newRaffle()
	address := path("/v2/raffles/%s/draw", id)
	anonymous(t).get(address).refused(404, "not_drawn")
	u.post(address, nil).refused(409, "nothing_sold")
	buy(t, id, 7)
	held := reserve(t, id, 8)
	anonymous(t).post(address, nil).refused(401, "unauthenticated")
	other.post(address, nil).refused(403, "forbidden")
	if n := u.post(address, nil).want(200).number("winning_number"); n != 7 {
		t.Errorf("only 7 was sold, %d won", n)
	}
	// The draw closed the raffle and dropped the hold.
	expect(t, anonymous(t).get("/v2/raffles/"+id).want(200).object(), object{"status": "drawn", "tickets_reserved": 0})
	anonymous(t).post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": held["reservation_id"]}).refused(409, "raffle_not_open")
	u.post(path("/v2/raffles/%s/draw", uuid.NewString()), nil).refused(404, "not_found")
	u.post("/v2/raffles/x/draw", nil).invalid("path.id")
	anonymous(t).get("/v2/raffles/x/draw").invalid("path.id")
	u.post(path("/v2/raffles/%s/draw", u.raffleIn("cancelled")), nil).refused(409, "invalid_transition")
	u.post(path("/v2/raffles/%s/draw", u.raffleIn("draft")), nil).refused(409, "invalid_transition")
	u.post(path("/v2/raffles/%s/draw", u.raffleIn("closed")), nil).want(200)
}
