package release

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// lambdaAt is a client that asks each thing once, so that what is asked again was asked by us.
func lambdaAt(t *testing.T, answer http.HandlerFunc) *lambda.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1})
}

// Lambda makes another version of whatever is uploaded, the same code too, but none of code that is there already.
func TestPublish(t *testing.T) {
	t.Parallel()
	const hash = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" // of abc
	zip := filepath.Join(t.TempDir(), "code.zip")
	if err := os.WriteFile(zip, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		latest  string
		asked   []string
		version string
	}{
		"new code":      {"another", []string{"GET configuration", "PUT code"}, "8"},
		"the same code": {hash, []string{"GET configuration", "POST versions " + hash}, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			client := lambdaAt(t, func(w http.ResponseWriter, r *http.Request) {
				entry := r.Method + " " + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
				var body struct{ CodeSha256 string }
				_ = json.NewDecoder(r.Body).Decode(&body) // a GET has none
				asked = append(asked, strings.TrimSpace(entry+" "+body.CodeSha256))
				switch r.Method {
				case http.MethodGet:
					fmt.Fprintf(w, `{"CodeSha256":%q}`, c.latest)
				case http.MethodPut:
					io.WriteString(w, `{"Version":"8"}`)
				default:
					io.WriteString(w, `{"Version":"7"}`)
				}
			})
			version, err := Publish(t.Context(), client, "api", zip)
			if err != nil || version != c.version || !slices.Equal(asked, c.asked) {
				t.Errorf("version %s, %v, asked %q; want %s and %q", version, err, asked, c.version, c.asked)
			}
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		states []string
		says   string
	}{
		"at once":               {[]string{"Active"}, ""},
		"after a while":         {[]string{"Pending", "Active"}, ""},
		"idle, a call wakes it": {[]string{"Inactive"}, ""},
		"broken":                {[]string{"Failed"}, "no address is left in the subnet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			client := lambdaAt(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"State":%q,"StateReason":"no address is left in the subnet"}`, c.states[min(asked, len(c.states)-1)])
				asked++
			})
			err := Ready(t.Context(), client, "api", "8")
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || asked != len(c.states) {
				t.Errorf("asked %d times, err = %v; want %d and %q", asked, err, len(c.states), c.says)
			}
		})
	}
}

// A version that nobody has called for weeks refuses the call that wakes it.
func TestIdleVersionsAreWoken(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(client *lambda.Client) error{
		"migrator": func(client *lambda.Client) error {
			_, err := Migrate(t.Context(), client, "migrator", "live")
			return err
		},
		"smoke test": func(client *lambda.Client) error {
			_, err := Smoke{Client: client, Function: "api", Version: "6"}.get(t.Context(), "/rifaapp/health")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := lambdaAt(t, func(w http.ResponseWriter, _ *http.Request) {
				if calls++; calls == 1 {
					w.Header().Set("X-Amzn-Errortype", "ResourceNotReadyException")
					w.WriteHeader(http.StatusBadGateway)
					io.WriteString(w, `{"Message":"The function is inactive"}`)
					return
				}
				io.WriteString(w, `{"statusCode":200}`)
			})
			if err := call(client); err != nil || calls != 2 {
				t.Errorf("%d calls, %v; want two", calls, err)
			}
		})
	}
}
