package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

const (
	tagBytes   = 15      // 120 bits of the digest: 20 characters without padding
	gzipSuffix = "-gzip" // a compressed answer is another representation, so it has another strong tag
)

// entityTag is a strong tag: equal bytes, equal tag.
func entityTag(body []byte) string {
	sum := sha256.Sum256(body)
	var tag [2 + 20]byte
	tag[0], tag[21] = '"', '"'
	base64.RawURLEncoding.Encode(tag[1:21], sum[:tagBytes])
	return string(tag[:])
}

// gzipTag is the tag of the same answer in gzip.
func gzipTag(tag string) string {
	return strings.TrimSuffix(tag, `"`) + gzipSuffix + `"`
}

// tagMatches says whether an If-None-Match header names the answer, in whichever coding the client
// keeps it (RFC 9110, 13.1.2: weak comparison, and * for any).
func tagMatches(ifNoneMatch, tag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || candidate == tag || candidate == gzipTag(tag) {
			return true
		}
	}
	return false
}

// NotModified says whether the client already has the answer with this strong tag, for reads that
// know their tag before they have done the work. The handler then returns an answer without a body;
// the exchange makes it a 304. The tag must also be set as the answer's ETag header.
func NotModified(ctx context.Context, ifNoneMatch, tag string) bool {
	x := exchangeFrom(ctx)
	if x == nil || ifNoneMatch == "" || !tagMatches(ifNoneMatch, tag) {
		return false
	}
	x.unmodified = true
	return true
}

// isRead says whether entity tags and caching apply.
func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// tagNamesGzip says whether the client keeps the compressed answer.
func tagNamesGzip(ifNoneMatch, tag string) bool {
	return strings.Contains(ifNoneMatch, gzipTag(tag))
}
