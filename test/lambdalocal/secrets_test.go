package lambdalocal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/test/testdb"
)

const secretPrefix = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"

// secretsManager answers as AWS's does.
type secretsManager struct {
	*httptest.Server
	mu     sync.Mutex
	values map[string]string // by the end of the ARN
	reads  map[string]int
}

func startSecretsManager(t *testing.T) *secretsManager {
	t.Helper()
	s := &secretsManager{values: map[string]string{}, reads: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretID string }
		data, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(data, &asked)
		name := strings.TrimPrefix(asked.SecretID, secretPrefix)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reads[name]++
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": s.values[name]})
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *secretsManager) put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = value
}

func (s *secretsManager) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[name]
}

// Secrets are read when they are needed, not at the start, and the database's again when the server
// does not know the login any more: no request fails because of that.
func TestSecrets(t *testing.T) {
	t.Parallel()
	manager, database := startSecretsManager(t), testdb.New(t)
	keys, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		t.Fatal(err)
	}
	manager.put("keys", string(keys))
	login := func(nth int) string {
		role := fmt.Sprintf("%s_login_%d", database.Name, nth)
		if _, err := database.Pool.Exec(t.Context(), `CREATE ROLE `+pgx.Identifier{role}.Sanitize()+` LOGIN SUPERUSER PASSWORD '`+canaries.Get("database password")+`'`); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx := context.Background() // the test's own has ended
			conn, err := pgx.Connect(ctx, database.DSN)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Exec(ctx, `DROP ROLE IF EXISTS `+pgx.Identifier{role}.Sanitize()) // one that owns something stays
			_ = conn.Close(ctx)
		})
		manager.put("db", fmt.Sprintf(`{"username":%q,"password":%q}`, role, canaries.Get("database password")))
		return role
	}
	first := login(1)
	l := start(t, database, Options{Env: []string{
		"DB_USER=", "DB_PASSWORD=", "DB_SECRET_ARN=" + secretPrefix + "db", "JWT_KEYS=" + secretPrefix + "keys",
		"AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=s", "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + manager.URL,
	}})
	l.want(200, "GET", "/health", "", nil)
	if manager.count("db")+manager.count("keys") != 0 {
		t.Error("a secret was read before anything needed it")
	}
	raffle := l.raffle(10)
	l.want(200, "GET", raffle, "", nil)
	if manager.count("db") != 1 || manager.count("keys") != 1 {
		t.Errorf("the secrets were read %d and %d times, not once", manager.count("db"), manager.count("keys"))
	}
	// The login changes while the function sleeps, and its connection is lost: it must come again.
	login(2)
	l.link.Cut()
	if _, err := database.Pool.Exec(t.Context(), `DROP ROLE `+pgx.Identifier{first}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	l.want(200, "GET", raffle, "", nil)
	if manager.count("db") != 2 {
		t.Errorf("the login was read %d times, not twice", manager.count("db"))
	}
}
