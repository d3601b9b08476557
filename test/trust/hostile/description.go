// Package hostile sends requests that it makes up from the API's own description, well-formed ones and
// hostile ones, and holds every answer against that description.
package hostile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pb33f/jsonschema/v6"
)

// description is the API description, with what every answer must look like.
type description struct {
	document   map[string]any
	operations []operation
}

// operation is one that can be called.
type operation struct {
	method     string
	path       string // with its parameters in braces
	parameters []parameter
	body       map[string]any // the schema of the request's body; nil without one
	answers    map[string]map[string]*jsonschema.Schema
}

type parameter struct {
	in, name string
	required bool
	schema   map[string]any
}

// describe reads the API description.
func describe(text []byte) (*description, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	closeSchemas(object(document))
	const address = "https://rifaapp.example/openapi.json"
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(address, document); err != nil {
		return nil, err
	}
	d := &description{document: object(document)}
	for path, methods := range object(d.document["paths"]) {
		for method, described := range object(methods) {
			o := operation{method: strings.ToUpper(method), path: path, answers: map[string]map[string]*jsonschema.Schema{}}
			o.takeParameters(d, object(described))
			for status, answer := range object(object(described)["responses"]) {
				o.answers[status] = map[string]*jsonschema.Schema{}
				for media := range object(object(answer)["content"]) {
					pointer := fmt.Sprintf("%s#/paths/%s/%s/responses/%s/content/%s/schema", address, escape(path), method, status, escape(media))
					if o.answers[status][media], err = compiler.Compile(pointer); err != nil {
						return nil, fmt.Errorf("%s %s, %s: %w", o.method, path, status, err)
					}
				}
			}
			d.operations = append(d.operations, o)
		}
	}
	slices.SortFunc(d.operations, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return d, nil
}

// closeSchemas has answers refused that have members beside those described. For clients they may have: later
// versions add some. This one must describe its own. Problems are open in every version.
func closeSchemas(document map[string]any) {
	for name, schema := range object(object(document["components"])["schemas"]) {
		if s := object(schema); s["properties"] != nil && name != "Problem" {
			s["additionalProperties"] = false
		}
	}
}

func (o *operation) takeParameters(d *description, described map[string]any) {
	list, _ := described["parameters"].([]any)
	for _, each := range list {
		p := object(each)
		required, _ := p["required"].(bool)
		o.parameters = append(o.parameters, parameter{in: text(p["in"]), name: text(p["name"]), required: required, schema: d.resolve(object(p["schema"]))})
	}
	if body, ok := described["requestBody"]; ok {
		o.body = d.resolve(object(object(object(object(body)["content"])["application/json"])["schema"]))
	}
}

// resolve follows a reference.
func (d *description) resolve(schema map[string]any) map[string]any {
	for {
		reference, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		at := d.document
		for part := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
			at = object(at[part])
		}
		schema = at
	}
}

// escape writes a name as a part of a JSON pointer in a URL.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(name)
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
