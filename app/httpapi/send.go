package httpapi

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
)

// send completes the headers and lets the answer go. It returns the bytes of the body as sent.
func (x *exchange) send(r *http.Request) int {
	header := x.Header()
	header.Set(headerRequestID, x.requestID)
	header.Set("X-Content-Type-Options", "nosniff")
	packs := accepts(r.Header.Get("Accept-Encoding"), "gzip")
	var body []byte
	if x.pieces == nil || !packs {
		body = x.content()
	}
	media := header.Get("Content-Type")
	if media == "" && len(body) > 0 {
		media = mediaJSON
		header.Set("Content-Type", media)
	}
	x.caching(header, r)
	var tag string
	if x.status == http.StatusOK && isRead(r.Method) {
		if tag = header.Get("Etag"); tag == "" {
			tag = entityTag(body)
			header.Set("Etag", tag)
		}
		if x.unmodified || tagMatches(r.Header.Get("If-None-Match"), tag) {
			return x.sendNotModified(header, r, tag)
		}
	}
	if x.pieces != nil || len(body) > compressAbove && compressible(media) && header.Get("Content-Encoding") == "" {
		varyByEncoding(header)
		if packs {
			return x.sendCompressed(header, r, tag)
		}
	}
	return x.sendBody(header, r, body)
}

// varyByEncoding tells caches that the answer depends on Accept-Encoding, once.
func varyByEncoding(header http.Header) {
	if !slices.Contains(header.Values("Vary"), "Accept-Encoding") {
		header.Add("Vary", "Accept-Encoding")
	}
}

// bounded returns the body when the gateway can carry it, else the problem that says so.
func (x *exchange) bounded(r *http.Request, body []byte) []byte {
	g, _ := GatewayFrom(r.Context())
	if g.MaxAnswer == 0 || len(body) <= g.MaxAnswer {
		return body
	}
	x.refuse(newProblem(codeAnswerTooLarge, ""))
	return x.content()
}

func (x *exchange) sendNotModified(header http.Header, r *http.Request, tag string) int {
	if accepts(r.Header.Get("Accept-Encoding"), "gzip") && tagNamesGzip(r.Header.Get("If-None-Match"), tag) {
		header.Set("Etag", gzipTag(tag))
	}
	header.Del("Content-Type")
	header.Del("Content-Encoding") // of a file that comes packed
	varyByEncoding(header)
	x.status = http.StatusNotModified
	x.out.WriteHeader(x.status)
	return 0
}

func (x *exchange) sendCompressed(header http.Header, r *http.Request, tag string) int {
	packed, _ := buffers.Get().(*bytes.Buffer)
	defer release(packed)
	source := x.pieces
	if source == nil {
		source = bytes.NewReader(x.content())
	}
	if err := compress(packed, source); err != nil {
		return x.sendBody(header, r, x.content())
	}
	header.Set("Content-Encoding", "gzip")
	if tag != "" {
		header.Set("Etag", gzipTag(tag))
	}
	return x.sendBody(header, r, packed.Bytes())
}

func (x *exchange) sendBody(header http.Header, r *http.Request, body []byte) int {
	body = x.bounded(r, body)
	if x.status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.out.WriteHeader(x.status)
	if r.Method == http.MethodHead || len(body) == 0 {
		return 0
	}
	n, _ := x.out.Write(body) // a client that left needs no answer
	return n
}

// caching says who may keep the answer. Only an anonymous public read may be kept by others.
func (x *exchange) caching(header http.Header, r *http.Request) {
	if header.Get("Cache-Control") != "" || r.Method == http.MethodOptions {
		return
	}
	switch o := x.operation; {
	case !isRead(r.Method) || x.status >= 300 && x.status != http.StatusNotModified:
		header.Set("Cache-Control", "no-store")
	case o != nil && o.access == public:
		header.Set("Cache-Control", o.shared())
	case o != nil && o.access == optional && o.cache > 0:
		header.Add("Vary", "Authorization")
		if r.Header.Get("Authorization") == "" {
			header.Set("Cache-Control", o.shared())
			return
		}
		header.Set("Cache-Control", "private, no-cache")
	default:
		header.Set("Cache-Control", "private, no-cache")
	}
}

func (o *operation) shared() string {
	if o.cache <= 0 {
		return "no-cache"
	}
	return "public, max-age=" + retrySeconds(o.cache)
}
