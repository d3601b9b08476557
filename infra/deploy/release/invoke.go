package release

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// invoke calls a version or an alias. One that nobody has called for weeks has lost its way into the network: Lambda
// refuses the call, which starts nothing, and makes the way anew, so the call is repeated until it is there.
func invoke(ctx context.Context, client *lambda.Client, input *lambda.InvokeInput, options ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	for end := time.Now().Add(activation); ; {
		answer, err := client.Invoke(ctx, input, options...)
		if !idle(err) || time.Now().After(end) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(wakeEvery):
		}
	}
}

func idle(err error) bool {
	_, is := errors.AsType[*types.ResourceNotReadyException](err)
	return is
}

// started tells whether a call that failed may have started the function all the same: not when Lambda refused it.
func started(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	refused := errors.As(err, &answer) && answer.HTTPStatusCode() >= 400 && answer.HTTPStatusCode() < 500
	return !refused && !idle(err)
}
