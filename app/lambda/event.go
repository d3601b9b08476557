package lambda

// event is everything that we read of the events we know. One struct serves them all: what kind an
// event is shows in which of its members are there.
//
// Formats: API Gateway, "Create AWS Lambda proxy integrations for HTTP APIs" (2.0 and 1.0) and
// "Lambda proxy integrations" for REST APIs (1.0); Lambda, "Function URL request and response
// payloads" (2.0); EventBridge, "Scheduled Event".
type event struct {
	Version string `json:"version"`

	// Payload 2.0: HTTP APIs and function URLs.
	RawPath        string   `json:"rawPath"`
	RawQueryString string   `json:"rawQueryString"`
	Cookies        []string `json:"cookies"`

	// Payload 1.0: REST APIs, and HTTP APIs that are set so.
	HTTPMethod        string              `json:"httpMethod"`
	Path              string              `json:"path"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	Query             map[string]string   `json:"queryStringParameters"` // read when the one above is missing

	// Both.
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  requestContext    `json:"requestContext"`

	// Tasks.
	Action     string `json:"action"`
	Source     string `json:"source"`
	DetailType string `json:"detail-type"`
}

// requestContext is what the gateway itself says about a request, and vouches for.
type requestContext struct {
	RequestID  string     `json:"requestId"`
	DomainName string     `json:"domainName"`
	Authorizer authorizer `json:"authorizer"`

	// Payload 2.0.
	HTTP struct {
		Method   string `json:"method"`
		Protocol string `json:"protocol"`
		SourceIP string `json:"sourceIp"`
	} `json:"http"`

	// Payload 1.0.
	Path     string `json:"path"` // with the stage, as the client wrote it
	Protocol string `json:"protocol"`
	Identity struct {
		SourceIP string `json:"sourceIp"`
		UserARN  string `json:"userArn"`
	} `json:"identity"`
}

// isHTTP says whether the event is a request: it has a method and the id that only a gateway gives.
func (e *event) isHTTP() bool {
	return e.RequestContext.RequestID != "" && (e.isV2() || e.HTTPMethod != "")
}

func (e *event) isV2() bool { return e.RequestContext.HTTP.Method != "" }

func (e *event) method() string {
	if e.isV2() {
		return e.RequestContext.HTTP.Method
	}
	return e.HTTPMethod
}

// sourceIP is the client's address as the gateway saw it; no header is asked.
func (e *event) sourceIP() string {
	if e.isV2() {
		return e.RequestContext.HTTP.SourceIP
	}
	return e.RequestContext.Identity.SourceIP
}

// principal is the ARN of the caller when the route is protected by IAM, else "".
func (e *event) principal() string {
	if e.isV2() {
		return e.RequestContext.Authorizer.IAM.UserARN
	}
	return e.RequestContext.Identity.UserARN
}
