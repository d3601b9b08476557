// Package config reads the environment once, at start, and names every missing or bad variable
// together.
package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/migrate"
)

// Config is the environment, understood.
type Config struct {
	Database        Database
	AutoMigrate     bool   // deploy the migrations at start
	BasePath        string // the gateway's stage, such as "/v2"; stripped from paths when present
	CORS            CORS
	JWTKeys         string      // a key set as JSON, or the ARN of a secret with one; empty outside Lambda: keys for this process only
	ReceiptKey      []byte      // the Ed25519 seed that signs receipts; nil: a key kept in the database
	DrawMethod      draw.Method // of raffles without a draw block
	MigrationsToken string      // empty: POST /migrations/run answers 404
	ExposeErrors    bool
	DocsEnabled     bool
	LogLevel        slog.Level
	OnLambda        bool
	AWS             AWS // read when the keys are in a secret
	Port            int // what `rifaapp serve` listens on without --addr
}

// Database says where PostgreSQL is and how to log in: by password, by IAM token or by a secret.
type Database struct {
	Host      string
	Port      int
	Name      string
	User      string
	Password  string
	SSLMode   string
	IAMAuth   bool
	SecretARN string // of {"username":…,"password":…}; both are taken from there
	RootCert  string // file of the authorities that may vouch for the server; empty: RDS's own for RDS, else the system's
	AWS       AWS    // read when the login is IAM's or a secret's
	ReadHost  string // for public lists, which may lag; empty: the writer answers them
	PoolSize  int    // connections of one process
}

// AWS says as whom AWS is asked, in the words of AWS's own variables, which Lambda sets by itself.
type AWS struct {
	Region, AccessKeyID, SecretAccessKey, SessionToken string
	SecretsEndpoint                                    string // instead of the region's Secrets Manager; for tests
}

// CORS lists what browsers of other origins may do.
type CORS struct {
	Origins, Methods, Headers []string
}

// Load reads the environment through getenv. Its error names every fault in a line of its own.
func Load(getenv func(string) string) (Config, error) {
	r := &reader{getenv: getenv}
	onLambda := getenv("AWS_LAMBDA_RUNTIME_API") != ""
	c := Config{
		Database:        r.database(onLambda),
		AutoMigrate:     r.flag("AUTO_MIGRATE", false),
		BasePath:        r.basePath("API_GATEWAY_BASE_PATH"),
		CORS:            CORS{Origins: r.origins("CORS_ALLOW_ORIGINS"), Methods: r.methods("CORS_ALLOW_METHODS"), Headers: r.tokens("CORS_ALLOW_HEADERS")},
		JWTKeys:         r.keys("JWT_KEYS"),
		ReceiptKey:      r.seed("RECEIPT_KEY"),
		DrawMethod:      draw.Method(r.oneOf("DRAW_METHOD", string(draw.MethodCommitReveal), string(draw.MethodCommitReveal), string(draw.MethodBeacon))),
		MigrationsToken: getenv("MIGRATIONS_TOKEN"),
		ExposeErrors:    r.flag("EXPOSE_ERRORS", false),
		DocsEnabled:     r.flag("DOCS_ENABLED", true),
		LogLevel:        r.level("LOG_LEVEL"),
		OnLambda:        onLambda,
		Port:            r.number("PORT", 8000, 1, 65535),
	}
	r.plan("SQITCH_DIR")
	r.program("SQITCH_BIN")
	r.target("SQITCH_TARGET")
	if isARN(c.JWTKeys) {
		c.AWS = r.aws("JWT_KEYS names a secret")
	}
	if isARN(c.MigrationsToken) {
		r.fault("MIGRATIONS_TOKEN is an ARN: give the token itself, or leave it out on AWS, where the route is guarded by IAM")
	}
	if onLambda && c.AutoMigrate {
		r.fault("AUTO_MIGRATE is true, but a function must not wait for the database when it starts: send {\"action\":\"migrate\"} to the migrator instead")
	}
	if onLambda && c.JWTKeys == "" {
		r.fault("JWT_KEYS is missing: give the key set as JSON or the ARN of the secret that holds it")
	}
	return c, r.err()
}

// Data reads what the commands that only need the database need.
func Data(getenv func(string) string) (Database, error) {
	r := &reader{getenv: getenv}
	d := r.database(false)
	return d, r.err()
}

type reader struct {
	getenv func(string) string
	faults []error
}

func (r *reader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *reader) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	return fmt.Errorf("the environment is not usable:\n%w", errors.Join(r.faults...))
}

func (r *reader) database(onLambda bool) Database {
	// More connections than processors: while some wait for their commits to be durable, others work,
	// and the server writes several commits at once.
	pool := max(16, 8*runtime.GOMAXPROCS(0))
	if onLambda {
		pool = 1 // an instance serves one request at a time
	}
	d := Database{
		Host:      r.required("DB_HOST", "the address of PostgreSQL, such as 127.0.0.1; `go tool mage dev` starts one for you"),
		Port:      r.number("DB_PORT", 5432, 1, 65535),
		Name:      r.required("DB_NAME", "the name of the database"),
		User:      r.getenv("DB_USER"),
		Password:  r.getenv("DB_PASSWORD"),
		IAMAuth:   r.flag("DB_IAM_AUTH", false),
		SecretARN: r.secret("DB_SECRET_ARN"),
		RootCert:  r.file("DB_SSLROOTCERT"),
		ReadHost:  r.host("DB_READ_HOST"),
		PoolSize:  r.number("DB_POOL_SIZE", pool, 1, 1000),
	}
	if d.User == "" && d.SecretARN == "" {
		r.fault("DB_USER is missing: the role to log in as")
	}
	mode := "prefer"
	if d.IAMAuth || d.SecretARN != "" {
		mode = "verify-full" // whoever gets the token or the password by standing in between could log in
	}
	d.SSLMode = r.oneOf("DB_SSLMODE", mode, "disable", "allow", "prefer", "require", "verify-ca", "verify-full")
	switch {
	case d.IAMAuth:
		d.AWS = r.aws("DB_IAM_AUTH asks for a token")
		if d.SSLMode == "disable" || d.SSLMode == "allow" || d.SSLMode == "prefer" {
			r.fault("DB_SSLMODE is %q: a token of DB_IAM_AUTH may only travel encrypted; leave DB_SSLMODE out for verify-full", d.SSLMode)
		}
	case d.SecretARN != "":
		d.AWS = r.aws("DB_SECRET_ARN names a secret")
	}
	ways := 0
	for _, used := range []bool{d.Password != "", d.IAMAuth, d.SecretARN != ""} {
		if used {
			ways++
		}
	}
	if ways > 1 {
		r.fault("DB_PASSWORD, DB_IAM_AUTH and DB_SECRET_ARN are three ways to log in: set one of them")
	}
	return d
}

func (r *reader) required(name, what string) string {
	value := r.getenv(name)
	if value == "" {
		r.fault("%s is missing: %s", name, what)
	}
	return value
}

func (r *reader) flag(name string, fallback bool) bool {
	text := r.getenv(name)
	if text == "" {
		return fallback
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		r.fault("%s is %q: it must be true or false", name, text)
	}
	return value
}

func (r *reader) number(name string, fallback, low, high int) int {
	text := r.getenv(name)
	if text == "" {
		return fallback
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < low || value > high {
		r.fault("%s is %q: it must be a whole number from %d to %d", name, text, low, high)
	}
	return value
}

func (r *reader) oneOf(name, fallback string, allowed ...string) string {
	text := r.getenv(name)
	if text == "" {
		return fallback
	}
	for _, a := range allowed {
		if text == a {
			return text
		}
	}
	r.fault("%s is %q: it must be one of %s", name, text, strings.Join(allowed, ", "))
	return text
}

func (r *reader) list(name string) []string {
	var values []string
	for value := range strings.SplitSeq(r.getenv(name), ",") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}

func (r *reader) origins(name string) []string {
	origins := r.list(name)
	for _, origin := range origins {
		if origin == "*" {
			continue
		}
		normal, ok := normalOrigin(origin)
		switch {
		case strings.Contains(origin, "*"):
			r.fault("%s has %q: there are no patterns; list every origin, or give * for all", name, origin)
		case !ok:
			r.fault("%s has %q: an origin is a scheme and a host, such as https://rifa.example, without a path; or * for all", name, origin)
		case strings.ContainsFunc(normal, func(c rune) bool { return c > unicode.MaxASCII }):
			r.fault("%s has %q: write the host as browsers send it, in ASCII, with xn-- in front of a name of other letters", name, origin)
		case normal != origin:
			r.fault("%s has %q, which no browser sends: write %s", name, origin, normal)
		}
	}
	return origins
}

// normalOrigin is an origin as browsers send it (RFC 6454, 6.1): in lower case, without the scheme's
// own port and without anything behind it.
func normalOrigin(origin string) (normal string, ok bool) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + ip.String() + "]"
	}
	normal = u.Scheme + "://" + host
	if u.Port() == "" {
		return normal, true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err == nil && !(u.Scheme == "https" && port == 443 || u.Scheme == "http" && port == 80) {
		normal += ":" + strconv.FormatUint(port, 10)
	}
	return normal, err == nil
}

// notToken is what the names of methods and headers are not made of (RFC 9110, 5.6.2).
const notToken = " \t\"(),/:;<=>?@[\\]{}"

func (r *reader) tokens(name string) []string {
	values := r.list(name)
	for _, value := range values {
		if strings.ContainsAny(value, notToken) {
			r.fault("%s has %q, which is no name: separate names by commas", name, value)
		}
	}
	return values
}

// methods are names in upper case: browsers compare them letter by letter.
func (r *reader) methods(name string) []string {
	values := r.tokens(name)
	for _, value := range values {
		if upper := strings.ToUpper(value); upper != value {
			r.fault("%s has %q, which no browser sends: write %s", name, value, upper)
		}
	}
	return values
}

// secret is the ARN of a secret, or empty.
func (r *reader) secret(name string) string {
	arn := r.getenv(name)
	if arn != "" && !isARN(arn) {
		r.fault("%s is no ARN of a secret, such as arn:aws:secretsmanager:us-east-1:123456789012:secret:rifa", name)
		return ""
	}
	return arn
}

// aws reads as whom AWS is asked; why says what for.
func (r *reader) aws(why string) AWS {
	a := AWS{
		Region: r.getenv("AWS_REGION"), AccessKeyID: r.getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: r.getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: r.getenv("AWS_SESSION_TOKEN"), SecretsEndpoint: r.getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
	}
	if a.Region == "" {
		r.fault("AWS_REGION is missing: %s", why)
	}
	if a.AccessKeyID == "" || a.SecretAccessKey == "" {
		r.fault("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing: %s; outside AWS `aws configure export-credentials --format env` prints them", why)
	}
	return a
}

// file wants a file where one is named.
func (r *reader) file(name string) string {
	path := r.getenv(name)
	if path == "" {
		return ""
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		r.fault("%s is %q, which is no file", name, path)
	}
	return path
}

func isARN(text string) bool { return strings.HasPrefix(text, "arn:") }

// keys is a key set that can be read, the ARN of a secret with one, or empty.
func (r *reader) keys(name string) string {
	text := r.getenv(name)
	if text == "" || isARN(text) {
		return text
	}
	if _, err := auth.ParseKeySet([]byte(text)); err != nil {
		r.faults = append(r.faults, err) // it names the variable and repeats no key
	}
	return text
}

// plan wants a folder of migrations where one is named.
func (r *reader) plan(name string) {
	dir := r.getenv(name)
	if dir == "" {
		return
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		r.fault("%s is %q, which is no folder: leave it out to use the migrations inside the binary", name, dir)
	}
}

// program wants a command that can be run where one is named.
func (r *reader) program(name string) {
	command := r.getenv(name)
	if command == "" {
		return
	}
	if _, err := exec.LookPath(command); err != nil {
		r.fault("%s is %q, which cannot be run: give the path of the sqitch command, or leave it out", name, command)
	}
}

// target wants a database as Sqitch writes one, where one is named; the fault does not repeat it.
func (r *reader) target(name string) {
	if target := r.getenv(name); target != "" {
		if _, _, err := migrate.Target(target); err != nil {
			r.fault("%s cannot be used: %w", name, err)
		}
	}
}

// host is an address without anything around it.
func (r *reader) host(name string) string {
	host := r.getenv(name)
	if strings.ContainsFunc(host, unicode.IsSpace) {
		r.fault("%s is %q: an address has no spaces", name, host)
	}
	return host
}

func (r *reader) basePath(name string) string {
	path := strings.TrimRight(r.getenv(name), "/")
	if path != "" && (path[0] != '/' || strings.ContainsAny(path, "?#")) {
		r.fault("%s is %q: it must begin with a slash, such as /v2", name, path)
	}
	return path
}

// seed reads 32 bytes in base64url; the fault does not repeat them.
func (r *reader) seed(name string) []byte {
	text := r.getenv(name)
	if text == "" {
		return nil
	}
	seed, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(seed) != ed25519.SeedSize {
		r.fault("%s is not a key: it must be the 32 bytes of an Ed25519 seed in base64url", name)
		return nil
	}
	return seed
}

func (r *reader) level(name string) slog.Level {
	text := r.getenv(name)
	if text == "" {
		return slog.LevelInfo
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		r.fault("%s is %q: it must be debug, info, warn or error", name, text)
	}
	return level
}

// ListenAddress is where `rifaapp serve` listens unless --addr says otherwise.
func (c Config) ListenAddress() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port))
}
