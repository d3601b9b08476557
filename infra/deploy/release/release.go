// Package release moves the alias that is served from one version of a function to another.
package release

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Alias is one alias of one function.
type Alias struct {
	Client   *lambda.Client
	Function string
	Name     string // live
}

// Watch looks at the canary until it has seen enough. An error means that the canary must go.
type Watch func(ctx context.Context) error

// Serving is the version that gets the traffic, apart from a canary's share.
func (a Alias) Serving(ctx context.Context) (string, error) {
	got, err := a.Client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &a.Function, Name: &a.Name})
	if err != nil {
		return "", fmt.Errorf("reading alias %s of %s: %w", a.Name, a.Function, err)
	}
	return aws.ToString(got.FunctionVersion), nil
}

// Shift gives version the share weight (above 0, below 1), watches, then gives it everything. When watch fails, or ctx
// ends meanwhile, the version before serves everything again. The error says which version serves.
func (a Alias) Shift(ctx context.Context, version string, weight float64, watch Watch) error {
	before, err := a.Serving(ctx)
	if err != nil {
		return err
	}
	if before == version {
		return a.point(ctx, version, nil)
	}
	if err := a.point(ctx, before, map[string]float64{version: weight}); err != nil {
		return fmt.Errorf("version %s still serves: %w", before, err)
	}
	if bad := watch(ctx); bad != nil {
		// Calling the canary back must outlive a Ctrl-C.
		if err := a.point(context.WithoutCancel(ctx), before, nil); err != nil {
			return fmt.Errorf("version %s failed (%w) and still gets its share, because calling it back failed: %w", version, bad, err)
		}
		return fmt.Errorf("version %s was called back, version %s serves everything: %w", version, before, bad)
	}
	if err := a.point(ctx, version, nil); err != nil {
		return fmt.Errorf("version %s serves all but the share of version %s: %w", before, version, err)
	}
	return nil
}

// point sends everything to version but the shares. No shares is an empty map, not nil: nil leaves a canary as it is.
func (a Alias) point(ctx context.Context, version string, shares map[string]float64) error {
	if shares == nil {
		shares = map[string]float64{}
	}
	_, err := a.Client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &a.Function, Name: &a.Name, FunctionVersion: &version,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: shares},
	})
	if err != nil {
		return fmt.Errorf("moving alias %s of %s: %w", a.Name, a.Function, err)
	}
	return nil
}
