package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// spec is the API description as it is served.
type spec struct{ json, yaml []byte }

// OpenAPI renders the API description (OpenAPI 3.1) as JSON and as YAML.
func (a *API) OpenAPI() (asJSON, asYAML []byte, err error) { return a.openAPI("") }

func (a *API) openAPI(stage string) (asJSON, asYAML []byte, err error) {
	description := *a.huma.OpenAPI()
	description.Servers = servers(stage)
	description.Components = withOpenAnswers(&description)
	if asJSON, err = json.Marshal(&description); err != nil {
		return nil, nil, fmt.Errorf("render the API description: %w", err)
	}
	if asYAML, err = description.YAML(); err != nil {
		return nil, nil, fmt.Errorf("render the API description: %w", err)
	}
	return asJSON, asYAML, nil
}

// withOpenAnswers are the components with schemas that let answers have more members than are described: later
// versions add some. What is sent to us has no others.
func withOpenAnswers(description *huma.OpenAPI) *huma.Components {
	components := *description.Components
	components.Schemas = huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	received := map[string]bool{}
	for _, item := range description.Paths {
		for _, o := range []*huma.Operation{item.Post, item.Patch, item.Put, item.Delete} {
			if o != nil && o.RequestBody != nil {
				for _, media := range o.RequestBody.Content {
					addReferences(received, description.Components.Schemas, media.Schema)
				}
			}
		}
	}
	for name, schema := range description.Components.Schemas.Map() {
		if !received[name] {
			open := *schema
			if open.AdditionalProperties == false {
				open.AdditionalProperties = nil
			}
			schema = &open
		}
		components.Schemas.Map()[name] = schema
	}
	return &components
}

// addReferences adds the names of all schemas that one is made of.
func addReferences(names map[string]bool, schemas huma.Registry, schema *huma.Schema) {
	if schema == nil {
		return
	}
	if schema.Ref != "" {
		name := path.Base(schema.Ref)
		if names[name] {
			return
		}
		names[name] = true
		schema = schemas.SchemaFromRef(schema.Ref)
	}
	addReferences(names, schemas, schema.Items)
	for _, parts := range [][]*huma.Schema{slices.Collect(maps.Values(schema.Properties)), schema.OneOf, schema.AnyOf, schema.AllOf} {
		for _, part := range parts {
			addReferences(names, schemas, part)
		}
	}
}

// servers is this one: what paths are appended to, so that no slash may end it.
func servers(stage string) []*huma.Server {
	if stage == "" {
		stage = "/" // which readers of descriptions take for nothing; an empty text some refuse
	}
	return []*huma.Server{{URL: stage, Description: "This server."}}
}

// render makes the served description when it is first asked for: the process starts without.
func (a *API) render(stage string) func() spec {
	return sync.OnceValue(func() spec {
		asJSON, asYAML, err := a.openAPI(stage)
		if err != nil {
			panic(err) // the description is built of constants; the tests render it
		}
		return spec{asJSON, asYAML}
	})
}

// specFor is the description for one request. Through a gateway's stage it names the stage, so that
// a page that was loaded through it calls the API through it too.
func (a *API) specFor(ctx context.Context) spec {
	if x := exchangeFrom(ctx); x != nil && x.base != "" {
		return a.staged()
	}
	return a.spec()
}

const about = `Raffle numbers: organisers open raffles, buyers pick numbers on the board, and anybody can check the draw.

Ids are UUIDs, times are RFC 3339, money goes out as a decimal string with two decimals. Lists are arrays, newest first; while there is more, the answer has a Link header with rel="next". ` +
	`Every error is a problem (RFC 9457) with a stable code; its media type is application/problem+json when Accept names that, otherwise application/json. ` +
	`Reads carry a strong ETag and answer 304 to If-None-Match. Bodies have at most 1 MiB.`

// tags are the groups of operations, in reading order.
var tags = []*huma.Tag{
	{Name: "Accounts", Description: "Registering, logging in, staying logged in."},
	{Name: "Raffles", Description: "What organisers do."},
	{Name: "Board", Description: "All numbers of a raffle and their status."},
	{Name: "Buying", Description: "Holding numbers for some minutes, and buying them."},
	{Name: "Draw", Description: "Choosing the winner, and checking the choice."},
	{Name: "Meta", Description: "About the service itself."},
}

// description is the API description before the first operation.
func (a *API) description() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "RifaApp", Version: "2.0.0", Description: about,
				License: &huma.License{Name: "MIT", Identifier: "MIT"},
			},
			Servers: servers(""),
			Tags:    tags,
			Components: &huma.Components{
				Schemas:  huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				Examples: exampleProblems(),
				Headers:  answerHeaders(),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer":     {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "An access token from /rifaapp/auth/login."},
					"migrations": {Type: "http", Scheme: "bearer", Description: "The value of MIGRATIONS_TOKEN."},
				},
			},
		},
		Formats:       map[string]huma.Format{mediaJSON: jsonFormat, "json": jsonFormat}, // "json" is huma's key for +json
		DefaultFormat: mediaJSON,
	}
}

// document adds what huma does not know to the operation it has just described: examples and the
// headers of every answer.
func (a *API) document(o *operation) {
	a.settleSchemas()
	described := a.described(o)
	if o.request != nil && described.RequestBody != nil {
		described.RequestBody.Content[mediaJSON].Example = o.request
	}
	if o.sample != "" {
		described.Extensions = map[string]any{codeSamples: []codeSample{{Lang: "JavaScript", Source: o.sample}}}
	}
	success := described.Responses[strconv.Itoa(o.status)]
	for name, media := range success.Content {
		switch {
		case name == mediaBinary:
			media.Example = "\x04\x09" // the bytes of the JSON example
		case o.response != nil:
			media.Example = o.response
		}
	}
	if o.method == http.MethodGet {
		described.Responses["304"] = &huma.Response{Description: "The client has the current answer already.", Headers: map[string]*huma.Param{}}
		if link := success.Headers["Link"]; link != nil {
			described.Responses["304"].Headers["Link"] = link
		}
	}
	for status, response := range described.Responses {
		code, _ := strconv.Atoi(status)
		o.describeHeaders(code, response)
	}
}

// answerHeaders are the headers that many answers have: each is described once.
func answerHeaders() map[string]*huma.Header {
	text := func(description string) *huma.Header {
		return &huma.Header{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return map[string]*huma.Header{
		headerRequestID:    text("The id of this request."),
		"ETag":             text("Strong entity tag, for If-None-Match."),
		"WWW-Authenticate": text("Bearer: send an access token."),
		headerReplayed:     text("true when this is the first answer to the Idempotency-Key once more; otherwise absent."),
		"Retry-After":      {Description: "Seconds to wait before trying again.", Schema: &huma.Schema{Type: huma.TypeInteger}},
	}
}

// describeHeaders names the headers of one answer: those of answerHeaders, and what huma found in the
// output less what such an answer never has.
func (o *operation) describeHeaders(status int, response *huma.Response) {
	if response.Headers == nil {
		response.Headers = map[string]*huma.Param{}
	}
	delete(response.Headers, "Content-Type") // it is what content says; OpenAPI ignores it here
	if o.media != mediaHTML {
		delete(response.Headers, "Content-Security-Policy")
	}
	for name, sent := range map[string]bool{
		headerRequestID:    true,
		"ETag":             o.method == http.MethodGet && status < http.StatusBadRequest,
		"WWW-Authenticate": status == http.StatusUnauthorized,
		headerReplayed:     o.keyed() && status < http.StatusInternalServerError,
		"Retry-After":      status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable,
	} {
		if sent {
			response.Headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
		}
	}
}

// codeSamples is the extension by which documentation tools know code.
const codeSamples = "x-codeSamples"

type codeSample struct {
	Lang   string `json:"lang" yaml:"lang"`
	Source string `json:"source" yaml:"source"`
}

// settleSchemas keeps what huma and the readers of the description would misread out of their sight.
func (a *API) settleSchemas() {
	for _, schema := range a.huma.OpenAPI().Components.Schemas.Map() {
		for _, property := range schema.Properties {
			tellUniqueItems(property)
			property.PatternDescription = "" // no standard knows it; huma's messages are made already
			if property.Nullable && len(property.Enum) > 0 && !slices.Contains(property.Enum, nil) {
				property.Enum = append(property.Enum, nil) // an enum lists null, too
			}
		}
	}
}

// tellUniqueItems keeps uniqueItems in the description only. The commands check it: huma's own check
// panics on entries that are objects.
func tellUniqueItems(property *huma.Schema) {
	if property.UniqueItems {
		property.UniqueItems = false
		property.Extensions = map[string]any{"uniqueItems": true}
	}
}

func (a *API) described(o *operation) *huma.Operation {
	item := a.huma.OpenAPI().Paths[root+o.path]
	for _, candidate := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Put, item.Delete} {
		if candidate != nil && candidate.OperationID == o.id {
			return candidate
		}
	}
	panic("httpapi: " + o.id + " was not described")
}
