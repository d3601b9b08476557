package httpapi

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

func TestCommittedDescriptionIsCurrent(t *testing.T) {
	t.Parallel()
	_, want, err := New(Options{}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.yaml differs from the code; run: go run ./app/httpapi/openapigen")
	}
}

func TestDescriptionIsValidOpenAPI(t *testing.T) {
	t.Parallel()
	asJSON, _, err := New(Options{}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(asJSON)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, faults := v.ValidateDocument(); !ok {
		for _, f := range faults {
			t.Errorf("%s: %s", f.Message, f.Reason)
		}
	}
}

// operations lists every described operation by "METHOD path".
func operations(a *API) map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for path, item := range a.huma.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if o != nil {
				all[o.Method+" "+path] = o
			}
		}
	}
	return all
}

func TestEveryOperationIsWhole(t *testing.T) {
	t.Parallel()
	a := New(Options{})
	ids, tagNames := map[string]string{}, map[string]bool{}
	for _, tag := range tags {
		tagNames[tag.Name] = true
	}
	for name, o := range operations(a) {
		if o.Summary == "" || o.Security == nil || len(o.Tags) != 1 || !tagNames[o.Tags[0]] {
			t.Errorf("%s: summary %q, security %v, tags %v", name, o.Summary, o.Security, o.Tags)
		}
		if other, taken := ids[o.OperationID]; taken || o.OperationID == "" {
			t.Errorf("%s and %s are both called %q", name, other, o.OperationID)
		}
		ids[o.OperationID] = name
		if o.RequestBody != nil && o.RequestBody.Content[mediaJSON].Example == nil {
			t.Errorf("%s: the body has no example", name)
		}
		for status, response := range o.Responses {
			checkResponse(t, name+" "+status, status, response)
		}
	}
}

func checkResponse(t *testing.T, name, status string, response *huma.Response) {
	t.Helper()
	if response.Description == "" {
		t.Errorf("%s: no description", name)
	}
	if status == "304" {
		return
	}
	if len(response.Content) == 0 {
		t.Errorf("%s: no content", name)
	}
	for media, content := range response.Content {
		if content.Schema == nil {
			t.Errorf("%s: %s has no schema", name, media)
		}
		if content.Example == nil && len(content.Examples) == 0 {
			t.Errorf("%s: %s has no example", name, media)
		}
	}
	if code, _ := strconv.Atoi(status); code >= 400 && response.Content[mediaProblem] == nil {
		t.Errorf("%s: no problem", name)
	}
}

// Examples fit their schemas, so that a client may copy them.
func TestExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	a := New(Options{})
	for name, o := range operations(a) {
		if o.RequestBody != nil {
			checkExample(t, a, name+" body", o.RequestBody.Content[mediaJSON], huma.ModeWriteToServer)
		}
		for status, response := range o.Responses {
			if content := response.Content[mediaJSON]; content != nil && content.Example != nil {
				checkExample(t, a, name+" "+status, content, huma.ModeReadFromServer)
			}
		}
	}
	problem := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	for code, example := range a.huma.OpenAPI().Components.Examples {
		checkExample(t, a, code, &huma.MediaType{Schema: problem, Example: example.Value}, huma.ModeReadFromServer)
	}
}

func checkExample(t *testing.T, a *API, name string, content *huma.MediaType, mode huma.ValidateMode) {
	t.Helper()
	text, err := json.Marshal(content.Example)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	var result huma.ValidateResult
	huma.Validate(a.huma.OpenAPI().Components.Schemas, content.Schema, huma.NewPathBuffer(nil, 0), mode, value, &result)
	for _, fault := range result.Errors {
		t.Errorf("%s: %v", name, fault)
	}
}

// Every code that may be answered is explained, and its problem's type leads there.
func TestEveryRefusalIsExplained(t *testing.T) {
	t.Parallel()
	page, err := New(Options{}).reference()
	if err != nil {
		t.Fatal(err)
	}
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for code, r := range refusals {
		if !snake.MatchString(string(code)) || r.status < 400 || r.title == "" || r.sentence == "" || r.sentence[len(r.sentence)-1] != '.' {
			t.Errorf("%s: %+v", code, r)
		}
		if !bytes.Contains(page, []byte(`id="`+string(code)+`"`)) {
			t.Errorf("the reference does not explain %s", code)
		}
	}
}

// Clients are generated from the description, so that it names the headers that they will meet.
func TestHeadersAreDescribed(t *testing.T) {
	t.Parallel()
	for name, o := range operations(New(Options{})) {
		keyed := slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.Name == headerIdempotencyKey })
		for status, response := range o.Responses {
			code, _ := strconv.Atoi(status)
			_, html := response.Content["text/html"]
			for header, want := range map[string]bool{
				"X-Request-Id":            true,
				"ETag":                    o.Method == "GET" && code < 400,
				"WWW-Authenticate":        code == 401,
				"Retry-After":             code == 429 || code == 503,
				headerReplayed:            keyed && code < 500,
				"Content-Security-Policy": html,
				"Content-Type":            false, // it is what content says; OpenAPI ignores it here
			} {
				if got := response.Headers[header]; (got != nil) != want {
					t.Errorf("%s %s: %s described %t, want %t", name, status, header, got != nil, want)
				}
			}
		}
	}
}

// Answers may get members in later versions, and strict readers must not refuse those; a request has no others
// than are described.
func TestAnswersMayGrow(t *testing.T) {
	t.Parallel()
	asJSON, _, err := New(Options{}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(asJSON, &described); err != nil {
		t.Fatal(err)
	}
	for name, closed := range map[string]bool{"RaffleAnswer": false, "ReservationAnswer": false, "CreateRaffleInputBody": true, "ParticipantBody": true} {
		schema := described.Components.Schemas[name]
		if additional, said := schema["additionalProperties"]; schema == nil || said != closed || said && additional != false {
			t.Errorf("%s: additionalProperties is %v", name, additional)
		}
	}
}

// Strict readers refuse a member of a schema that no standard knows.
func TestSchemasHaveStandardMembersOnly(t *testing.T) {
	t.Parallel()
	a := New(Options{})
	asJSON, _, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(asJSON, []byte("patternDescription")) {
		t.Error("the description has patternDescription, which neither OpenAPI nor JSON Schema knows")
	}
	schema := a.huma.OpenAPI().Components.Schemas.Map()["DrawInputBody"]
	var result huma.ValidateResult
	value := map[string]any{"round": float64(1), "signature": "x"}
	huma.Validate(a.huma.OpenAPI().Components.Schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, value, &result)
	if len(result.Errors) != 1 || !strings.Contains(result.Errors[0].Error(), "96 lower-case hexadecimal digits") {
		t.Errorf("the refusal does not say the rule in words: %v", result.Errors)
	}
}

// A generated type lists the methods of a draw, and null; so does the reference.
func TestDrawMethodIsAnEnum(t *testing.T) {
	t.Parallel()
	a := New(Options{})
	asJSON, _, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if page, err := a.reference(); err != nil || !bytes.Contains(page, []byte("one of beacon, commit_reveal, lottery, null")) {
		t.Errorf("the reference does not list them: %v", err)
	}
	var description struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []any }
			}
		}
	}
	if err := json.Unmarshal(asJSON, &description); err != nil {
		t.Fatal(err)
	}
	got := description.Components.Schemas["RaffleAnswer"].Properties["draw_method"].Enum
	if want := []any{"beacon", "commit_reveal", "lottery", nil}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
