package e2e

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestBoard(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle(object{"number_start": 98, "total_tickets": 5, "number_padding": 3})
	buy(t, id, 99)
	held := reserve(t, id, 100, 102)
	r := anonymous(t).get(path("/v2/raffles/%s/numbers", id)).want(200)
	until := held["expires_at"]
	expect(t, r.object(), object{
		"raffle_id": id, "number_start": 98, "number_end": 102, "number_padding": 3, "total_numbers": 5, "offset": 0,
		"counts": object{"available": 2, "reserved": 2, "sold": 1},
		"numbers": []object{
			{"number": 98, "label": "098", "status": "available", "reserved_until": nil},
			{"number": 99, "label": "099", "status": "sold", "reserved_until": nil},
			{"number": 100, "label": "100", "status": "reserved", "reserved_until": until},
			{"number": 101, "label": "101", "status": "available", "reserved_until": nil},
			{"number": 102, "label": "102", "status": "reserved", "reserved_until": until},
		},
	})
	for query, want := range map[string][]int{
		"?offset=1&limit=2":                   {99, 100},
		"?offset=4":                           {102},
		"?offset=5":                           {},
		"?offset=100000":                      {},
		"?limit=200":                          {98, 99, 100, 101, 102},
		"?status=available":                   {98, 101},
		"?status=reserved":                    {100, 102},
		"?status=sold":                        {99},
		"?status=reserved&offset=1&limit=200": {102},
		"?status=available&limit=1":           {98},
	} {
		page := anonymous(t).get(path("/v2/raffles/%s/numbers%s", id, query)).want(200).object()
		list, _ := page["numbers"].([]any)
		if len(list) != len(want) {
			t.Errorf("%s: %d numbers, want %v", query, len(list), want)
			continue
		}
		for i, entry := range list {
			if o, _ := entry.(object); o["number"] != float64(want[i]) {
				t.Errorf("%s: entry %d is %v, want %d", query, i, o["number"], want[i])
			}
		}
		expect(t, page, object{"counts": object{"available": 2, "reserved": 2, "sold": 1}, "total_numbers": 5})
	}
	for query, next := range map[string]string{
		"": "", "?limit=200": "", "?limit=2": "limit=2&offset=2", "?limit=2&offset=2": "limit=2&offset=4", "?limit=1&offset=4": "",
		"?limit=1&status=reserved": "limit=1&offset=1&status=reserved", "?limit=1&offset=1&status=reserved": "",
	} {
		want := ""
		if next != "" {
			want = "<" + path("/rifaapp/v2/raffles/%s/numbers?", id) + next + `>; rel="next", `
		}
		page := anonymous(t).get(path("/v2/raffles/%s/numbers%s", id, query)).want(200)
		link := page.header.Get("Link")
		if !strings.HasPrefix(link, want+"<") || strings.Contains(link, "next") != (want != "") {
			t.Errorf("%s: the Link is %s, want it to begin with %s", query, link, want)
		}
		again := anonymous(t).call("GET", path("/v2/raffles/%s/numbers%s", id, query), nil, "If-None-Match", page.header.Get("ETag")).want(304)
		if got := again.header.Get("Link"); got != link { // which replaces what a cache has
			t.Errorf("%s: not modified, the Link is %s, want %s", query, got, link)
		}
	}
	plain, _ := u.newRaffle(object{"number_padding": nil})
	numbers, _ := anonymous(t).get(path("/v2/raffles/%s/numbers?limit=1", plain)).want(200).object()["numbers"].([]any)
	first, _ := numbers[0].(object)
	expect(t, first, object{"label": "0"})
}

func TestBoardLimits(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle()
	address := path("/v2/raffles/%s/numbers", id)
	for query, location := range map[string]string{
		"?offset=-1": "query.offset", "?offset=100001": "query.offset", "?limit=0": "query.limit", "?limit=201": "query.limit",
		"?limit=x": "query.limit", "?status=free": "query.status",
	} {
		anonymous(t).get(address + query).invalid(location)
	}
	anonymous(t).get(path("/v2/raffles/%s/numbers", uuid.NewString())).refused(404, "not_found")
	anonymous(t).get("/v2/raffles/x/numbers").invalid("path.id")
	anonymous(t).get("/v2/raffles/"+uuid.NewString()).refused(404, "not_found")
	anonymous(t).get("/v2/raffles/x").invalid("path.id")
}
