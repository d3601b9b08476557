package migrate_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// fakeSqitch is a program that does what a shell script says.
func fakeSqitch(t *testing.T, script string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sqitch")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return bin
}

// external runs a command with SQITCH_BIN.
func external(ctx context.Context, t *testing.T, bin, target string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, faults strings.Builder
	err = migrate.Command(ctx, args, migrate.Env{Stdin: strings.NewReader("y\n"), Stdout: &out, Stderr: &faults, Files: project(planOf("a")),
		Getenv: getenv("SQITCH_TARGET", target, "SQITCH_BIN", bin)})
	return out.String(), faults.String(), err
}

func TestExternalSqitchGetsItsArguments(t *testing.T) {
	t.Parallel()
	bin := fakeSqitch(t, `for a in "$@"; do echo "<$a>"; done; cat sqitch.plan >/dev/null && env; read answer; echo "answer $answer"; echo aside >&2`)
	stdout, stderr, err := external(t.Context(), t, bin, "db:pg://u:c%40nary@h.example:5433/d?sslmode=require", "revert", "--to", "it's; $(x) *", "-y")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	want := []string{"<revert>", "<--target>", "<db:pg://u@h.example:5433/d?sslmode=require>", "<--to>", "<it's; $(x) *>", "<-y>"}
	if !slices.Equal(lines[:len(want)], want) {
		t.Errorf("the arguments are %q", lines[:len(want)])
	}
	for _, line := range lines {
		if strings.Contains(line, "c@nary") && line != "PGPASSWORD=c@nary" {
			t.Errorf("the password is in %q", line)
		}
	}
	if !slices.Contains(lines, "PGPASSWORD=c@nary") || lines[len(lines)-1] != "answer y" || stderr != "aside\n" {
		t.Errorf("the password, the input or the outputs do not arrive: %q, %q", lines[len(lines)-1], stderr)
	}
}

// TestExternalSqitchConnectsAsWeDo looks at the target that Sqitch gets, and at the authorities in it.
func TestExternalSqitchConnectsAsWeDo(t *testing.T) {
	t.Parallel()
	const rds = "rifa.abc123.sa-east-1.rds.amazonaws.com"
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, postgres.RDSAuthorities(rds), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := fakeSqitch(t, `echo "$3"; file=${3##*sslrootcert=}; cat "$(echo "$file" | sed 's|%2F|/|g')" 2>/dev/null; exit 0`)
	for name, c := range map[string]struct {
		target  string           // SQITCH_TARGET
		options postgres.Options // else what the DB_ variables say
		dir     string           // SQITCH_DIR
		want    string
		ca      bool // it names a file with RDS's authorities of the region
	}{
		"the target's own parameters": {"db:pg://u:canary@h:5432/d?connect_timeout=3&options=-csearch_path%3Dx%20y&password=canary&sslmode=verify-full&sslrootcert=" + ca, postgres.Options{}, "",
			"db:pg://u@h:5432/d?connect_timeout=3&options=-csearch_path%3Dx+y&sslmode=verify-full&sslrootcert=" + url.QueryEscape(ca), false},
		"encrypted when it must be":           {"db:pg://u@h:5432/d?sslmode=allow", postgres.Options{}, "", "db:pg://u@h:5432/d?sslmode=allow", false},
		"parameters of the place":             {"db:pg://u@h/d?port=5433&user=w&sslmode=disable", postgres.Options{}, "", "db:pg://w@h:5433/d?sslmode=disable", false},
		"several hosts":                       {"", postgres.Options{Host: "h,i", SSLMode: "require"}, "", "db:pg://u@h:5432/d?sslmode=require", false},
		"allow":                               {"", postgres.Options{Host: "h", SSLMode: "allow"}, "", "db:pg://u@h:5432/d?sslmode=allow", false},
		"prefer":                              {"", postgres.Options{Host: "h", SSLMode: "prefer"}, "", "db:pg://u@h:5432/d?sslmode=prefer", false},
		"RDS":                                 {"", postgres.Options{Host: rds, SSLMode: "verify-full"}, "", "db:pg://u@" + rds + ":5432/d?sslmode=verify-full&sslrootcert=", true},
		"RDS, with a directory":               {"", postgres.Options{Host: rds, SSLMode: "verify-full"}, writeProject(t, project(planOf("a"))), "db:pg://u@" + rds + ":5432/d?sslmode=verify-full&sslrootcert=", true},
		"RDS that nobody vouches for":         {"", postgres.Options{Host: rds, SSLMode: "require"}, "", "db:pg://u@" + rds + ":5432/d?sslmode=require", false},
		"authorities in DB_SSLROOTCERT":       {"", postgres.Options{Host: "h", SSLMode: "verify-ca", RootCert: ca}, "", "db:pg://u@h:5432/d?sslmode=verify-ca&sslrootcert=" + url.QueryEscape(ca), false},
		"another server, of the system's own": {"", postgres.Options{Host: "h", SSLMode: "verify-full"}, "", "db:pg://u@h:5432/d?sslmode=verify-full", false},
	} {
		c.options.Port, c.options.Name, c.options.User = 5432, "d", "u"
		var out strings.Builder
		err := migrate.Command(t.Context(), []string{"status"}, migrate.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Files: project(planOf("a")),
			Getenv: getenv("SQITCH_TARGET", c.target, "SQITCH_BIN", bin, "SQITCH_DIR", c.dir, "DB_SSLROOTCERT", c.options.RootCert),
			Config: func(context.Context) (*pgx.ConnConfig, error) { return c.options.ConnConfig() }})
		got, printed, _ := strings.Cut(out.String(), "\n")
		if c.ca {
			if !strings.HasPrefix(got, c.want+url.QueryEscape(os.TempDir())) {
				t.Errorf("%s: the target is %s", name, got)
			}
			got = c.want
		}
		if err != nil || got != c.want {
			t.Errorf("%s: the target is %s, not %s: %v", name, got, c.want, err)
		}
		if c.ca && !strings.Contains(printed, "BEGIN CERTIFICATE") {
			t.Errorf("%s: there are no authorities in the file", name)
		}
	}
}

func TestExternalSqitchKeepsSecretsOut(t *testing.T) {
	for _, name := range []string{"DB_PASSWORD", "SQITCH_PASSWORD", "SQITCH_TARGET", "MIGRATIONS_TOKEN", "JWT_KEYS", "RECEIPT_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "canary")
	}
	stdout, _, err := external(t.Context(), t, fakeSqitch(t, "env"), "db:pg://u:other@h/d")
	if err != nil || strings.Contains(stdout, "canary") {
		t.Errorf("error %v, environment\n%s", err, stdout)
	}
}

func TestExternalSqitchFails(t *testing.T) {
	t.Parallel()
	bin := fakeSqitch(t, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; echo 'at the end' >&2; exit 7")
	_, _, err := external(t.Context(), t, bin, "db:pg://u:canary@h/d", "deploy")
	wants(t, err, "deploy ended with exit status 7", "line 12", "at the end")
	if migrate.ExitCode(err) != 7 || strings.Contains(err.Error(), "line 2\n") || strings.Contains(err.Error(), "canary") {
		t.Errorf("status %d, %v", migrate.ExitCode(err), err)
	}
	_, _, err = external(t.Context(), t, "/nonexistent/sqitch", "db:pg://u:canary@h/d", "deploy")
	wants(t, err, "SQITCH_BIN /nonexistent/sqitch cannot be run", "give the path of the sqitch command, or unset it")
}

// TestExternalSqitchIsLockedOut has the lock while the real command line wants it.
func TestExternalSqitchIsLockedOut(t *testing.T) {
	t.Parallel()
	needCLI(t)
	d := testdb.NewEmpty(t)
	if _, _, err := external(t.Context(), t, "sqitch", target(t, d.DSN), "deploy"); err != nil {
		t.Fatal(err)
	}
	holder, err := pgx.Connect(t.Context(), d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(t.Context()) }()
	if _, err := holder.Exec(t.Context(), "SELECT pg_advisory_lock(75474063)"); err != nil {
		t.Fatal(err)
	}
	_, _, err = external(t.Context(), t, "sqitch", target(t, d.DSN), "deploy", "--lock-timeout", "1")
	if !errors.Is(err, migrate.ErrLocked) || migrate.ExitCode(err) != 2 {
		t.Errorf("%v is not ErrLocked, or ends with %d", err, migrate.ExitCode(err))
	}
}

// TestExternalSqitchSpeaksToPrograms has Sqitch say in the one language that is understood why it failed.
func TestExternalSqitchSpeaksToPrograms(t *testing.T) {
	t.Setenv("LANGUAGE", "de")
	d := testdb.NewEmpty(t)
	var out strings.Builder
	for name, c := range map[string]struct {
		script string
		locked bool
	}{
		"locked":        {`echo "$LANGUAGE: Timed out waiting 60 seconds for another instance of Sqitch to finish work on db:pg://h/d" >&2; exit 2`, true},
		"anything else": {`echo "$LANGUAGE: no" >&2; exit 2`, false},
	} {
		_, err := migrate.Deploy(t.Context(), migrate.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Files: project(planOf("a")),
			Getenv: getenv("SQITCH_TARGET", target(t, d.DSN), "SQITCH_BIN", fakeSqitch(t, c.script))})
		wants(t, err, "en: ")
		if errors.Is(err, migrate.ErrLocked) != c.locked {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestExternalSqitchIsStopped(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	bin := fakeSqitch(t, "trap 'echo stopped; exit 3' TERM; : >'"+ready+"'; while :; do sleep 0.05; done")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(ready); err == nil || t.Context().Err() != nil {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	stdout, _, err := external(ctx, t, bin, "db:pg://u@h/d", "deploy")
	if err == nil || stdout != "stopped\n" {
		t.Errorf("it said %q and ended with %v", stdout, err)
	}
}

// TestExternalSqitchDeploys runs the real command line, and the way AUTO_MIGRATE and the API take.
func TestExternalSqitchDeploys(t *testing.T) {
	t.Parallel()
	needCLI(t)
	d := testdb.NewEmpty(t)
	var out, faults strings.Builder
	env := migrate.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &faults, Files: project(planOf("a", "b")),
		Getenv: getenv("SQITCH_TARGET", target(t, d.DSN), "SQITCH_BIN", "sqitch")}
	for _, want := range [][]string{{"a", "b"}, nil} {
		result, err := migrate.Deploy(t.Context(), env)
		if err != nil || !slices.Equal(result.Applied, want) {
			t.Fatalf("deployed %v, error %v\n%s%s", result.Applied, err, &out, &faults)
		}
	}
	if err := migrate.Command(t.Context(), []string{"revert", "-y", "--to", "a"}, env); err != nil || userTables(t, d) != "a0" {
		t.Errorf("error %v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "+ b .. ok") || !strings.Contains(out.String(), "- b .. ok") {
		t.Errorf("the output is not Sqitch's:\n%s", &out)
	}
}

// TestDeployForAProgram is AUTO_MIGRATE's way without SQITCH_BIN; the configuration is asked for every
// connection.
func TestDeployForAProgram(t *testing.T) {
	t.Parallel()
	d, asked := testdb.NewEmpty(t), 0
	env := migrate.Env{Stdout: &strings.Builder{}, Files: project(planOf("a", "b")), Getenv: getenv(),
		Config: func(context.Context) (*pgx.ConnConfig, error) { asked++; return pgx.ParseConfig(d.DSN) }}
	result, err := migrate.Deploy(t.Context(), env)
	if err != nil || !slices.Equal(result.Applied, []string{"a", "b"}) || len(result.Took) != 2 {
		t.Fatalf("deployed %+v, error %v", result, err)
	}
	if asked < 2 {
		t.Errorf("the configuration was asked for %d times", asked)
	}
	env.Files = project(with(planOf("a", "b", "c"), "deploy/c.sql", "\\q\n"))
	result, err = migrate.Deploy(t.Context(), env)
	wants(t, err, "deploy/c.sql:1")
	if len(result.Applied) != 0 {
		t.Errorf("deployed %v", result.Applied)
	}
}
