// Package secrets reads values that AWS Secrets Manager keeps.
package secrets

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Limits of one read: it lies inside a request's own 8 s.
const (
	timeout  = 3 * time.Second
	attempts = 2
)

// Store is Secrets Manager in one region.
type Store struct{ client *secretsmanager.Client }

// New asks as whom credentials says. Endpoint replaces the region's own address unless it is empty. No
// network is touched.
func New(region, endpoint string, credentials aws.CredentialsProvider) *Store {
	return &Store{secretsmanager.New(secretsmanager.Options{
		Region: region, Credentials: credentials, RetryMaxAttempts: attempts, BaseEndpoint: endpointOr(endpoint),
	})}
}

func endpointOr(endpoint string) *string {
	if endpoint == "" {
		return nil
	}
	return &endpoint
}

// Get returns the current value of a secret. Its error names the secret and never its value.
func (s *Store) Get(ctx context.Context, arn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", arn, err)
	}
	if answer.SecretString == nil || *answer.SecretString == "" {
		return "", fmt.Errorf("the secret %s has no text: put its value in", arn)
	}
	return *answer.SecretString, nil
}

// Login returns the user and password that RDS keeps in a secret of the form
// {"username":"…","password":"…"}.
func (s *Store) Login(ctx context.Context, arn string) (user, password string, err error) {
	text, err := s.Get(ctx, arn)
	if err != nil {
		return "", "", err
	}
	var login struct{ Username, Password string }
	if json.Unmarshal([]byte(text), &login) != nil || login.Username == "" || login.Password == "" {
		// The decoder's own words could quote a piece of the password.
		return "", "", fmt.Errorf(`the secret %s is not of the form {"username":"…","password":"…"}`, arn)
	}
	return login.Username, login.Password, nil
}
