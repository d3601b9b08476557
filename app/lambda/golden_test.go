package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/rifaapp/rifaapp/app/httpapi"
)

var update = flag.Bool("update", false, "write the golden answers anew; read the difference before you commit it")

// seen is a request as the handler saw it.
type seen struct {
	Method, Path, RawPath, RawQuery, RequestURI, Host, RemoteAddr string
	ContentLength                                                 int64
	Header                                                        http.Header
	Body                                                          string
	Gateway                                                       httpapi.Gateway
}

// outcome is what a golden file holds.
type outcome struct {
	Request *seen           `json:"request,omitempty"`
	Task    string          `json:"task,omitempty"`
	Answer  json.RawMessage `json:"answer,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// invoke has a function that takes down what reached it answer one event.
func invoke(t *testing.T, payload []byte) (o outcome) {
	t.Helper()
	task := func(name string) func(context.Context) (any, error) {
		return func(context.Context) (any, error) {
			o.Task = name
			return map[string]string{"status": "ok"}, nil
		}
	}
	f := &Function{
		BasePath: "/v2", Logger: slog.New(slog.DiscardHandler),
		Tasks: Tasks{Minute: task("minute"), Migrate: task("migrate"), Check: task("check")},
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			gateway, _ := httpapi.GatewayFrom(r.Context())
			o.Request = &seen{
				r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI, r.Host, r.RemoteAddr,
				r.ContentLength, r.Header, string(body), gateway,
			}
			w.Header().Add("Vary", "Authorization")
			w.Header().Add("Vary", "Accept-Encoding")
			w.Header().Add("Set-Cookie", "a=1; Path=/")
			w.Header().Add("Set-Cookie", "b=2; Secure")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"título":"<b>&"}`)
		}),
	}
	answer, err := f.Invoke(t.Context(), payload)
	o.Answer = answer
	if err != nil {
		o.Error = err.Error()
	}
	return o
}

// Every event in testdata/events is answered as its file in testdata/golden says. The events have the
// form that AWS documents.
func TestGoldenAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d events: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) {
			t.Parallel()
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			encoder := json.NewEncoder(&text)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(invoke(t, payload)); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "golden", name)
			if *update {
				if err := os.WriteFile(golden, text.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", text.Bytes(), want)
			}
		})
	}
}

// AWS's own types read our answers.
func TestAnswersAreWhatAWSReads(t *testing.T) {
	t.Parallel()
	for file, into := range map[string]any{
		"http_api_jwt": &events.APIGatewayV2HTTPResponse{}, "function_url": &events.LambdaFunctionURLResponse{}, "rest_api": &events.APIGatewayProxyResponse{},
	} {
		payload, err := os.ReadFile("testdata/events/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(invoke(t, payload).Answer))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
