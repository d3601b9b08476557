package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const (
	canary  = `3 map[4:0.1] from r0 ""`
	allOld  = `3 map[] from r1 ""`
	allNew  = `4 map[] from r1 "3"`
	refusal = 0 // of no call

	elsewhere = "somebody else moved alias live of rifaapp-dev-api meanwhile: version 2 serves 100 %"
)

// moved tells what an update asks for: version, shares, the revision it starts from, the version it notes as the one before.
func moved(t *testing.T, r *http.Request) string {
	t.Helper()
	var to struct {
		FunctionVersion, RevisionId, Description string
		RoutingConfig                            struct{ AdditionalVersionWeights map[string]float64 }
	}
	if err := json.NewDecoder(r.Body).Decode(&to); err != nil || to.RoutingConfig.AdditionalVersionWeights == nil {
		t.Errorf("update %+v: %v", to, err)
	}
	_, before, _ := strings.Cut(to.Description, "; before it ")
	return fmt.Sprintf("%s %v from %s %q", to.FunctionVersion, to.RoutingConfig.AdditionalVersionWeights, to.RevisionId, before)
}

func TestShift(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		alarm  error
		refuse int  // which update is refused, from 1
		moved  bool // because somebody else has given version 2 everything
		want   []string
		says   string
	}{
		"quiet":                       {nil, refusal, false, []string{canary, allNew}, ""},
		"alarm":                       {errors.New("canary-5xx went off"), refusal, false, []string{canary, allOld}, "version 4 was called back, version 3 serves everything: canary-5xx"},
		"never started":               {nil, 1, false, []string{canary}, "version 3 still serves"},
		"stuck":                       {errors.New("slow"), 2, false, []string{canary, allOld}, "version 4 failed (slow) and still gets its share"},
		"half way":                    {nil, 2, false, []string{canary, allNew}, "version 3 serves all but the share of version 4"},
		"moved before":                {nil, 1, true, []string{canary}, elsewhere},
		"rolled back meanwhile":       {nil, 2, true, []string{canary, allNew}, elsewhere},
		"rolled back before an alarm": {errors.New("slow"), 2, true, []string{canary, allOld}, "version 4 failed: slow; " + elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var updates []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "PUT" {
					if updates = append(updates, moved(t, r)); len(updates) == c.refuse {
						kind, status := "AccessDeniedException", http.StatusForbidden
						if c.moved {
							kind, status = "PreconditionFailedException", http.StatusPreconditionFailed
						}
						w.Header().Set("X-Amzn-Errortype", kind)
						w.WriteHeader(status)
						return
					}
				} else if c.moved && len(updates) == c.refuse {
					fmt.Fprint(w, `{"FunctionVersion":"2","RevisionId":"x"}`)
					return
				}
				fmt.Fprintf(w, `{"FunctionVersion":"3","RevisionId":"r%d"}`, len(updates))
			}))
			defer server.Close()
			client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}})
			alias := Alias{Client: client, Function: "rifaapp-dev-api", Name: "live"}
			err := alias.Shift(t.Context(), "4", 0.1, func(context.Context) error { return c.alarm })
			if !slices.Equal(updates, c.want) {
				t.Errorf("updates %q, want %q", updates, c.want)
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("err = %v, want %q", err, c.says)
			}
			if errors.Is(err, ErrMoved) != c.moved {
				t.Errorf("err = %v; it is ErrMoved: %t", err, !c.moved)
			}
		})
	}
}
