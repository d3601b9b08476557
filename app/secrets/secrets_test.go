package secrets

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rifaapp/db"

// store asks a server that answers as Secrets Manager does: with this status and body.
func store(t *testing.T, status int, answer map[string]string) *Store {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || !strings.Contains(string(asked), arn) ||
			!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/") {
			t.Errorf("asked %v %s", r.Header, asked)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return New("us-east-1", server.URL, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s"}, nil
	}))
}

func TestGet(t *testing.T) {
	t.Parallel()
	if got, err := store(t, 200, map[string]string{"SecretString": "canary"}).Get(t.Context(), arn); err != nil || got != "canary" {
		t.Errorf("got %q, %v", got, err)
	}
	for name, s := range map[string]*Store{
		"unknown": store(t, 400, map[string]string{"__type": "ResourceNotFoundException"}),
		"empty":   store(t, 200, map[string]string{"SecretBinary": "AA=="}),
	} {
		if _, err := s.Get(t.Context(), arn); err == nil || !strings.Contains(err.Error(), arn) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	user, password, err := store(t, 200, map[string]string{"SecretString": `{"username":"app","password":"p","engine":"postgres"}`}).Login(t.Context(), arn)
	if err != nil || user != "app" || password != "p" {
		t.Errorf("got %s, %s, %v", user, password, err)
	}
	for _, text := range []string{`canary`, `{"username":"app"}`, `{"password":"canary"}`, `{"username":1,"password":"canary"}`} {
		_, _, err := store(t, 200, map[string]string{"SecretString": text}).Login(t.Context(), arn)
		if err == nil || !strings.Contains(err.Error(), "is not of the form") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
