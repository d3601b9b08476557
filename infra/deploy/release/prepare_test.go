package release

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rdsdata"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// answers serves one answer after the other: an error's code and message, or nothing for success.
func answers(t *testing.T, list ...[2]string) (url string, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := list[min(*asked, len(list)-1)]
		*asked++
		if answer[0] == "" {
			io.WriteString(w, `{}`)
			return
		}
		w.Header().Set("X-Amzn-Errortype", answer[0])
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"message":"`+answer[1]+`"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestMakeRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers [][2]string
		asked   int
		says    string
	}{
		"awake":       {[][2]string{{}}, 1, ""},
		"asleep":      {[][2]string{{"DatabaseResumingException", "the cluster is resuming"}, {}}, 2, ""},
		"refused":     {[][2]string{{"DatabaseErrorException", "permission denied"}}, 1, "making the roles of the database: "},
		"no Data API": {[][2]string{{"BadRequestException", "HttpEndpoint is not enabled for resource"}}, 1, ErrNoDataAPI.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, asked := answers(t, c.answers...)
			client := rdsdata.New(rdsdata.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: aws.AnonymousCredentials{}})
			err := MakeRoles(t.Context(), client, Server{"arn:server", "arn:master", "rifaapp"}, "DO …")
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || *asked != c.asked {
				t.Errorf("asked %d times, err = %v, want %d and %q", *asked, err, c.asked, c.says)
			}
			if errors.Is(err, ErrNoDataAPI) != (name == "no Data API") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// A value that only a person can know is asked for, not made up.
func TestFillSecretsKnowsItsLimits(t *testing.T) {
	t.Parallel()
	url, _ := answers(t, [2]string{})
	client := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: aws.AnonymousCredentials{}})
	filled, err := FillSecrets(t.Context(), client, map[string]string{"JWT_KEYS": "arn:keys", "PAYMENT_KEY": "arn:payment"})
	if len(filled) != 1 || filled[0] != "JWT_KEYS" || err == nil || !strings.Contains(err.Error(), "the secret of PAYMENT_KEY is empty") {
		t.Errorf("filled %v, err = %v", filled, err)
	}
}
