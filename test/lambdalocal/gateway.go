package lambdalocal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
)

// maxRequest is what API Gateway lets a request's body have.
const maxRequest = 10 << 20

// Gateway stands in front of a function as an HTTP API does: requests become events of payload format
// 2.0, with AWS's own types, and answers become responses.
type Gateway struct {
	Function *Function
}

// ServeHTTP answers one request. A function that fails is a 500, one that does not answer a 503.
func (g Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return // the client left
	}
	if len(body) > maxRequest {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	payload, err := json.Marshal(eventOf(r, body))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	answer, err := g.Function.Invoke(r.Context(), payload)
	if err != nil {
		refuse(w, statusOf(err), http.StatusText(statusOf(err)))
		return
	}
	write(w, answer)
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*Error](err)
	switch {
	case ok && failed.Type == "RequestEntityTooLarge":
		return http.StatusRequestEntityTooLarge
	case ok && failed.Type == "Sandbox.Timedout":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Apigw-Requestid", uuid.NewString())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func eventOf(r *http.Request, body []byte) events.APIGatewayV2HTTPRequest {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	now := time.Now()
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: query, Headers: map[string]string{},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "123456789012", Stage: "$default", RequestID: uuid.NewString(), APIID: "local",
			DomainName: r.Host, DomainPrefix: "local", Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: client, UserAgent: r.UserAgent(),
			},
		},
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			e.Cookies = strings.Split(strings.Join(values, "; "), "; ")
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	e.Headers["host"] = r.Host
	e.Headers["x-forwarded-for"], e.Headers["x-forwarded-proto"] = client, "http"
	if utf8.Valid(body) && len(body) < maxRequest/2 {
		e.Body = string(body)
	} else {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// write turns an answer into the response.
func write(w http.ResponseWriter, answer []byte) {
	var a events.APIGatewayV2HTTPResponse
	if json.Unmarshal(answer, &a) != nil || a.StatusCode < 100 || a.StatusCode > 599 {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			refuse(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range a.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(a.StatusCode)
	_, _ = w.Write(body) // a client that left needs no answer
}
