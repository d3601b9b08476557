package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// request turns an event into what net/http would have read from a socket.
func (e *event) request(ctx context.Context, basePath string) (*http.Request, error) {
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	address := e.address(basePath)
	r := &http.Request{
		Method: e.method(), URL: address, RequestURI: address.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: e.header(),
		Body: http.NoBody, ContentLength: int64(len(body)), RemoteAddr: net.JoinHostPort(e.sourceIP(), "0"),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = e.RequestContext.DomainName
	}
	// net/http keeps these out of the header too.
	r.Header.Del("Host")
	r.Header.Del("Transfer-Encoding")
	return r.WithContext(ctx), nil
}

func (e *event) body() ([]byte, error) {
	if !e.IsBase64Encoded {
		return []byte(e.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, errors.New("the event says isBase64Encoded, but its body is not base64")
	}
	return body, nil
}

func (e *event) header() http.Header {
	header := make(http.Header, len(e.Headers)+1)
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	if e.MultiValueHeaders == nil { // payload 1.0 has each header in both
		for name, value := range e.Headers {
			header.Add(name, value)
		}
	}
	if len(e.Cookies) > 0 {
		header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return header
}

// address is the path and the query. Payload 2.0 has both as the client wrote them, and so they stay;
// payload 1.0 has the query taken apart, and its order is lost.
func (e *event) address(basePath string) *url.URL {
	if e.isV2() {
		u := parsePath(e.RawPath)
		u.RawQuery = e.RawQueryString
		return u
	}
	path := e.Path
	if basePath != "" && strings.HasPrefix(e.RequestContext.Path, basePath+"/") {
		path = e.RequestContext.Path // with the stage, so that links in answers have it too
	}
	u := parsePath(path)
	u.RawQuery = e.query().Encode()
	return u
}

func (e *event) query() url.Values {
	if e.MultiValueQuery != nil {
		return e.MultiValueQuery
	}
	query := make(url.Values, len(e.Query))
	for name, value := range e.Query {
		query.Set(name, value)
	}
	return query
}

// parsePath reads a path as net/http does. One that no client could have sent so, because the gateway
// has decoded it already, is taken as it is.
func parsePath(raw string) *url.URL {
	if !strings.HasPrefix(raw, "/") {
		raw = "/" + raw
	}
	if !strings.ContainsRune(raw, '?') {
		if u, err := url.ParseRequestURI(raw); err == nil {
			return u
		}
	}
	return &url.URL{Path: raw}
}
