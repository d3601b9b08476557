package release

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Migrate has the migrator deploy its migrations and waits for it: function is its name, qualifier a version or alias.
// It returns what the migrator answered. Give client no retries and an HTTP limit above the function's own 900 s: a
// second call could start while the first still runs. The error repeats the migrator's own words.
func Migrate(ctx context.Context, client *lambda.Client, function, qualifier string) (json.RawMessage, error) {
	answer, err := invoke(ctx, client, &lambda.InvokeInput{
		FunctionName: &function, Qualifier: &qualifier, Payload: []byte(`{"action":"migrate"}`),
	}, func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	if err != nil && !started(err) {
		return nil, fmt.Errorf("calling %s: %w; no migration ran", function, err)
	}
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w; whether migrations ran is unknown: look at its log, then migrate again, which repeats nothing", function, err)
	}
	if answer.FunctionError != nil {
		return nil, fmt.Errorf("the migration failed: %s; the version before still serves", words(answer.Payload, *answer.FunctionError))
	}
	return answer.Payload, nil
}

// words are a failed function's own, or else what Lambda calls the failure.
func words(payload []byte, failure string) string {
	var said struct{ ErrorMessage string }
	if json.Unmarshal(payload, &said) != nil || said.ErrorMessage == "" {
		return failure
	}
	return said.ErrorMessage
}
