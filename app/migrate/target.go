package migrate

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Target reads a target as Sqitch writes it, db:pg://user:password@host:port/name?sslmode=…, and
// returns how to connect and the target without its password, for messages. What the target leaves
// out comes from the PG… variables of the process. An error never contains the password.
func Target(target string) (*pgx.ConnConfig, string, error) {
	u, err := parseTarget(target)
	if err != nil {
		return nil, "", err
	}
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, "", fmt.Errorf("the target cannot be used: host, port or a parameter of it is wrong; %s", targetForm)
	}
	shown := *u
	if shown.User != nil {
		shown.User = url.User(shown.User.Username())
	}
	q := shown.Query()
	q.Del("password")
	shown.RawQuery = q.Encode()
	return config, "db:pg:" + strings.TrimPrefix(shown.String(), "postgres:"), nil
}

const targetForm = "expected db:pg://user:password@host:port/name"

func parseTarget(target string) (*url.URL, error) {
	rest, ok := strings.CutPrefix(target, "db:")
	if !ok {
		return nil, fmt.Errorf("the target does not begin with db: (%s)", targetForm)
	}
	engine, rest, ok := strings.Cut(rest, ":")
	if engine = strings.ToLower(engine); engine != "pg" && engine != "postgres" && engine != "postgresql" || !ok {
		return nil, fmt.Errorf("the target's engine is %q; only pg is known here (%s)", engine, targetForm)
	}
	if !strings.HasPrefix(rest, "//") {
		rest = "///" + strings.TrimPrefix(rest, "/")
	}
	u, err := url.Parse("postgres:" + rest)
	if err != nil {
		return nil, fmt.Errorf("the target cannot be read: %s; escape special characters of the password as %%XX", targetForm)
	}
	return u, nil
}

// destination names the database of a configuration as a target without a password.
func destination(c *pgx.ConnConfig) string {
	u := url.URL{User: url.User(c.User), Host: net.JoinHostPort(c.Host, fmt.Sprint(c.Port)), Path: "/" + c.Database}
	if strings.HasPrefix(c.Host, "/") {
		u.Host, u.RawQuery = "", url.Values{"host": {c.Host}, "port": {fmt.Sprint(c.Port)}}.Encode()
	}
	return "db:pg:" + u.String()
}
