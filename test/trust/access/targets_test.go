package access

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// target is what to call, below /rifaapp.
type target struct {
	path string
	body any
}

type object = map[string]any

// targets set up something fresh of the owner's for each cell, and say how to call the operation on it.
var targets = map[string]func(o *office, t *testing.T, variant string) target{
	"GET /rifaapp/":                static("/"),
	"GET /rifaapp/health":          static("/health"),
	"GET /rifaapp/ready":           static("/ready"),
	"GET /rifaapp/version":         static("/version"),
	"GET /rifaapp/docs":            static("/docs"),
	"GET /rifaapp/redoc":           static("/redoc"),
	"GET /rifaapp/openapi.json":    static("/openapi.json"),
	"GET /rifaapp/openapi.yaml":    static("/openapi.yaml"),
	"POST /rifaapp/migrations/run": static("/migrations/run"),

	"POST /rifaapp/auth/register": func(o *office, _ *testing.T, _ string) target {
		return target{"/auth/register", object{"name": "Eva", "email": o.newEmail(), "password": o.password()}}
	},
	"POST /rifaapp/auth/login": func(o *office, _ *testing.T, _ string) target {
		return target{"/auth/login", object{"email": o.owner.email, "password": o.password()}}
	},
	"POST /rifaapp/auth/refresh": func(o *office, t *testing.T, _ string) target {
		return target{"/auth/refresh", object{"refresh_token": o.person(t).refresh}}
	},
	"POST /rifaapp/auth/logout": func(o *office, t *testing.T, _ string) target {
		return target{"/auth/logout", object{"refresh_token": o.person(t).refresh}}
	},
	"GET /rifaapp/auth/me": static("/auth/me"),

	"GET /rifaapp/v2/raffles": static("/v2/raffles"),
	"POST /rifaapp/v2/raffles": func(o *office, _ *testing.T, variant string) target {
		body := object{"title": "Moto", "ticket_price": 1, "total_tickets": 5}
		if variant == "for the owner" {
			body["owner_id"] = o.owner.id
		}
		return target{"/v2/raffles", body}
	},
	"GET /rifaapp/v2/raffles/{id}":         onRaffle("", nil),
	"PATCH /rifaapp/v2/raffles/{id}":       onRaffle("", object{"title": "Bicicleta"}),
	"DELETE /rifaapp/v2/raffles/{id}":      onRaffle("", nil),
	"GET /rifaapp/v2/raffles/{id}/numbers": onRaffle("/numbers", nil),
	"GET /rifaapp/v2/raffles/{id}/board":   onRaffle("/board", nil),

	"POST /rifaapp/v2/raffles/{id}/reservations": func(o *office, t *testing.T, variant string) target {
		body := object{"participant": object{"name": "Luz"}, "quantity": 1}
		if variant == "draft" {
			return onRaffle("/reservations", body)(o, t, variant)
		}
		if variant == "theirs" { // with the id of an account's participant, which a token makes superfluous
			body["participant_id"] = o.hold(t, o.raffle(t, "open", "self"), o.owner.token)("participant_id")
		}
		return target{"/v2/raffles/" + o.raffle(t, "open", "self") + "/reservations", body}
	},
	"POST /rifaapp/v2/raffles/{id}/confirm": onReservation("/confirm"),
	"POST /rifaapp/v2/raffles/{id}/release": onReservation("/release"),

	"GET /rifaapp/v2/participants/{participant_id}/purchases": func(o *office, t *testing.T, variant string) target {
		token := ""
		if variant == "account" {
			token = o.owner.token
		}
		return target{"/v2/participants/" + o.hold(t, o.raffle(t, "open", "self"), token)("participant_id") + "/purchases", nil}
	},

	"POST /rifaapp/v2/raffles/{id}/draw": func(o *office, t *testing.T, variant string) target {
		if variant == "draft" {
			return onRaffle("/draw", nil)(o, t, variant)
		}
		id := o.soldRaffle(t)
		if variant == "sealed" { // nothing is left to choose, so anybody may draw it
			o.must(t, "POST", "/v2/raffles/"+id+"/seal", o.owner.token, nil)
		}
		return target{"/v2/raffles/" + id + "/draw", nil}
	},
	"POST /rifaapp/v2/raffles/{id}/seal": func(o *office, t *testing.T, variant string) target {
		if variant == "draft" {
			return onRaffle("/seal", nil)(o, t, variant)
		}
		return target{"/v2/raffles/" + o.soldRaffle(t) + "/seal", nil}
	},
	"POST /rifaapp/v2/raffles/{id}/lottery-result": onRaffle("/lottery-result", object{
		"digits": "4821", "draw_number": "1", "date": "2030-12-05", "source_url": "https://lottery.example/1", "evidence_sha256": strings.Repeat("9f", 32),
	}),
	"GET /rifaapp/v2/raffles/{id}/draw":                    onDrawn("/draw"),
	"GET /rifaapp/v2/raffles/{id}/draw/rules":              onRaffle("/draw/rules", nil),
	"GET /rifaapp/v2/raffles/{id}/draw/entries.csv":        onDrawn("/draw/entries.csv"),
	"GET /rifaapp/v2/raffles/{id}/draw/inclusion/{number}": onDrawn("/draw/inclusion/1"),
	"GET /rifaapp/v2/raffles/{id}/draw/verify":             onRaffle("/draw/verify", nil),
	"GET /rifaapp/v2/raffles/{id}/purchases/{purchase_id}/receipt": func(o *office, t *testing.T, variant string) target {
		token := ""
		if variant == "account" {
			token = o.owner.token
		}
		id := o.raffle(t, "open", "self")
		bought := o.must(t, "POST", "/v2/raffles/"+id+"/confirm", token, object{"reservation_id": o.hold(t, id, token)("reservation_id")})
		return target{"/v2/raffles/" + id + "/purchases/" + bought("purchase_id") + "/receipt", nil}
	},
	"GET /rifaapp/.well-known/rifa-keys.json": static("/.well-known/rifa-keys.json"),
}

// onDrawn is below a raffle that was drawn, of which number 1 was sold, or below a draft when the case says so.
func onDrawn(below string) func(*office, *testing.T, string) target {
	return func(o *office, t *testing.T, variant string) target {
		if variant == "draft" {
			return onRaffle(below, nil)(o, t, variant)
		}
		id := o.raffle(t, "open", "self")
		held := o.must(t, "POST", "/v2/raffles/"+id+"/reservations", "", object{"participant": object{"name": "Luz"}, "numbers": []int{1}})
		o.must(t, "POST", "/v2/raffles/"+id+"/confirm", "", object{"reservation_id": held("reservation_id")})
		o.must(t, "POST", "/v2/raffles/"+id+"/draw", o.owner.token, nil)
		return target{"/v2/raffles/" + id + below, nil}
	}
}

func static(path string) func(*office, *testing.T, string) target {
	return func(*office, *testing.T, string) target { return target{path, nil} }
}

// onRaffle is below a raffle that is open, or a draft when the case says so.
func onRaffle(below string, body any) func(*office, *testing.T, string) target {
	return func(o *office, t *testing.T, variant string) target {
		status := "open"
		if variant != "" {
			status = variant
		}
		return target{"/v2/raffles/" + o.raffle(t, status, "self") + below, body}
	}
}

// onReservation is about a reservation that nobody's account stands behind, or the owner's (account),
// or one that the organiser has to confirm (organizer). A draft has none, so there any id will do.
func onReservation(below string) func(*office, *testing.T, string) target {
	return func(o *office, t *testing.T, variant string) target {
		if variant == "draft" {
			return onRaffle(below, object{"reservation_id": uuid.NewString()})(o, t, variant)
		}
		token, confirmation := "", "self"
		switch variant {
		case "account":
			token = o.owner.token
		case "organizer":
			confirmation = "organizer"
		}
		id := o.raffle(t, "open", confirmation)
		return target{"/v2/raffles/" + id + below, object{"reservation_id": o.hold(t, id, token)("reservation_id")}}
	}
}

// raffle makes one of the owner's.
func (o *office) raffle(t *testing.T, status, confirmation string) (id string) {
	t.Helper()
	return o.must(t, "POST", "/v2/raffles", o.owner.token, object{
		"title": "Moto", "ticket_price": 1, "total_tickets": 5, "status": status, "confirmation": confirmation,
	})("id")
}

// hold reserves a number of the raffle.
func (o *office) hold(t *testing.T, raffle, token string) func(string) string {
	t.Helper()
	return o.must(t, "POST", "/v2/raffles/"+raffle+"/reservations", token, object{"participant": object{"name": "Luz"}, "quantity": 1})
}

// soldRaffle is one of which a number was bought.
func (o *office) soldRaffle(t *testing.T) (id string) {
	t.Helper()
	id = o.raffle(t, "open", "self")
	o.must(t, "POST", "/v2/raffles/"+id+"/confirm", "", object{"reservation_id": o.hold(t, id, "")("reservation_id")})
	return id
}
