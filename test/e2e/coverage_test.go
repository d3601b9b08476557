package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// seen remembers which statuses each operation has answered.
var seen = &recorder{answers: map[string]bool{}}

type recorder struct {
	mu         sync.Mutex
	operations []documented
	answers    map[string]bool
}

// documented is an operation of the API description.
type documented struct {
	method   string
	template string
	pattern  *regexp.Regexp
	statuses []string
}

// elsewhere are the documented statuses that HTTP alone cannot provoke on a healthy server.
var elsewhere = map[string]string{
	"500": "an internal fault: app/httpapi's tests make handlers fail and panic",
	"503": "the database is away: test/trust stops it under load",
}

// testedElsewhere are single answers that need another configuration or a moment that cannot be had
// over HTTP alone; app/httpapi's and app/auth's tests make them.
var testedElsewhere = map[string]string{
	"GET /rifaapp/docs 404":            "needs DOCS_ENABLED=false",
	"GET /rifaapp/redoc 404":           "needs DOCS_ENABLED=false",
	"POST /rifaapp/migrations/run 404": "needs a server without MIGRATIONS_TOKEN",
	"POST /rifaapp/migrations/run 409": "needs a deployment that takes its time",
	"POST /rifaapp/auth/register 429":  "needs a full queue of passwords to hash",

	"GET /rifaapp/v2/raffles/{id}/draw/entries.csv 413": "needs the limits of Lambda, and 80 000 sold numbers",
	"GET /rifaapp/v2/raffles/{id}/numbers 413":          "needs the limits of Lambda: test/lambdalocal has them",
}

// load reads the API description of the server under test.
func (s *recorder) load() error {
	response, err := http.Get(baseURL + "/openapi.json")
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var description struct {
		Paths map[string]map[string]struct {
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(data, &description); err != nil {
		return fmt.Errorf("openapi.json: %w", err)
	}
	for template, methods := range description.Paths {
		pattern := regexp.MustCompile(`\\\{[^/]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		for method, operation := range methods {
			d := documented{method: strings.ToUpper(method), template: template, pattern: regexp.MustCompile("^" + pattern + "$")}
			for status := range operation.Responses {
				d.statuses = append(d.statuses, status)
			}
			slices.Sort(d.statuses)
			s.operations = append(s.operations, d)
		}
	}
	slices.SortFunc(s.operations, func(a, b documented) int { return strings.Compare(a.template+a.method, b.template+b.method) })
	return nil
}

func (s *recorder) record(method, address string, status int) {
	address, _, _ = strings.Cut(address, "?")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.operations {
		if o.method == method && o.pattern.MatchString("/rifaapp"+address) {
			s.answers[o.method+" "+o.template+" "+strconv.Itoa(status)] = true
			if !slices.Contains(o.statuses, strconv.Itoa(status)) && status != http.StatusNotModified {
				s.answers[fmt.Sprintf("undocumented: %s %s answered %d", o.method, o.template, status)] = true
			}
			return
		}
	}
}

// missing lists documented statuses that were never answered, and answers that are not documented.
func (s *recorder) missing() (faults []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.operations {
		for _, status := range o.statuses {
			key := o.method + " " + o.template + " " + status
			if !s.answers[key] && elsewhere[status] == "" && testedElsewhere[key] == "" {
				faults = append(faults, "never answered: "+key)
			}
		}
	}
	for answer := range s.answers {
		if strings.HasPrefix(answer, "undocumented") {
			faults = append(faults, answer)
		}
	}
	slices.Sort(faults)
	return faults
}
