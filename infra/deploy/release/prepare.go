package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rdsdata"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rdsdata/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/rifaapp/rifaapp/app/auth"
)

// FillSecrets gives the function's secrets a value where they have none, made here and shown to nobody. secrets are
// environment variables with their ARNs. It returns the variables that were filled; existing values are not even read.
func FillSecrets(ctx context.Context, client *secretsmanager.Client, secrets map[string]string) ([]string, error) {
	var filled []string
	for _, variable := range slices.Sorted(maps.Keys(secrets)) {
		arn := secrets[variable]
		got, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &arn})
		if err != nil {
			return filled, fmt.Errorf("looking at the secret of %s: %w", variable, err)
		}
		if len(got.VersionIdsToStages) > 0 {
			continue
		}
		value, err := secretValue(variable)
		if err != nil {
			return filled, err
		}
		if _, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &arn, SecretString: &value}); err != nil {
			return filled, fmt.Errorf("filling the secret of %s: %w", variable, err)
		}
		filled = append(filled, variable)
	}
	return filled, nil
}

func secretValue(variable string) (string, error) {
	if variable == "JWT_KEYS" {
		keys, err := auth.GenerateKeySet().PrivateJSON()
		return string(keys), err
	}
	return "", fmt.Errorf("the secret of %s is empty, and only you know its value: put it there with aws secretsmanager put-secret-value", variable)
}

// Server is a database that the RDS Data API reaches.
type Server struct{ ARN, SecretARN, Database string }

// ErrNoDataAPI says that SQL cannot be sent to the server from here.
var ErrNoDataAPI = errors.New("the server takes no SQL through the Data API")

// resuming is how long a paused Aurora may take to wake.
const resuming = 2 * time.Minute

// MakeRoles runs roles.sql as the master user; running it again changes nothing. A paused server is waited for.
func MakeRoles(ctx context.Context, client *rdsdata.Client, s Server, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, resuming)
	defer cancel()
	for {
		_, err := client.ExecuteStatement(ctx, &rdsdata.ExecuteStatementInput{
			ResourceArn: &s.ARN, SecretArn: &s.SecretARN, Database: &s.Database, Sql: &sql,
		})
		if err == nil {
			return nil
		}
		if _, asleep := errors.AsType[*rdstypes.DatabaseResumingException](err); !asleep {
			if strings.Contains(err.Error(), "HttpEndpoint is not enabled") { // AWS has no code of its own for it
				return ErrNoDataAPI
			}
			return fmt.Errorf("making the roles of the database: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the database did not wake in %s: %w", resuming, ctx.Err())
		case <-time.After(2 * time.Second):
		}
	}
}
