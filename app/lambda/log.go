package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/rifaapp/rifaapp/app/httpapi"
)

// namespace is where the metrics of all functions are found in CloudWatch.
const namespace = "RifaApp"

// Observe is for httpapi's Options.Observe: what it returns turns the one line of a request into
// CloudWatch's embedded metric format too, and ties it to its trace and its invocation.
func (f *Function) Observe(ctx context.Context, o httpapi.Observation) []slog.Attr {
	g, _ := httpapi.GatewayFrom(ctx)
	attrs := f.about(g.TraceID, g.ColdStart)
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("invocation_id", lc.AwsRequestID))
	}
	return append(attrs, f.metrics(o, time.Now())...)
}

// about is what every line says of its invocation.
func (f *Function) about(trace string, cold bool) []slog.Attr {
	attrs := make([]slog.Attr, 0, 12) // room for the metrics
	if trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	if cold {
		attrs = append(attrs, slog.Bool("cold_start", true), slog.Float64("init_ms", milliseconds(f.Init)))
	}
	return attrs
}

// traceID is the root of the invocation's X-Ray trace: of "Root=1-…;Parent=…;Sampled=1" the first
// part's value, by which traces are looked up.
func traceID(ctx context.Context) string {
	header, _ := ctx.Value("x-amzn-trace-id").(string) // the runtime's own key
	for part := range strings.SplitSeq(header, ";") {
		if root, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			return root
		}
	}
	return ""
}

// metrics are the members that CloudWatch reads. Requests, latency and database wait are counted by
// function, route and status; what the business asks for has names of its own, by function only.
func (f *Function) metrics(o httpapi.Observation, now time.Time) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("Function", f.Name), slog.String("Route", o.Method+" "+o.Route), slog.String("Status", strconv.Itoa(o.Status)),
		slog.Int("Requests", 1), slog.Float64("Latency", milliseconds(o.Duration)), slog.Float64("DatabaseWait", milliseconds(o.DatabaseWait)),
	}
	directives := directiveOfRequest
	if event := eventOf(o); event != "" {
		attrs = append(attrs, slog.Int(event, 1))
		directives += `,{"Namespace":"` + namespace + `","Dimensions":[["Function"]],"Metrics":[{"Name":"` + event + `","Unit":"Count"}]}`
	}
	envelope := `{"Timestamp":` + strconv.FormatInt(now.UnixMilli(), 10) + `,"CloudWatchMetrics":[` + directives + `]}`
	return append(attrs, slog.Any("_aws", json.RawMessage(envelope)))
}

const directiveOfRequest = `{"Namespace":"` + namespace + `","Dimensions":[["Function","Route","Status"],["Function"]],"Metrics":[` +
	`{"Name":"Requests","Unit":"Count"},{"Name":"Latency","Unit":"Milliseconds"},{"Name":"DatabaseWait","Unit":"Milliseconds"}]}`

// eventOf is the metric of what happened in the business, or "". A request that is repeated with its
// Idempotency-Key counts again: the answer is the same.
func eventOf(o httpapi.Observation) string {
	done := o.Status < http.StatusMultipleChoices
	switch {
	case o.Method != http.MethodPost:
		return ""
	case o.Status == http.StatusConflict:
		return "Conflicts"
	case done && strings.HasSuffix(o.Route, "/reservations"):
		return "Reservations"
	case done && strings.HasSuffix(o.Route, "/confirm"):
		return "Sales"
	case done && strings.HasSuffix(o.Route, "/draw"):
		return "Draws"
	}
	return ""
}
