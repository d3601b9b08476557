package release

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/rifaapp/rifaapp/app/lambda"
)

// smokeOf tries an API as it runs on Lambda: the real decoding of events around it.
func smokeOf(t *testing.T, api http.Handler) Smoke {
	t.Helper()
	function := &lambda.Function{API: api, Logger: slog.New(slog.DiscardHandler)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := io.ReadAll(r.Body)
		answer, err := function.Invoke(r.Context(), event)
		if err != nil {
			t.Errorf("the function refuses the event: %v\n%s", err, event)
		}
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	client := awslambda.New(awslambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}})
	return Smoke{Client: client, Function: "rifaapp-dev-api", Version: "8"}
}

func TestSmoke(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken string // path that answers 503
		commit string
		says   string
	}{
		"good":           {"", "abc", ""},
		"another commit": {"", "def", "version 8 was built from commit abc, not from def"},
		"not ready":      {"/rifaapp/ready", "abc", "version 8 answers GET /rifaapp/ready with 503: The database is away."},
		"no reads":       {"/rifaapp/v2/raffles", "abc", "GET /rifaapp/v2/raffles with 503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			smoke := smokeOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method != http.MethodGet || r.Header.Get("Accept") != "application/json":
					w.WriteHeader(http.StatusTeapot)
				case r.URL.Path == c.broken:
					w.WriteHeader(http.StatusServiceUnavailable)
					io.WriteString(w, `{"detail":"The database is away."}`)
				case r.URL.Path == "/rifaapp/version":
					io.WriteString(w, `{"version":"v2.0.0","commit":"abc","build_time":""}`)
				case r.URL.Path == "/rifaapp/v2/raffles":
					io.WriteString(w, `[]`)
				default:
					io.WriteString(w, `{}`)
				}
			}))
			err := smoke.Test(t.Context(), c.commit)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("err = %v, want %q", err, c.says)
			}
		})
	}
}
