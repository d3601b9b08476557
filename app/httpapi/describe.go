package httpapi

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rifaapp/rifaapp/app/raffle"
)

const root = "/rifaapp"

// describe turns our description into huma's, with every status that the operation may answer.
func (a *API) describe(o *operation) huma.Operation {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	described := huma.Operation{
		OperationID: o.id, Method: o.method, Path: root + o.path, Tags: []string{o.tag},
		Summary: o.summary, Description: o.description, DefaultStatus: o.status,
		MaxBodyBytes: maxBody + 1, Responses: map[string]*huma.Response{},
		Security: security(o.access),
	}
	if o.keyed() {
		described.Parameters = append(described.Parameters, idempotencyParameter)
	}
	if o.media != "" || o.answer != nil {
		described.Responses[strconv.Itoa(o.status)] = a.rawResponse(o)
	}
	for status, codes := range byStatus(o.codes()) {
		described.Responses[strconv.Itoa(status)] = a.problemResponse(status, codes)
	}
	return described
}

// rawResponse describes an answer that the handler writes as bytes.
func (a *API) rawResponse(o *operation) *huma.Response {
	media, schema := o.media, &huma.Schema{Type: huma.TypeString}
	if media == "" {
		media = mediaJSON
	}
	switch {
	case o.answer == nil && media == mediaJSON:
		schema = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	case o.answer != nil:
		schema = a.huma.OpenAPI().Components.Schemas.Schema(o.answer, true, o.id)
	}
	content := map[string]*huma.MediaType{media: {Schema: schema}}
	if o.binary != "" {
		content[mediaBinary] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: o.binary}}
	}
	return &huma.Response{Content: content}
}

func security(who access) []map[string][]string {
	switch who {
	case bearer:
		return []map[string][]string{{"bearer": {}}}
	case optional:
		return []map[string][]string{{}, {"bearer": {}}}
	case migrator:
		return []map[string][]string{{"migrations": {}}}
	default:
		return []map[string][]string{}
	}
}

// codes lists every refusal the operation may answer with.
func (o *operation) codes() []raffle.Code {
	codes := []raffle.Code{codeInternal}
	if !o.standalone {
		codes = append(codes, refusedNotReady...)
	}
	if o.readsBody() {
		codes = append(codes, codeUnreadableBody, codeBodyTooLarge, codeUnsupportedMedia)
	}
	if o.readsBody() || o.takesParams {
		codes = append(codes, raffle.CodeInvalid)
	}
	if o.keyed() {
		codes = append(codes, raffle.CodeIdempotencyReused, raffle.CodeIdempotencyRunning)
	}
	if o.access != public {
		codes = append(codes, raffle.CodeUnauthenticated)
	}
	return append(codes, o.refusals...)
}

func byStatus(codes []raffle.Code) map[int][]raffle.Code {
	grouped := map[int][]raffle.Code{}
	for _, code := range codes {
		r, known := refusals[code]
		if !known {
			panic("httpapi: the code " + string(code) + " has no HTTP status; add it to refusals")
		}
		if !slices.Contains(grouped[r.status], code) {
			grouped[r.status] = append(grouped[r.status], code)
		}
	}
	return grouped
}

// problemResponse describes one status: the problem in both media types, one example for each code.
func (a *API) problemResponse(status int, codes []raffle.Code) *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	examples := map[string]*huma.Example{}
	for _, code := range codes {
		examples[string(code)] = &huma.Example{Ref: "#/components/examples/" + string(code)}
	}
	return &huma.Response{
		Description: http.StatusText(status),
		Content: map[string]*huma.MediaType{
			mediaJSON:    {Schema: schema, Examples: examples},
			mediaProblem: {Schema: schema, Examples: examples},
		},
	}
}

// exampleProblems has one example of each refusal, for all operations.
func exampleProblems() map[string]*huma.Example {
	examples := map[string]*huma.Example{}
	for code, r := range refusals {
		examples[string(code)] = &huma.Example{Summary: r.title, Value: exampleProblem(code)}
	}
	return examples
}

func exampleProblem(code raffle.Code) *Problem {
	p := newProblem(code, "")
	p.RequestID = "0192f7a8c4d17e55a3e4b1f0c9d8e7f6"
	switch code {
	case raffle.CodeInvalid:
		p.Errors = []ProblemField{{Location: "body.title", Message: "must have at least 3 characters"}}
	case raffle.CodeNumbersUnavailable, raffle.CodeReservationExpired:
		p.members = map[string]any{"numbers": []int{7, 13}}
	case raffle.CodeDrawNotDue:
		p.members = map[string]any{"available_at": "2030-01-31T18:00:00Z"}
	}
	return p
}

func hasBody[In any]() bool {
	_, ok := reflect.TypeFor[In]().FieldByName("Body")
	return ok
}

// needsBody says whether an input cannot do without its body: one that is a pointer may be left out.
func needsBody[In any]() bool {
	body, ok := reflect.TypeFor[In]().FieldByName("Body")
	return ok && body.Type.Kind() != reflect.Pointer
}

func hasParameters[In any]() bool {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[In]()) {
		if f.Tag.Get("path")+f.Tag.Get("query")+f.Tag.Get("header") != "" {
			return true
		}
	}
	return false
}
