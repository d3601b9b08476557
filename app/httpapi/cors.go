package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

var (
	alwaysAllowed  = []string{"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-User-Id"}
	exposedHeaders = []string{"ETag", "Link", "Location", "Retry-After", "X-Request-Id", "Idempotency-Replayed"}
	defaultMethods = []string{"GET", "POST", "PATCH", "DELETE"}
)

const preflightSeconds = "600" // how long a browser may remember a preflight

// corsPolicy is what CORS_ALLOW_* came to, joined once.
type corsPolicy struct {
	anyOrigin bool
	origins   []string
	methods   string
	headers   string
	anyHeader bool
	exposed   string
}

func newCORSPolicy(o Options) *corsPolicy {
	methods := o.CORSAllowMethods
	if len(methods) == 0 {
		methods = defaultMethods
	}
	headers := slices.Clone(alwaysAllowed)
	for _, h := range o.CORSAllowHeaders {
		if h != "*" && !slices.ContainsFunc(headers, func(k string) bool { return strings.EqualFold(k, h) }) {
			headers = append(headers, h)
		}
	}
	return &corsPolicy{
		anyOrigin: slices.Contains(o.CORSAllowOrigins, "*"), origins: o.CORSAllowOrigins,
		methods: strings.Join(methods, ", "), headers: strings.Join(headers, ", "),
		anyHeader: slices.Contains(o.CORSAllowHeaders, "*"), exposed: strings.Join(exposedHeaders, ", "),
	}
}

// decorate lets the pages of an allowed origin read the answer, errors included. Credentials are
// never allowed: tokens travel in Authorization, so a star is safe.
func (c *corsPolicy) decorate(header http.Header, origin string) {
	if len(c.origins) == 0 {
		return
	}
	allowed := "*"
	if !c.anyOrigin {
		header.Add("Vary", "Origin")
		if origin == "" || !slices.Contains(c.origins, origin) {
			return
		}
		allowed = origin
	}
	header.Set("Access-Control-Allow-Origin", allowed)
	header.Set("Access-Control-Expose-Headers", c.exposed)
}

// preflight answers the question a browser asks before it sends; it says whether r was one.
func (c *corsPolicy) preflight(header http.Header, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if header.Get("Access-Control-Allow-Origin") == "" {
		return true // an origin that is not allowed reads no permission out of the answer
	}
	header.Set("Access-Control-Allow-Methods", c.methods)
	headers := c.headers
	if asked := r.Header.Get("Access-Control-Request-Headers"); c.anyHeader && asked != "" {
		headers = asked
	}
	header.Set("Access-Control-Allow-Headers", headers)
	header.Set("Access-Control-Max-Age", preflightSeconds)
	header.Add("Vary", "Access-Control-Request-Headers")
	return true
}
