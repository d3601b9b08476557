// Package release puts new code behind the alias that is served: upload, migrate, try, shift, call back.
package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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

// State is where an alias points.
type State struct {
	Version  string             // gets everything but the shares
	Shares   map[string]float64 // of other versions: a canary's, above 0, below 1
	Before   string             // served before Version; "" when that is not known, as after a rollback
	revision string             // changes with every change, so that two people cannot both move it
}

// Traffic says who gets what, such as "version 7 serves 90 %, version 8 10 %".
func (s State) Traffic() string {
	rest, others := 1.0, ""
	for _, version := range slices.Sorted(maps.Keys(s.Shares)) {
		rest -= s.Shares[version]
		others += fmt.Sprintf(", version %s %.0f %%", version, 100*s.Shares[version])
	}
	return fmt.Sprintf("version %s serves %.0f %%%s", s.Version, 100*rest, others)
}

// beforeIt finds, in an alias's description, the version that point noted there.
var beforeIt = regexp.MustCompile(`; before it (\d+)`)

// State asks where the alias points.
func (a Alias) State(ctx context.Context) (State, error) {
	got, err := a.Client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &a.Function, Name: &a.Name})
	if err != nil {
		return State{}, fmt.Errorf("reading alias %s of %s: %w", a.Name, a.Function, err)
	}
	s := State{Version: aws.ToString(got.FunctionVersion), revision: aws.ToString(got.RevisionId)}
	if got.RoutingConfig != nil {
		s.Shares = got.RoutingConfig.AdditionalVersionWeights
	}
	if found := beforeIt.FindStringSubmatch(aws.ToString(got.Description)); found != nil {
		s.Before = found[1]
	}
	return s, nil
}

// Shift gives version the share weight (above 0, below 1), watches, then gives it everything. When watch fails, or ctx
// ends meanwhile, the version before serves everything again. The error says which version serves.
func (a Alias) Shift(ctx context.Context, version string, weight float64, watch Watch) error {
	before, err := a.State(ctx)
	if err != nil {
		return err
	}
	if len(before.Shares) > 0 {
		return fmt.Errorf("another deployment is under way: %s. Wait for it; if nobody is at work, a rollback gives version %s everything", before.Traffic(), before.Version)
	}
	if before.Version == version {
		return nil
	}
	trying, err := a.point(ctx, before, State{Version: before.Version, Shares: map[string]float64{version: weight}, Before: before.Before})
	if err != nil {
		return unlessMoved(err, fmt.Sprintf("version %s still serves", before.Version))
	}
	if bad := watch(ctx); bad != nil {
		return a.callBack(ctx, trying, version, bad)
	}
	if _, err := a.point(ctx, trying, State{Version: version, Before: before.Version}); err != nil {
		return unlessMoved(err, fmt.Sprintf("version %s serves all but the share of version %s", before.Version, version))
	}
	return nil
}

// unlessMoved puts what is served before the error of a move, unless somebody else's move has made that untrue; then the
// error tells by itself.
func unlessMoved(err error, served string) error {
	if errors.Is(err, ErrMoved) {
		return err
	}
	return fmt.Errorf("%s: %w", served, err)
}

// callBack ends a canary.
func (a Alias) callBack(ctx context.Context, trying State, version string, bad error) error {
	_, err := a.point(ctx, trying, State{Version: trying.Version, Before: trying.Before})
	if errors.Is(err, ErrMoved) {
		return fmt.Errorf("version %s failed: %w; %w", version, bad, err)
	}
	if err != nil {
		return fmt.Errorf("version %s failed (%w) and still gets its share, because calling it back failed: %w", version, bad, err)
	}
	return fmt.Errorf("version %s was called back, version %s serves everything: %w", version, trying.Version, bad)
}

// Move gives version everything at once, without a canary, also after a Ctrl-C.
func (a Alias) Move(ctx context.Context, version string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moving)
	defer cancel()
	before, err := a.State(ctx)
	if err != nil {
		return err
	}
	if before.Version == version && len(before.Shares) == 0 {
		return nil
	}
	_, err = a.point(ctx, before, State{Version: version})
	return err
}

// Back sends everything to version at once. Without a version it calls a canary back, or else returns to the version
// that served before. It answers which version serves now.
func (a Alias) Back(ctx context.Context, version string) (string, error) {
	serving, err := a.State(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case version != "":
	case len(serving.Shares) > 0:
		version = serving.Version
	case serving.Before != "":
		version = serving.Before
	default:
		return "", a.choose(ctx, fmt.Sprintf("which version served before %s is not known", serving.Version))
	}
	if version == serving.Version && len(serving.Shares) == 0 {
		return "", a.choose(ctx, fmt.Sprintf("version %s serves everything already", version))
	}
	if version != serving.Version {
		if err := a.try(ctx, version); err != nil {
			return "", err
		}
	}
	_, err = a.point(ctx, serving, State{Version: version})
	return version, err
}

// try refuses a version that is not there or does not even start.
func (a Alias) try(ctx context.Context, version string) error {
	versions, err := a.Versions(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(versions, version) {
		return a.choose(ctx, fmt.Sprintf("%s has no version %s", a.Function, version))
	}
	if _, err := (Smoke{Client: a.Client, Function: a.Function, Version: version}).get(ctx, "/rifaapp/health"); err != nil {
		return fmt.Errorf("version %s does not start, so nothing was moved: %w", version, err)
	}
	return nil
}

// choose is an error that says which versions there are.
func (a Alias) choose(ctx context.Context, why string) error {
	versions, err := a.Versions(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s, nothing was moved: name one of the versions %s", why, strings.Join(versions, ", "))
}

// Versions lists the published versions of the function, oldest first.
func (a Alias) Versions(ctx context.Context) ([]string, error) {
	var versions []string
	pages := lambda.NewListVersionsByFunctionPaginator(a.Client, &lambda.ListVersionsByFunctionInput{FunctionName: &a.Function})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the versions of %s: %w", a.Function, err)
		}
		for _, v := range page.Versions {
			if number := aws.ToString(v.Version); number != "$LATEST" {
				versions = append(versions, number)
			}
		}
	}
	return versions, nil
}

// moving is how long one move may take; it outlives a Ctrl-C, because nobody would know where a move cut off has ended.
const moving = 30 * time.Second

// ErrMoved says that somebody else moved the alias between two moves, a rollback during a canary for one.
var ErrMoved = errors.New("somebody else moved")

// moved looks where the alias points after all.
func (a Alias) moved(ctx context.Context, refused error) error {
	now, err := a.State(ctx)
	if err != nil {
		return fmt.Errorf("%w alias %s of %s meanwhile, and where to cannot be read: %w", ErrMoved, a.Name, a.Function, errors.Join(refused, err))
	}
	return fmt.Errorf("%w alias %s of %s meanwhile: %s", ErrMoved, a.Name, a.Function, now.Traffic())
}

// point moves the alias from one state to another, unless somebody else moved it meanwhile. No shares is an empty map,
// not nil: nil leaves a canary as it is.
func (a Alias) point(ctx context.Context, from, to State) (State, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moving)
	defer cancel()
	shares := to.Shares
	if shares == nil {
		shares = map[string]float64{}
	}
	description := fmt.Sprintf("Version %s, %s", to.Version, time.Now().UTC().Format(time.RFC3339))
	if to.Before != "" {
		description += "; before it " + to.Before
	}
	got, err := a.Client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &a.Function, Name: &a.Name, FunctionVersion: &to.Version, Description: &description, RevisionId: &from.revision,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: shares},
	})
	if refused, ok := errors.AsType[*types.PreconditionFailedException](err); ok {
		return State{}, a.moved(ctx, refused)
	}
	if err != nil {
		return State{}, fmt.Errorf("moving alias %s of %s: %w", a.Name, a.Function, err)
	}
	to.revision = aws.ToString(got.RevisionId)
	return to, nil
}
