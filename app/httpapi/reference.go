package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// The reference is plain HTML made of the description on the server: it needs no script.
var referenceTemplate = template.Must(template.ParseFS(assets, "assets/reference.html.tmpl"))

type referenceData struct {
	Title, Version, Description string
	Groups                      []referenceGroup
	Schemas                     []referenceSchema
	Refusals                    []referenceRefusal
}

type referenceGroup struct {
	Name       string
	Operations []referenceOperation
}

type referenceOperation struct {
	ID, Method, Path, Summary, Description, Access string
	Parameters                                     []referenceField
	Request                                        referenceContent
	Responses                                      []referenceResponse
	Samples                                        []codeSample
}

type referenceField struct {
	Name, In, Rules, Description string
	Type                         referenceType
	Required                     bool
}

type referenceContent struct {
	Media, Example string
	Type           referenceType
}

// referenceType is a type in words; Schema is the schema of this page that explains it, if any.
type referenceType struct{ Words, Schema string }

type referenceResponse struct {
	Status, Description string
	Codes               []string // of problems
	Content             referenceContent
}

type referenceSchema struct {
	Name   string
	Fields []referenceField
}

type referenceRefusal struct {
	Code            raffle.Code
	Status          int
	Title, Sentence string
}

// reference renders the page.
func (a *API) reference() ([]byte, error) {
	description := a.huma.OpenAPI()
	data := referenceData{
		Title: description.Info.Title, Version: description.Info.Version, Description: description.Info.Description,
		Groups: referenceGroups(description), Schemas: referenceSchemas(description), Refusals: referenceRefusals(),
	}
	var page bytes.Buffer
	if err := referenceTemplate.Execute(&page, data); err != nil {
		return nil, fmt.Errorf("render the reference: %w", err)
	}
	return page.Bytes(), nil
}

func referenceGroups(description *huma.OpenAPI) []referenceGroup {
	byTag := map[string][]referenceOperation{}
	for _, path := range slices.Sorted(maps.Keys(description.Paths)) {
		item := description.Paths[path]
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if o != nil {
				byTag[o.Tags[0]] = append(byTag[o.Tags[0]], referenceOperationOf(o))
			}
		}
	}
	var groups []referenceGroup
	for _, tag := range description.Tags {
		groups = append(groups, referenceGroup{tag.Name, byTag[tag.Name]})
	}
	return groups
}

func referenceOperationOf(o *huma.Operation) referenceOperation {
	r := referenceOperation{
		ID: o.OperationID, Method: o.Method, Path: o.Path, Summary: o.Summary, Description: o.Description, Access: referenceAccess(o),
	}
	r.Samples, _ = o.Extensions[codeSamples].([]codeSample)
	for _, p := range o.Parameters {
		f := referenceFieldOf(p.Name, p.Schema, p.Required)
		f.In = p.In
		if p.Description != "" {
			f.Description = p.Description
		}
		r.Parameters = append(r.Parameters, f)
	}
	if o.RequestBody != nil {
		r.Request = referenceContentOf(o.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		response := o.Responses[status]
		entry := referenceResponse{Status: status, Description: response.Description}
		if problem := response.Content[mediaProblem]; problem != nil {
			entry.Codes = slices.Sorted(maps.Keys(problem.Examples))
		} else {
			entry.Content = referenceContentOf(response.Content)
		}
		r.Responses = append(r.Responses, entry)
	}
	return r
}

func referenceAccess(o *huma.Operation) string {
	switch {
	case len(o.Security) == 0:
		return "anybody"
	case len(o.Security) > 1:
		return "anybody; with a token, as that user"
	case o.Security[0]["migrations"] != nil:
		return "needs MIGRATIONS_TOKEN"
	default:
		return "needs a token"
	}
}

func referenceContentOf(content map[string]*huma.MediaType) referenceContent {
	types := slices.Sorted(maps.Keys(content))
	if len(types) == 0 {
		return referenceContent{}
	}
	m := content[types[0]]
	c := referenceContent{Media: types[0], Type: typeOf(m.Schema)}
	if m.Example != nil {
		if text, err := json.MarshalIndent(m.Example, "", "  "); err == nil {
			c.Example = string(text)
		}
	}
	return c
}

func referenceSchemas(description *huma.OpenAPI) []referenceSchema {
	var list []referenceSchema
	all := description.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		entry := referenceSchema{Name: name}
		for _, field := range slices.Sorted(maps.Keys(all[name].Properties)) {
			entry.Fields = append(entry.Fields, referenceFieldOf(field, all[name].Properties[field], slices.Contains(all[name].Required, field)))
		}
		list = append(list, entry)
	}
	return list
}

func referenceFieldOf(name string, s *huma.Schema, required bool) referenceField {
	return referenceField{Name: name, Type: typeOf(s), Rules: rules(s), Description: s.Description, Required: required}
}

func typeOf(s *huma.Schema) referenceType {
	return referenceType{Words: typeName(s), Schema: schemaName(s)}
}

// schemaName is the schema of ours that s, or each entry of s, is; "" when it is none.
func schemaName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Type == huma.TypeArray:
		return schemaName(s.Items)
	case s.Ref == "":
		return ""
	}
	return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
}

// typeName names a type; a name of ours is that of a schema on the same page.
func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return schemaName(s)
	case s.Type == huma.TypeArray:
		return "array of " + typeName(s.Items)
	case len(s.OneOf) > 0:
		names := make([]string, 0, len(s.OneOf))
		for _, one := range s.OneOf {
			names = append(names, typeName(one))
		}
		return strings.Join(names, " or ")
	}
	name := s.Type
	if s.Format != "" {
		name += " (" + s.Format + ")"
	}
	if s.Nullable {
		name += " or null"
	}
	return name
}

// rules tells the limits of a field in words.
func rules(s *huma.Schema) string {
	var said []string
	say := func(words string, limit any) { said = append(said, fmt.Sprintf("%s %v", words, limit)) }
	if s.Minimum != nil {
		say("at least", *s.Minimum)
	}
	if s.Maximum != nil {
		say("at most", *s.Maximum)
	}
	if s.MinLength != nil {
		say("characters at least", *s.MinLength)
	}
	if s.MaxLength != nil {
		say("characters at most", *s.MaxLength)
	}
	if s.Pattern != "" {
		say("matches", s.Pattern)
	}
	if s.MinItems != nil {
		say("entries at least", *s.MinItems)
	}
	if s.MaxItems != nil {
		say("entries at most", *s.MaxItems)
	}
	if len(s.Enum) > 0 {
		say("one of", listed(s.Enum))
	}
	if s.Default != nil {
		say("default", s.Default)
	}
	return strings.Join(said, "; ")
}

// listed names the values of an enum, as JSON has them but without quotes.
func listed(values []any) string {
	var names []string
	for _, value := range values {
		if value == nil {
			value = "null"
		}
		names = append(names, fmt.Sprint(value))
	}
	return strings.Join(names, ", ")
}

func referenceRefusals() []referenceRefusal {
	var list []referenceRefusal
	for _, code := range slices.Sorted(maps.Keys(refusals)) {
		r := refusals[code]
		list = append(list, referenceRefusal{Code: code, Status: r.status, Title: r.title, Sentence: r.sentence})
	}
	return list
}
