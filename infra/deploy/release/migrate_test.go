package release

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status                int
		fault, payload, wants string
	}{
		"done":   {200, "", `{"status":"ok","applied":["users"]}`, `"applied":["users"]`},
		"failed": {200, "Unhandled", `{"errorMessage":"users: relation exists"}`, "relation exists; the version before still serves"},
		"killed": {200, "Unhandled", `not JSON`, "the migration failed: Unhandled"},
		"broken": {500, "", `{"Message":"x"}`, "whether migrations ran is unknown"},
		"busy":   {429, "", `{"Message":"x"}`, "no migration ran"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				body, _ := io.ReadAll(r.Body)
				if string(body) != `{"action":"migrate"}` || !strings.Contains(r.URL.Path, "/functions/migrator/invocations") || r.URL.Query().Get("Qualifier") != "4" {
					t.Errorf("call %s with %s", r.URL, body)
				}
				if c.fault != "" {
					w.Header().Set("X-Amz-Function-Error", c.fault)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.payload)
			}))
			defer server.Close()
			client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}})
			answer, err := Migrate(t.Context(), client, "migrator", "4")
			said := string(answer)
			if err != nil {
				said = err.Error()
			}
			if (err == nil) != (name == "done") || !strings.Contains(said, c.wants) || calls != 1 {
				t.Errorf("%d calls, said %q, want one call and %q", calls, said, c.wants)
			}
		})
	}
}
