package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rdsdata"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/rifaapp/rifaapp/infra/build/artifact"
	"github.com/rifaapp/rifaapp/infra/deploy/account"
	"github.com/rifaapp/rifaapp/infra/deploy/release"
	"github.com/rifaapp/rifaapp/infra/deploy/stack"
)

const (
	canaryShare = 0.1
	canaryWatch = 5 * time.Minute
	canaryEvery = 10 * time.Second
)

// deployment is one run of `deploy`, and what its steps hand on.
type deployment struct {
	*target
	lambdaOnly bool
	watch      time.Duration
	every      time.Duration // between two looks at alarm or address

	built    artifact.Artifact
	outputs  stack.Outputs
	api      string // the new version
	migrator string // likewise
	before   string // version of api that served at the start; "" in a new environment
}

// deploy brings the checked out commit into an environment.
func (p program) deploy(ctx context.Context, args []string) error {
	flags, infraDir := p.flags("deploy")
	planOnly := flags.Bool("plan-only", false, "show what would change, nothing else")
	lambdaOnly := flags.Bool("lambda-only", false, "new code, without touching the rest")
	watch := flags.Duration("watch", canaryWatch, "how long a tenth of the traffic tries the new version; 0 shifts at once, whatever alarms say")
	every := flags.Duration("every", canaryEvery, "how often the alarm is looked at")
	if err := parse(flags, args, 1, 1); err != nil {
		return err
	}
	if *planOnly {
		return p.plan(ctx, []string{"--infra-dir", *infraDir, flags.Arg(0)})
	}
	t, err := p.open(ctx, *infraDir, flags.Arg(0), needs{stack: !*lambdaOnly, toolchain: true})
	if err != nil {
		return err
	}
	log, err := t.logFile()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	t.stack.Out = log
	if p.getenv("CI") == "true" { // the file is gone when somebody wants to read it
		t.stack.Out = io.MultiWriter(log, p.out)
	}
	d := &deployment{target: t, lambdaOnly: *lambdaOnly, watch: *watch, every: *every}
	if serving, err := t.alias("api").State(ctx); err == nil {
		d.before = serving.Version
	} else if !account.Missing(err) {
		return fmt.Errorf("nothing was started:\n%w", err)
	}
	fmt.Fprintf(p.out, "deploying to %s, account %s, %s; %s\n", t.Name, t.AccountID, t.Region, d.serving())
	if err := runSteps(ctx, p.out, d.steps(log.Name())); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s serves version %s, %s. Back again: go tool mage rollback %s\n", t.Name, d.api, d.built.Version, t.Name)
	return nil
}

// serving says what the users have meanwhile.
func (d *deployment) serving() string {
	if d.before == "" {
		return "nothing is served there yet"
	}
	return "version " + d.before + " serves"
}

// steps are in the order that keeps the version before serving until the new one has proven itself. Migrations only
// expand, so both versions work with the database in between.
func (d *deployment) steps(log string) []step {
	again := "go tool mage deploy " + d.Name
	if d.lambdaOnly {
		again += " -lambdaOnly=true"
	}
	nothing := "nothing was changed; " + d.serving() + "."
	uploaded := "the new code is uploaded and gets no traffic; " + d.serving() + "."
	if d.before == "" {
		uploaded = "the environment is there but not ready, nobody is served."
	}
	steps := []step{{"build", d.build, nothing, "mend it, then " + again}}
	if d.lambdaOnly {
		steps = append(steps, step{"upload", d.upload, uploaded, again})
	} else {
		steps = append(steps,
			step{"plan", d.plan, nothing, "less " + log + ", mend it, then " + again},
			step{"apply", d.apply, "some of the infrastructure may be changed, no traffic was moved; " + d.serving() + ".", "less " + log + ", mend it, then " + again + ", which goes on from there"},
			step{"prepare", d.prepare, uploaded, again + ", which goes on from there"},
		)
	}
	steps = append(steps,
		step{"migrate", d.migrate, uploaded + " A change that failed was rolled back whole; those before it stay.", "mend the change, then " + again},
		step{"smoke test", d.smokeTest, "the database is migrated; " + uploaded, "mend it, then " + again},
		step{"shift", d.shift, "the database is migrated; what serves stands above.", "go tool mage status " + d.Name},
	)
	if d.lambdaOnly {
		return steps
	}
	return append(steps, step{"address", d.address, "the database is migrated; what serves stands above.", "go tool mage status " + d.Name})
}

func (d *deployment) build(ctx context.Context) (string, error) {
	built, err := artifact.Build(ctx, artifact.Options{Source: d.checkout, Dir: filepath.Join(filepath.Dir(d.infraDir), "dist")})
	d.built = built
	return fmt.Sprintf("%s, %.1f MB", built.Version, float64(built.Bytes)/(1<<20)), err
}

func (d *deployment) plan(ctx context.Context) (string, error) {
	changes, err := d.stack.Plan(ctx)
	return changes.String(), err
}

// apply plans anew: the plan above stands on made-up values where a unit needs another that is not there yet. It looks at
// the code again, because Terraform knows only the code that it brought itself: after a deployment of the code alone it
// would leave that in place. What it did bring stays the version it became.
func (d *deployment) apply(ctx context.Context) (string, error) {
	if err := d.stack.Apply(ctx); err != nil {
		return "", err
	}
	var err error
	if d.outputs, err = d.stack.Outputs(ctx); err != nil {
		return "", err
	}
	return d.upload(ctx)
}

// upload makes the built code a version of both functions.
func (d *deployment) upload(ctx context.Context) (string, error) {
	var err error
	if d.migrator, err = release.Publish(ctx, d.lambda, d.function("migrator"), d.built.Path); err != nil {
		return "", d.neverApplied(err)
	}
	if d.api, err = release.Publish(ctx, d.lambda, d.function("api"), d.built.Path); err != nil {
		return "", d.neverApplied(err)
	}
	return "api is version " + d.api + ", migrator " + d.migrator, d.active(ctx)
}

func (d *deployment) neverApplied(err error) error {
	if account.Missing(err) {
		return fmt.Errorf("%s has no functions yet; deploy it whole first, without lambda only: %w", d.Name, err)
	}
	return err
}

func (d *deployment) active(ctx context.Context) error {
	return errors.Join(release.Ready(ctx, d.lambda, d.function("api"), d.api), release.Ready(ctx, d.lambda, d.function("migrator"), d.migrator))
}

// prepare does what a new environment needs once: values for empty secrets, the roles of the database.
func (d *deployment) prepare(ctx context.Context) (string, error) {
	var filled []string
	for _, unit := range []string{"api", "migrator"} {
		var secrets map[string]string
		if err := d.outputs.Into(unit, "secret_arns", &secrets); err != nil {
			return "", err
		}
		variables, err := release.FillSecrets(ctx, secretsmanager.NewFromConfig(d.session), secrets)
		if err != nil {
			return "", err
		}
		for _, variable := range variables {
			filled = append(filled, variable+" of "+unit)
		}
	}
	result := "secrets as they were"
	if len(filled) > 0 {
		result = "made " + strings.Join(filled, ", ")
	}
	roles, err := d.roles(ctx)
	return result + "; " + roles, err
}

func (d *deployment) roles(ctx context.Context) (string, error) {
	const file = "modules/database/roles.sql"
	var engine string
	if err := d.outputs.Into("database", "engine", &engine); err != nil {
		return "", err
	}
	var server release.Server
	var faults [3]error
	server.ARN, faults[0] = d.outputs.String("database", "server_arn")
	server.SecretARN, faults[1] = d.outputs.String("database", "master_secret_arn")
	server.Database, faults[2] = d.outputs.String("database", "database_name")
	if err := errors.Join(faults[:]...); err != nil {
		return "", err
	}
	byHand := "roles: run " + file + " by hand, once"
	if engine != "aurora" { // the Data API is Aurora's
		return byHand, nil
	}
	sql, err := os.ReadFile(filepath.Join(d.infraDir, file))
	if err != nil {
		return "", err
	}
	err = release.MakeRoles(ctx, rdsdata.NewFromConfig(d.session), server, string(sql))
	if errors.Is(err, release.ErrNoDataAPI) {
		return byHand, nil
	}
	return "roles in place", err
}

func (d *deployment) migrate(ctx context.Context) (string, error) {
	return migrateWith(ctx, d.target, d.migrator)
}

func (d *deployment) smokeTest(ctx context.Context) (string, error) {
	return "version " + d.api + " answers, ready", d.smoke(d.api).Test(ctx, d.built.Commit)
}

// shift moves the traffic to the new version, and the migrations route to the new migrator.
func (d *deployment) shift(ctx context.Context) (string, error) {
	canary := d.canary()
	canary.Watch, canary.Every = d.watch, d.every
	look := canary.Look
	if d.watch == 0 {
		look = func(context.Context) error { return nil }
	} else if err := canary.Quiet(ctx); err != nil {
		return "", fmt.Errorf("%s, so nothing was shifted: %w; when the new version is the cure, deploy it with -watch=0s", d.serving(), err)
	}
	if err := d.alias("api").Shift(ctx, d.api, canaryShare, look); err != nil {
		return "", err
	}
	if err := d.alias("migrator").Move(ctx, d.migrator); err != nil {
		return "", fmt.Errorf("version %s of the API serves everything, but the migrations route has the migrator before: %w", d.api, err)
	}
	return "version " + d.api + " serves everything", nil
}

// looks is how often the public address is asked before the new version is called back.
const looks = 6

// address asks the public address, as users do, which commit answers there. The version before returns when it is
// another, or none, unless the new one answers at the gateway's own address: then only the domain's record is amiss.
func (d *deployment) address(ctx context.Context) (string, error) {
	url, err := d.outputs.String("gateway", "base_url")
	if err != nil {
		return "", err
	}
	bad := d.answers(ctx, url)
	if bad == nil {
		return url + " answers", nil
	}
	if record := d.record(url); record != "" && ctx.Err() == nil {
		bad = fmt.Errorf("%w; where it is missing, make the DNS record %s", bad, record)
	}
	own, err := d.outputs.String("gateway", "execute_api_url")
	if open := err == nil && own != url; open && release.Address(ctx, own, d.built.Commit) == nil {
		return "", fmt.Errorf("%w; version %s goes on serving, it answers at %s", bad, d.api, own)
	}
	return "", d.callBack(ctx, bad)
}

// answers asks an address some times: a new version, or a new record, is not everywhere at once.
func (d *deployment) answers(ctx context.Context, url string) error {
	for look := 1; ; look++ {
		err := release.Address(ctx, url, d.built.Commit)
		if err == nil || look == looks {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d.every):
		}
	}
}

// record is the DNS record that leads from a domain to the gateway; "" without a domain.
func (d *deployment) record(url string) string {
	target, err := d.outputs.String("gateway", "domain_target")
	if err != nil {
		return ""
	}
	record := fmt.Sprintf("%s CNAME %s", strings.TrimPrefix(url, "https://"), target)
	if zone, err := d.outputs.String("gateway", "domain_target_zone_id"); err == nil {
		record += fmt.Sprintf(" (in Route 53 an alias to it, zone %s)", zone)
	}
	return record
}

func (d *deployment) callBack(ctx context.Context, bad error) error {
	if d.before == "" || d.before == d.api {
		return fmt.Errorf("%w; no other version can take over", bad)
	}
	if err := d.alias("api").Move(ctx, d.before); err != nil {
		return fmt.Errorf("%w; version %s still serves, because going back failed: %w", bad, d.api, err)
	}
	return fmt.Errorf("%w; version %s serves everything again", bad, d.before)
}
