// Package account opens an AWS session and makes sure that it is for the right account.
package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/rifaapp/rifaapp/infra/deploy/environment"
)

// patience is how long finding credentials and asking whose they are may take.
const patience = 30 * time.Second

// Open finds credentials where the AWS command line finds them (variables, profile, single sign-on, web identity), in
// the environment's region, and refuses those of another account. AWS_ENDPOINT_URL leads to an AWS-compatible server.
func Open(ctx context.Context, e environment.Environment) (aws.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	session, err := config.LoadDefaultConfig(ctx, config.WithRegion(e.Region))
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS credentials cannot be read: %w; mend ~/.aws/config, or set AWS_PROFILE", err)
	}
	if _, err := session.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, noCredentials(err)
	}
	identity, err := sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return aws.Config{}, refused(err)
	}
	if got := aws.ToString(identity.Account); got != e.AccountID {
		return aws.Config{}, fmt.Errorf("these credentials are for account %s (%s), but %s lives in %s: choose another with AWS_PROFILE, or sign in there",
			got, aws.ToString(identity.Arn), e.Name, e.AccountID)
	}
	return session, nil
}

func noCredentials(err error) error {
	var token *ssocreds.InvalidTokenError
	if errors.As(err, &token) {
		return errors.New("the AWS session has expired: sign in again with aws sso login")
	}
	return errors.New("there are no AWS credentials: sign in with aws sso login and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN")
}

// expired are the codes of AWS's services for a session whose time is up.
var expired = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}

func refused(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return fmt.Errorf("AWS cannot be reached: %w", err)
	case Expired(err):
		return errors.New("the AWS session has expired: sign in again with aws sso login, or set new AWS_* variables")
	case strings.HasPrefix(api.ErrorCode(), "InvalidClientTokenId") || api.ErrorCode() == "SignatureDoesNotMatch":
		return errors.New("AWS does not know these credentials: sign in again with aws sso login, or set new AWS_* variables")
	}
	return fmt.Errorf("AWS did not say whose credentials these are: %s %s", api.ErrorCode(), api.ErrorMessage())
}

// Expired tells whether an AWS call failed because the session's time is up.
func Expired(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(expired, api.ErrorCode())
}

// Missing tells whether an AWS call failed because the thing is not there.
func Missing(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}
