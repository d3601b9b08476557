// Package access asserts who may call what: every operation with every kind of token.
package access

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/test/trust"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.office != nil {
		shared.office.server.Stop()
		for _, leak := range shared.office.server.Leaks() {
			fmt.Fprintln(os.Stderr, leak)
			code = 1
		}
	}
	os.Exit(code)
}

// matrix is what each operation answers. The columns are the caller's token: none at all; one of the
// owner's that has expired, is meant for another audience, comes from another issuer, is not signed
// (alg none), or is signed by HS256 with the public key; a valid one of another user; the owner's.
//
// What belongs to somebody is the owner's: raffles, reservations, purchases. A word in parentheses
// names a case of its own, which targets_test.go sets up. An operation without a row fails the test.
// Where the status alone would not tell two answers apart, a cell is the problem's code.
const matrix = `
operation                                               none expired audience issuer unsigned hs256 another owner

GET    /rifaapp/                                        200  200     200      200    200      200   200     200
GET    /rifaapp/health                                  200  200     200      200    200      200   200     200
GET    /rifaapp/ready                                   200  200     200      200    200      200   200     200
GET    /rifaapp/version                                 200  200     200      200    200      200   200     200
GET    /rifaapp/docs                                    200  200     200      200    200      200   200     200
GET    /rifaapp/redoc                                   200  200     200      200    200      200   200     200
GET    /rifaapp/openapi.json                            200  200     200      200    200      200   200     200
GET    /rifaapp/openapi.yaml                            200  200     200      200    200      200   200     200
POST   /rifaapp/migrations/run                          401  401     401      401    401      401   401     401

POST   /rifaapp/auth/register                           201  201     201      201    201      201   201     201
POST   /rifaapp/auth/login                              200  200     200      200    200      200   200     200
POST   /rifaapp/auth/refresh                            200  200     200      200    200      200   200     200
POST   /rifaapp/auth/logout                             200  200     200      200    200      200   200     200
GET    /rifaapp/auth/me                                 401  401     401      401    401      401   200     200

GET    /rifaapp/v2/raffles                              200  401     401      401    401      401   200     200
POST   /rifaapp/v2/raffles                              401  401     401      401    401      401   201     201
POST   /rifaapp/v2/raffles (for the owner)              401  401     401      401    401      401   403     201
GET    /rifaapp/v2/raffles/{id}                         200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id} (draft)                 404  401     401      401    401      401   404     200
PATCH  /rifaapp/v2/raffles/{id}                         401  401     401      401    401      401   403     200
PATCH  /rifaapp/v2/raffles/{id} (draft)                 401  401     401      401    401      401   404     200
DELETE /rifaapp/v2/raffles/{id}                         401  401     401      401    401      401   403     200
DELETE /rifaapp/v2/raffles/{id} (draft)                 401  401     401      401    401      401   404     200

GET    /rifaapp/v2/raffles/{id}/numbers                 200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id}/numbers (draft)         404  401     401      401    401      401   404     200
GET    /rifaapp/v2/raffles/{id}/board                   200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id}/board (draft)           404  401     401      401    401      401   404     200

POST   /rifaapp/v2/raffles/{id}/reservations            201  401     401      401    401      401   201     201
POST   /rifaapp/v2/raffles/{id}/reservations (theirs)   401  401     401      401    401      401   201     201
POST   /rifaapp/v2/raffles/{id}/reservations (draft)    404  401     401      401    401      401   404     409
POST   /rifaapp/v2/raffles/{id}/confirm                 200  401     401      401    401      401   200     200
POST   /rifaapp/v2/raffles/{id}/confirm (account)       401  401     401      401    401      401   403     200
POST   /rifaapp/v2/raffles/{id}/confirm (organizer)     401  401     401      401    401      401   403     200
POST   /rifaapp/v2/raffles/{id}/confirm (draft)         404  401     401      401    401      401   404     404
POST   /rifaapp/v2/raffles/{id}/release                 200  401     401      401    401      401   200     200
POST   /rifaapp/v2/raffles/{id}/release (account)       401  401     401      401    401      401   403     200
POST   /rifaapp/v2/raffles/{id}/release (draft)         404  401     401      401    401      401   404     404
GET    /rifaapp/v2/participants/{participant_id}/purchases           200  401  401  401  401  401  200  200
GET    /rifaapp/v2/participants/{participant_id}/purchases (account) 401  401  401  401  401  401  403  200

POST   /rifaapp/v2/raffles/{id}/draw                    401  401     401      401    401      401   403     200
POST   /rifaapp/v2/raffles/{id}/draw (sealed)           200  401     401      401    401      401   200     200
POST   /rifaapp/v2/raffles/{id}/draw (draft)            404  401     401      401    401      401   404     409
POST   /rifaapp/v2/raffles/{id}/seal                    401  401     401      401    401      401   403     200
POST   /rifaapp/v2/raffles/{id}/seal (draft)            401  401     401      401    401      401   404     409
POST   /rifaapp/v2/raffles/{id}/lottery-result          401  401     401      401    401      401   403     409
POST   /rifaapp/v2/raffles/{id}/lottery-result (draft)  401  401     401      401    401      401   404     409
GET    /rifaapp/v2/raffles/{id}/draw                    200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id}/draw (draft)            not_found 401 401 401 401 401 not_found not_drawn
GET    /rifaapp/v2/raffles/{id}/draw/rules              200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id}/draw/rules (draft)      404  401     401      401    401      401   404     200
GET    /rifaapp/v2/raffles/{id}/draw/entries.csv        200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id}/draw/entries.csv (draft) not_found 401 401 401 401 401 not_found not_drawn
GET    /rifaapp/v2/raffles/{id}/draw/inclusion/{number} 200  401     401      401    401      401   200     200
GET    /rifaapp/v2/raffles/{id}/draw/inclusion/{number} (draft) not_found 401 401 401 401 401 not_found not_drawn
GET    /rifaapp/v2/raffles/{id}/draw/verify             200  200     200      200    200      200   200     200
GET    /rifaapp/v2/raffles/{id}/purchases/{purchase_id}/receipt           200  401  401  401  401  401  200  200
GET    /rifaapp/v2/raffles/{id}/purchases/{purchase_id}/receipt (account) 401  401  401  401  401  401  403  200
GET    /rifaapp/.well-known/rifa-keys.json              200  200     200      200    200      200   200     200
`

// cell is one call and what it must answer.
type cell struct {
	row, method, path, variant, token, want string
}

// cells reads the matrix.
func cells(t *testing.T) (all []cell) {
	t.Helper()
	var columns []string
	for line := range strings.Lines(matrix) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case columns == nil:
			columns = words[1:]
			continue
		}
		if len(words) < 2+len(columns) {
			t.Fatalf("this row has too few cells: %s", line)
		}
		values := words[len(words)-len(columns):]
		name := words[2 : len(words)-len(columns)]
		for i, token := range columns {
			all = append(all, cell{
				row: strings.Join(words[:len(words)-len(columns)], " "), method: words[0], path: words[1],
				variant: strings.Trim(strings.Join(name, " "), "()"), token: token, want: values[i],
			})
		}
	}
	return all
}

// Nobody gets where the matrix does not let them (R8).
func TestMatrix(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	all := cells(t)
	for _, row := range rows(all) {
		t.Run(row[0].row, func(t *testing.T) {
			t.Parallel()
			for _, c := range row {
				setUp, ok := targets[c.method+" "+c.path]
				if !ok {
					t.Fatalf("targets_test.go does not say how to call it")
				}
				target := setUp(o, t, c.variant)
				status, body := o.call(t, c.method, target.path, o.token(t, c.token), target.body)
				var problem struct{ Code string }
				_ = json.Unmarshal(body, &problem) // not every answer is one
				if strconv.Itoa(status) != c.want && problem.Code != c.want {
					t.Errorf("with the token %q it answers %d, want %s: %s", c.token, status, c.want, body)
				}
			}
		})
	}
	trust.Figure(t, "R8", "operations and cases", len(rows(all)), "cells asserted", len(all))
}

// A new operation must say who may call it.
func TestEveryOperationHasItsRow(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	_, body := o.call(t, "GET", "/openapi.json", "", nil)
	var description struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(body, &description); err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, c := range cells(t) {
		known = append(known, c.method+" "+c.path)
	}
	for path, methods := range description.Paths {
		for method := range methods {
			if operation := strings.ToUpper(method) + " " + path; !slices.Contains(known, operation) {
				t.Errorf("%s has no row: add one to the matrix in access_test.go, and how to call it to targets_test.go", operation)
			}
		}
	}
}

// rows groups cells by row, in order.
func rows(all []cell) (grouped [][]cell) {
	for _, c := range all {
		if n := len(grouped); n > 0 && grouped[n-1][0].row == c.row {
			grouped[n-1] = append(grouped[n-1], c)
			continue
		}
		grouped = append(grouped, []cell{c})
	}
	return grouped
}
