package config

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/draw"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

var minimal = map[string]string{"DB_HOST": "db.example", "DB_NAME": "rifa", "DB_USER": "app"}

var keys = func() string {
	set, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		panic(err)
	}
	return string(set)
}()

func with(more map[string]string) map[string]string {
	all := maps.Clone(minimal)
	maps.Copy(all, more)
	return all
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load(env(minimal))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Database
	if d.Port != 5432 || d.SSLMode != "prefer" || d.PoolSize < 8 || !c.DocsEnabled || c.AutoMigrate || c.LogLevel != slog.LevelInfo || c.ListenAddress() != "127.0.0.1:8000" {
		t.Errorf("defaults are %+v", c)
	}
}

func TestLoadReadsEverything(t *testing.T) {
	t.Parallel()
	c, err := Load(env(with(map[string]string{
		"DB_PORT": "6432", "DB_PASSWORD": "secret", "DB_SSLMODE": "verify-full", "DB_READ_HOST": "ro.example", "DB_POOL_SIZE": "3",
		"AUTO_MIGRATE": "true", "API_GATEWAY_BASE_PATH": "/v2/", "CORS_ALLOW_ORIGINS": "https://a.example, https://b.example",
		"CORS_ALLOW_METHODS": "GET", "CORS_ALLOW_HEADERS": "X-A", "JWT_KEYS": keys, "MIGRATIONS_TOKEN": "m", "EXPOSE_ERRORS": "1",
		"DOCS_ENABLED": "false", "LOG_LEVEL": "debug", "PORT": "9000",
		"RECEIPT_KEY": strings.Repeat("A", 43), "DRAW_METHOD": "beacon",
	})))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Database:    Database{Host: "db.example", Port: 6432, Name: "rifa", User: "app", Password: "secret", SSLMode: "verify-full", ReadHost: "ro.example", PoolSize: 3},
		AutoMigrate: true, BasePath: "/v2",
		CORS:    CORS{Origins: []string{"https://a.example", "https://b.example"}, Methods: []string{"GET"}, Headers: []string{"X-A"}},
		JWTKeys: keys, MigrationsToken: "m", ExposeErrors: true, LogLevel: slog.LevelDebug, Port: 9000,
		ReceiptKey: make([]byte, 32), DrawMethod: draw.MethodBeacon,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestLoadNamesEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Load(env(map[string]string{
		"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "DB_PORT": "0", "DB_PASSWORD": "hunter2", "DB_IAM_AUTH": "true", "DB_SSLMODE": "maybe",
		"AUTO_MIGRATE": "perhaps", "API_GATEWAY_BASE_PATH": "v2", "CORS_ALLOW_ORIGINS": "rifa.example", "LOG_LEVEL": "loud", "PORT": "x",
		"CORS_ALLOW_METHODS": "GET POST", "CORS_ALLOW_HEADERS": "X-A, X B", "DB_SECRET_ARN": "hunter2", "SQITCH_DIR": "nowhere",
		"SQITCH_BIN": "/nowhere/sqitch", "SQITCH_TARGET": "mysql://ana:hunter2@db/rifa", "DB_READ_HOST": "two words",
		"RECEIPT_KEY": "hunter2", "DRAW_METHOD": "lottery",
	}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"DB_HOST", "DB_NAME", "DB_USER", "DB_PORT", "DB_IAM_AUTH", "DB_SSLMODE", "AUTO_MIGRATE", "API_GATEWAY_BASE_PATH",
		"CORS_ALLOW_ORIGINS", "LOG_LEVEL", "PORT is", "JWT_KEYS", `CORS_ALLOW_METHODS has "GET POST"`, `CORS_ALLOW_HEADERS has "X B"`,
		"DB_SECRET_ARN is no ARN", "SQITCH_DIR", `SQITCH_BIN is "/nowhere/sqitch"`, "SQITCH_TARGET", "DB_READ_HOST", "RECEIPT_KEY is not a key", "DRAW_METHOD"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the password leaks")
	}
}

func TestKeysThatCannotBeReadAreNamedWithTheRest(t *testing.T) {
	t.Parallel()
	_, err := Load(env(map[string]string{"JWT_KEYS": `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"","d":"hunter2","status":"current"}]}`}))
	if err == nil || !strings.Contains(err.Error(), "DB_HOST") || !strings.Contains(err.Error(), "JWT_KEYS key 1") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(env(with(aws(map[string]string{"JWT_KEYS": "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys"})))); err != nil {
		t.Errorf("the ARN of a secret: %v", err)
	}
}

// README.md lists what the environment may say; AWS_LAMBDA_RUNTIME_API is Lambda's own word.
func TestEveryVariableIsExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = Load(func(name string) string {
		if name != "AWS_LAMBDA_RUNTIME_API" && !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "`"+name+"=") {
			t.Errorf("README.md does not say what %s means", name)
		}
		return ""
	})
}

func TestPoolOfOneOnLambda(t *testing.T) {
	t.Parallel()
	c, err := Load(env(with(map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "JWT_KEYS": keys})))
	if err != nil || c.Database.PoolSize != 1 || !c.OnLambda {
		t.Errorf("got %+v, %v", c, err)
	}
}

// aws adds the variables that Lambda sets by itself.
func aws(values map[string]string) map[string]string {
	maps.Copy(values, map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"})
	return values
}

func TestLoginsByAWS(t *testing.T) {
	t.Parallel()
	want := AWS{Region: "us-east-1", AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s", SessionToken: "t"}
	d, err := Data(env(with(aws(map[string]string{"DB_IAM_AUTH": "true"}))))
	if err != nil || d.SSLMode != "verify-full" || d.AWS != want {
		t.Errorf("IAM: got %+v, %v", d, err)
	}
	d, err = Data(env(aws(map[string]string{"DB_HOST": "db.example", "DB_NAME": "rifa", "DB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"})))
	if err != nil || d.SSLMode != "verify-full" || d.AWS != want || d.User != "" {
		t.Errorf("secret: got %+v, %v", d, err)
	}
	for variables, part := range map[*map[string]string]string{
		{"DB_IAM_AUTH": "true"}: "AWS_REGION is missing: DB_IAM_AUTH",
		{"DB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"}: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing",
		{"JWT_KEYS": "arn:aws:secretsmanager:us-east-1:123456789012:secret:k"}:       "AWS_REGION is missing: JWT_KEYS",
		{"DB_IAM_AUTH": "true", "DB_SSLMODE": "prefer"}:                              "may only travel encrypted",
		{"MIGRATIONS_TOKEN": "arn:aws:secretsmanager:us-east-1:123456789012:secret"}: "MIGRATIONS_TOKEN is an ARN",
		{"DB_SSLROOTCERT": "/nowhere/ca.pem"}:                                        "DB_SSLROOTCERT",
	} {
		if _, err := Load(env(with(*variables))); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v: got %v, want %s", *variables, err, part)
		}
	}
}

// Browsers send an origin in one form only, and it is compared letter by letter.
func TestOriginsAreInTheirNormalForm(t *testing.T) {
	t.Parallel()
	read := func(origin string) error {
		_, err := Load(env(with(map[string]string{"CORS_ALLOW_ORIGINS": origin})))
		return err
	}
	for _, origin := range []string{"*", "https://rifa.example", "http://localhost:3000", "https://rifa.example:8443", "http://rifa.example:443", "http://[::1]:3000", "https://xn--rif-fla.example", "capacitor://localhost"} {
		if err := read(origin); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for origin, says := range map[string]string{
		"https://Rifa.Example":       "write https://rifa.example",
		"HTTPS://rifa.example":       "write https://rifa.example",
		"https://rifa.example/":      "write https://rifa.example",
		"https://rifa.example/app":   "write https://rifa.example",
		"https://rifa.example:443":   "write https://rifa.example",
		"http://rifa.example:80":     "write http://rifa.example",
		"https://rifa.example:":      "write https://rifa.example",
		"https://rifa.example:0444":  "write https://rifa.example:444",
		"https://rifa.example?y":     "write https://rifa.example",
		"https://rifa.example?":      "write https://rifa.example",
		"https://rifa.example#y":     "write https://rifa.example",
		"https://ana@rifa.example":   "write https://rifa.example",
		"http://[0:0::1]:3000":       "write http://[::1]:3000",
		"https://*.rifa.example":     "no patterns",
		"https://rifá.example":       "xn--",
		"https://rifa.example:x":     "a scheme and a host",
		"https://rifa.example:99999": "a scheme and a host",
		"https://:443":               "a scheme and a host",
		"rifa.example":               "a scheme and a host",
		"null":                       "a scheme and a host",
	} {
		if err := read(origin); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("CORS_ALLOW_ORIGINS has %q", origin)) || !strings.Contains(err.Error()+"\n", says) {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

// Browsers compare the names of methods letter by letter, and send those of HTTP in upper case.
func TestMethodsAreInUpperCase(t *testing.T) {
	t.Parallel()
	_, err := Load(env(with(map[string]string{"CORS_ALLOW_METHODS": "GET, patch, Delete"})))
	for _, part := range []string{`CORS_ALLOW_METHODS has "patch", which no browser sends: write PATCH`, `CORS_ALLOW_METHODS has "Delete", which no browser sends: write DELETE`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %s", err, part)
		}
	}
	if c, err := Load(env(with(map[string]string{"CORS_ALLOW_METHODS": "*", "CORS_ALLOW_HEADERS": "x-a"}))); err != nil || c.CORS.Methods[0] != "*" || c.CORS.Headers[0] != "x-a" {
		t.Errorf("got %v, %v", c.CORS, err)
	}
}
