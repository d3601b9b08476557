package release

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// activation is how long Lambda may take to get a version ready; in a VPC that can be a minute.
const activation = 5 * time.Minute

// Publish makes a zip the function's code and returns the number of the version it is. Nothing is served from it until an
// alias points there. Code that is there already is not uploaded again: Lambda makes another version of whatever is
// uploaded, and a rollback to the version before would then bring the same code back.
func Publish(ctx context.Context, client *lambda.Client, function, zip string) (string, error) {
	code, err := os.ReadFile(zip)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	latest, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return "", fmt.Errorf("looking at the code of %s: %w", function, err)
	}
	if aws.ToString(latest.CodeSha256) == hash {
		got, err := client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &function, CodeSha256: &hash})
		if err != nil {
			return "", fmt.Errorf("making a version of %s: %w", function, err)
		}
		return aws.ToString(got.Version), nil
	}
	got, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &function, ZipFile: code, Publish: true})
	if err != nil {
		return "", fmt.Errorf("uploading the code of %s: %w", function, err)
	}
	return aws.ToString(got.Version), nil
}

// Ready waits until a version can be called. An inactive one can: the call wakes it.
func Ready(ctx context.Context, client *lambda.Client, function, version string) error {
	waiter := lambda.NewPublishedVersionActiveWaiter(client, func(o *lambda.PublishedVersionActiveWaiterOptions) {
		o.MinDelay, o.MaxDelay, o.Retryable = time.Second, 5*time.Second, pending
	})
	if err := waiter.Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function, Qualifier: &version}, activation); err != nil {
		return fmt.Errorf("version %s of %s did not become active in %s: %w", version, function, activation, err)
	}
	return nil
}

func pending(_ context.Context, _ *lambda.GetFunctionConfigurationInput, got *lambda.GetFunctionConfigurationOutput, err error) (bool, error) {
	switch {
	case err != nil:
		return false, err
	case got.State == types.StateFailed:
		return false, fmt.Errorf("given up: %s", aws.ToString(got.StateReason))
	}
	return got.State == types.StatePending, nil
}
