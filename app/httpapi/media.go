package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

// joinLists puts those headers that are lists on one line each, as gateways do: a client may send a list on
// several lines (RFC 9110, 5.3), of which Get sees the first only.
func joinLists(header http.Header) {
	for _, name := range [...]string{"Accept", "Accept-Encoding", "If-None-Match"} {
		if lines := header[name]; len(lines) > 1 {
			header[name] = []string{strings.Join(lines, ", ")}
		}
	}
}

// mediaOfProblem is the media type of a problem for a client that sends such an Accept header.
func mediaOfProblem(accept string) string {
	if acceptsProblem(accept) {
		return mediaProblem
	}
	return mediaJSON
}

// acceptsProblem says whether an Accept header names application/problem+json itself. A wildcard
// does not count: existing clients send one and read plain application/json.
func acceptsProblem(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), mediaProblem) {
			return quality(parameters) > 0
		}
	}
	return false
}

// accepts says whether an Accept-Encoding header allows the coding. The most specific entry counts;
// a weight of zero refuses.
func accepts(header, coding string) bool {
	wildcard := false
	for part := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding):
			return quality(parameters) > 0
		case name == "*":
			wildcard = quality(parameters) > 0
		}
	}
	return wildcard
}

// quality reads the weight out of the parameters of one entry (RFC 9110, 12.4.2): 1 when there is
// none, 0 when it cannot be read.
func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// isJSON says whether a Content-Type is application/json, with any parameters. An absent one is
// taken for JSON because nothing else is spoken here.
func isJSON(contentType string) bool {
	name, _, _ := strings.Cut(contentType, ";")
	name = strings.TrimSpace(name)
	return name == "" || strings.EqualFold(name, mediaJSON)
}
