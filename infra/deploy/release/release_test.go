package release

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const (
	canary  = `{"FunctionVersion":"3","RoutingConfig":{"AdditionalVersionWeights":{"4":0.1}}}`
	allOld  = `{"FunctionVersion":"3","RoutingConfig":{"AdditionalVersionWeights":{}}}`
	allNew  = `{"FunctionVersion":"4","RoutingConfig":{"AdditionalVersionWeights":{}}}`
	refusal = 0 // of no call
)

func TestShift(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		alarm  error
		refuse int // which update is refused, from 1
		want   []string
		says   string
	}{
		"quiet":         {nil, refusal, []string{canary, allNew}, ""},
		"alarm":         {errors.New("canary-5xx went off"), refusal, []string{canary, allOld}, "version 4 was called back, version 3 serves everything: canary-5xx"},
		"never started": {nil, 1, []string{canary}, "version 3 still serves"},
		"stuck":         {errors.New("slow"), 2, []string{canary, allOld}, "still gets its share"},
		"half way":      {nil, 2, []string{canary, allNew}, "version 3 serves all but the share of version 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var updates []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "PUT" {
					body, _ := io.ReadAll(r.Body)
					if updates = append(updates, string(body)); len(updates) == c.refuse {
						w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
						w.WriteHeader(http.StatusForbidden)
						return
					}
				}
				io.WriteString(w, `{"FunctionVersion":"3"}`)
			}))
			defer server.Close()
			client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}})
			alias := Alias{Client: client, Function: "rifaapp-dev-api", Name: "live"}
			err := alias.Shift(t.Context(), "4", 0.1, func(context.Context) error { return c.alarm })
			if !slices.Equal(updates, c.want) {
				t.Errorf("updates %q, want %q", updates, c.want)
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("err = %v, want %q", err, c.says)
			}
		})
	}
}
