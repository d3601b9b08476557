package httpapi

import (
	"strings"
	"testing"
)

// The product's own routes, with input that never reaches a command or a query.
func TestBadParametersAndBodies(t *testing.T) {
	t.Parallel()
	a := New(Options{Authenticate: setup(t).options.Authenticate})
	raffles := "/rifaapp/v2/raffles"
	numbers, reservations := raffles+"/"+sampleID+"/numbers", raffles+"/"+sampleID+"/reservations"
	for _, c := range []struct{ method, path, body, location, message string }{
		{"GET", raffles + "?limit=0", "", "query.limit", "must be at least 1"},
		{"GET", raffles + "?limit=201", "", "query.limit", "must be at most 200"},
		{"GET", raffles + "?limit=ten", "", "query.limit", "must be a whole number"},
		{"GET", raffles + "?limit=99999999999999999999", "", "query.limit", "must be a whole number"},
		{"GET", raffles + "?cursor=canary", "", "query.cursor", "is not a cursor of this list; take it from the next link"},
		{"GET", raffles + "?status=canary", "", "query.status", `must be one of "draft, open, published, closed, drawn, cancelled"`},
		{"GET", raffles + "?owner_id=canary", "", "query.owner_id", "must be a UUID"},
		{"GET", raffles + "?q=%ff", "", "query", "must be percent-encoded UTF-8 without NUL characters"},
		{"GET", raffles + "?q=%zz", "", "query", "must be percent-encoded UTF-8 without NUL characters"},
		{"GET", raffles + "/canary", "", "path.id", "must be a UUID"},
		{"GET", raffles + "/%00", "", "path.id", "must be a UUID"},
		{"GET", numbers + "?offset=-1", "", "query.offset", "must be at least 0"},
		{"POST", "/rifaapp/auth/register", `{"name":"Ana","email":"canary","password":"12345678"}`, "body.email", "must be an e-mail address"},
		{"POST", "/rifaapp/auth/register", `{"name":"Ana","email":"a@b.co","password":"canary"}`, "body.password", "must have at least 8 characters"},
		{"POST", "/rifaapp/auth/register", `{"name":"Ana","email":"a@b.co","password":["canary"]}`, "body.password", "must be a text"},
		{"POST", raffles, `{"title":"Moto","ticket_price":1,"total_tickets":1,"number_start":1000000001}`, "body.number_start", "must be at most 1000000000"},
		{"POST", raffles, `{"title":"Moto","ticket_price":null,"total_tickets":1}`, "body.ticket_price", "has the wrong form"},
		{"POST", raffles, `{"title":"Moto","ticket_price":"canary","total_tickets":1}`, "body.ticket_price", "must be a decimal number such as 5000 or 5000.50"},
		{"POST", reservations, `{"participant":{"name":"Luz"},"numbers":[4000000000]}`, "body.numbers", "has the wrong form or is out of range"},
		{"POST", raffles, `{"title":"Moto","ticket_price":1,"total_tickets":1,"draw_at":"canary"}`, "body.draw_at", "must be a time such as 2030-01-31T18:00:00Z (RFC 3339, with an offset)"},
	} {
		w := call(a, c.method, c.path, c.body, "Authorization", "Bearer good")
		p := problemIn(t, w)
		if w.Code != 422 || p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Location != c.location || p.Errors[0].Message != c.message {
			t.Errorf("%s %s %s: got %s", c.method, c.path, c.body, w.Body)
		}
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("the answer repeats the value: %s", w.Body)
		}
	}
}

// A body full of faults is answered with some of them, and long names of fields are cut.
func TestManyFaults(t *testing.T) {
	t.Parallel()
	a := setup(t)
	many := `{"title":"abc","numbers":["` + strings.Repeat(`x","`, 50_000) + `x"]}`
	w := call(a, "POST", "/rifaapp/v2/samples/"+sampleID, many, "Authorization", "Bearer good")
	if p := problemIn(t, w); w.Code != 422 || len(p.Errors) != maxFaults {
		t.Errorf("got %d with %d entries", w.Code, len(p.Errors))
	}
	long := `{"title":"abc","` + strings.Repeat("ñ", 10_000) + `":1}`
	w = call(a, "POST", "/rifaapp/v2/samples/"+sampleID, long, "Authorization", "Bearer good")
	if p := problemIn(t, w); w.Code != 422 || len(p.Errors) != 1 || len(p.Errors[0].Location) > maxLocation+len("…") {
		t.Errorf("got %d, %d bytes", w.Code, w.Body.Len())
	}
}
