package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is one that was made up, in pieces that can be left out again.
type request struct {
	operation operation
	path      map[string]string
	query     [][2]string
	header    map[string]string
	body      []byte
}

// address is the path and the query.
func (r request) address() string {
	path := r.operation.path
	for name, value := range r.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	var query []string
	for _, pair := range r.query {
		query = append(query, url.QueryEscape(pair[0])+"="+url.QueryEscape(pair[1]))
	}
	if query != nil {
		path += "?" + strings.Join(query, "&")
	}
	return path
}

// elsewhere says whether a value in the path makes it another address, of which the operation's
// description says nothing.
func (r request) elsewhere() bool {
	for _, value := range r.path {
		if value == "" || value == "." || value == ".." || strings.ContainsAny(value, "/") {
			return true
		}
	}
	return false
}

func (r request) send(client *http.Client, base string) (*http.Response, error) {
	call, err := http.NewRequest(r.operation.method, base+strings.TrimPrefix(r.address(), "/rifaapp"), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.header {
		call.Header.Set(name, value)
	}
	return client.Do(call)
}

// curl is the request for a terminal; a body that does not fit on a line is kept in a file.
func (r request) curl(base string, keep func([]byte) string) string {
	line := []string{"curl -i -X " + r.operation.method}
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		line = append(line, "-H "+quote(name+": "+r.header[name]))
	}
	switch {
	case len(r.body) > 2000:
		line = append(line, "--data-binary @"+keep(r.body))
	case len(r.body) > 0:
		line = append(line, "--data-binary "+quote(string(r.body)))
	}
	return strings.Join(append(line, quote(base+strings.TrimPrefix(r.address(), "/rifaapp"))), " ")
}

// quote writes a text for bash, any bytes in it.
func quote(text string) string {
	var b strings.Builder
	b.WriteString("$'")
	for _, c := range []byte(text) {
		switch {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

// make makes a request up: mostly sound, with one or several things wrong in every second one.
func (m maker) make(o operation) request {
	r := request{operation: o, path: map[string]string{}, header: map[string]string{}}
	for _, p := range o.parameters {
		m.fill(&r, p)
	}
	if o.body != nil {
		r.header["Content-Type"] = "application/json"
		r.body, _ = json.Marshal(m.valid(o.body, 0))
	}
	if !m.oneIn(4) {
		r.header["Authorization"] = "Bearer " + m.known.any(m.Rand, "access_token")
	}
	if m.oneIn(8) {
		r.header["Accept-Encoding"] = "gzip"
	}
	if m.oneIn(2) {
		for range 1 + m.IntN(2) {
			m.spoil(&r)
		}
	}
	return r
}

func (m maker) fill(r *request, p parameter) {
	switch p.in {
	case "path":
		id := m.known.any(m.Rand, p.name)
		if id == "" || m.oneIn(8) {
			id = fmt.Sprint(m.valid(p.schema, 0))
		}
		r.path[p.name] = id
	case "query":
		if p.required || m.oneIn(3) {
			r.query = append(r.query, [2]string{p.name, fmt.Sprint(m.valid(p.schema, 0))})
		}
	case "header":
		if p.required || m.oneIn(3) {
			r.header[p.name] = fmt.Sprintf("key-%d", m.IntN(500))
		}
	}
}

// spoil makes one thing wrong.
func (m maker) spoil(r *request) {
	switch kind := m.IntN(8); {
	case kind == 0 && len(r.path) > 0:
		for name := range r.path {
			r.path[name] = pick(m, hostileText...)
		}
	case kind == 1:
		name := "unknown"
		if len(r.query) > 0 {
			name = r.query[0][0]
		}
		r.query = append(r.query, [2]string{name, pick(m, hostileText...)})
	case kind == 2:
		m.spoilHeader(r)
	case r.body != nil:
		m.spoilBody(r)
	case kind == 3: // a body where none belongs
		r.body, r.header["Content-Type"] = []byte(pick(m, hostileJSON...)), "application/json"
	}
}

func (m maker) spoilHeader(r *request) {
	name := pick(m, "Authorization", "Accept", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-Id", "X-User-Id", "Accept-Encoding", "Content-Encoding", "Origin")
	value := pick(m, "", "Bearer", "Bearer x", "Bearer "+strings.Repeat("a", 5000), "Basic YTpi", "application/problem+json", "text/html;q=0.1, */*;q=banana", "text/plain",
		"application/json; charset=latin1", "gzip", "gzip;q=0", "deflate, br", `"x"`, "*", "W/", strings.Repeat("k", 256), strings.Repeat("k", 255), "\xff\xfe", "ñ", "https://evil.example", "null")
	r.header[name] = value
}

func (m maker) spoilBody(r *request) {
	open := len(r.body) > 2 && r.body[len(r.body)-1] == '}' // not spoilt yet: members can be added
	switch kind := m.IntN(9); {
	case kind == 0 || !open:
		r.body = []byte(pick(m, hostileJSON...))
	case kind == 1:
		r.body = []byte(pick(m, "", "{", "}", "[", `{"a"`, `{"a":}`, "{,}", "\x00", "\xef\xbb\xbf{}", "{}{}", "{} x", "'a'", "{\"a\":\xff}", "nul", "/*c*/{}"))
	case kind == 2:
		r.body = m.deep()
	case kind == 3:
		r.body = fmt.Appendf(nil, `{"title":"%s"}`, strings.Repeat("a", 1<<20+m.IntN(1000)))
	case kind == 4:
		r.body = append(r.body[:len(r.body)-1], fmt.Appendf(nil, `,%q:%s}`, pick(m, "unknown", "__proto__", "ID", ""), pick(m, hostileJSON...))...)
	case kind == 5: // a key that comes twice
		if members := m.members(r); len(members) > 0 {
			name := pick(m, members...)
			r.body = append(r.body[:len(r.body)-1], fmt.Appendf(nil, `,%q:%s}`, name, pick(m, hostileJSON...))...)
		}
	case kind == 6:
		m.change(r, func(o map[string]json.RawMessage, name string) { delete(o, name) })
	default:
		value := pick(m, hostileJSON...)
		m.change(r, func(o map[string]json.RawMessage, name string) { o[name] = json.RawMessage(value) })
	}
}

// deep nests arrays or objects.
func (m maker) deep() []byte {
	depth := pick(m, 10, 1_000, 100_000)
	if m.oneIn(2) {
		return []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
	}
	return []byte(strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth))
}

func (m maker) members(r *request) []string {
	var o map[string]json.RawMessage
	_ = json.Unmarshal(r.body, &o)
	return slices.Sorted(maps.Keys(o))
}

// change edits one member of the body, whose new value need not be JSON.
func (m maker) change(r *request, edit func(o map[string]json.RawMessage, name string)) {
	var o map[string]json.RawMessage
	names := m.members(r)
	for name := range object(r.operation.body["properties"]) {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 || json.Unmarshal(r.body, &o) != nil {
		return
	}
	if o == nil {
		o = map[string]json.RawMessage{}
	}
	edit(o, pick(m, names...))
	r.body = write(o)
}

// write is a JSON object of raw members, which need not be valid.
func write(o map[string]json.RawMessage) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, o[name])
	}
	b.WriteByte('}')
	return b.Bytes()
}
