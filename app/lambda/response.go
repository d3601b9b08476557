package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/rifaapp/rifaapp/app/httpapi"
)

// Lambda refuses answers of more than 6 MiB, in which a body comes as JSON text: every third byte or
// so may need escaping. So larger bodies go as base64, which costs exactly a third, and none may be
// larger than what is left of 6 MiB then.
const (
	lambdaLimit   = 6 << 20
	headersLimit  = 64 << 10
	maxAnswer     = (lambdaLimit - headersLimit) / 4 * 3 // bytes of a body
	maxAnswerText = 512 << 10                            // also when every byte is a control character
)

// serve answers a request.
func (f *Function) serve(ctx context.Context, e *event, cold bool) ([]byte, error) {
	gateway := httpapi.Gateway{
		RequestID: e.RequestContext.RequestID, SourceIP: e.sourceIP(), IAMPrincipal: e.principal(),
		Claims: e.RequestContext.Authorizer.Claims, TraceID: traceID(ctx), MaxAnswer: maxAnswer, ColdStart: cold,
	}
	r, err := e.request(httpapi.WithGateway(ctx, gateway), f.BasePath)
	if err != nil {
		return nil, err
	}
	w := answer{header: http.Header{}}
	f.API.ServeHTTP(&w, r)
	return w.event(e.isV2())
}

// answer takes down what a handler answers.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header is the header of the answer.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader takes the first status only, as net/http does.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write appends to the body.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// httpAnswer is an answer as the gateway reads it: of payload 2.0 with Headers and Cookies, of 1.0
// with MultiValueHeaders.
type httpAnswer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Cookies           []string            `json:"cookies,omitempty"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

func (a *answer) event(v2 bool) ([]byte, error) {
	a.WriteHeader(http.StatusOK)
	out := httpAnswer{StatusCode: a.status}
	if v2 {
		out.Cookies = a.header["Set-Cookie"]
		out.Headers = make(map[string]string, len(a.header))
		for name, values := range a.header {
			if name != "Set-Cookie" {
				out.Headers[name] = strings.Join(values, ", ")
			}
		}
	} else {
		out.MultiValueHeaders = a.header
	}
	if a.isText() {
		out.Body = a.body.String()
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(a.body.Bytes()), true
	}
	return json.Marshal(out)
}

// isText says whether the body may go as it is.
func (a *answer) isText() bool {
	return a.body.Len() <= maxAnswerText && a.header.Get("Content-Encoding") == "" && utf8.Valid(a.body.Bytes())
}
