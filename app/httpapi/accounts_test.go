package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// frontDesk is the API with real accounts on a database of its own.
type frontDesk struct {
	api    *API
	tokens *auth.Tokens
	keys   *auth.KeySet
	log    *bytes.Buffer
}

func openFrontDesk(t *testing.T) *frontDesk {
	t.Helper()
	d := &frontDesk{keys: auth.GenerateKeySet(), log: &bytes.Buffer{}}
	d.tokens = auth.NewTokens(d.keys, nil)
	d.api = New(Options{
		Authenticate: Authenticate(d.tokens),
		Logger:       slog.New(slog.NewJSONHandler(d.log, nil)),
		App:          App{Accounts: &command.Accounts{DB: testdb.New(t).Pool, Tokens: d.tokens, Passwords: auth.NewCheapPasswords(0)}},
	})
	return d
}

// post sends the members as a JSON object and returns the answer with its body decoded.
func (d *frontDesk) post(t *testing.T, path string, members map[string]string, header ...string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	body, _ := json.Marshal(members)
	w := call(d.api, "POST", path, string(body), header...)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("POST %s: %d %q: %v", path, w.Code, w.Body, err)
	}
	return w, answer
}

func text(t *testing.T, answer map[string]any, member string) string {
	t.Helper()
	s, ok := answer[member].(string)
	if !ok || s == "" {
		t.Fatalf("%s is missing in %v", member, answer)
	}
	return s
}

const (
	registerPath = "/rifaapp/auth/register"
	loginPath    = "/rifaapp/auth/login"
	refreshPath  = "/rifaapp/auth/refresh"
	logoutPath   = "/rifaapp/auth/logout"
	mePath       = "/rifaapp/auth/me"
)

var ana = map[string]string{"name": "Ana Torres", "email": "ana@example.com", "password": "tarde de mayo 42"}

func credentials(email, password string) map[string]string {
	return map[string]string{"email": email, "password": password}
}

// Who runs this sees in the log where the time of a login went, and nothing of it where there is no password.
func TestLogTellsWhatPasswordsTook(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	_, answer := d.post(t, registerPath, ana)
	d.post(t, loginPath, credentials(ana["email"], ana["password"]))
	d.post(t, loginPath, credentials(ana["email"], "another password"))
	d.post(t, refreshPath, map[string]string{"refresh_token": text(t, answer, "refresh_token")})
	var took []float64
	for line := range strings.Lines(d.log.String()) {
		var request struct {
			Duration  float64  `json:"duration_ms"`
			Passwords *float64 `json:"password_ms"`
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if request.Passwords == nil {
			took = append(took, 0)
			continue
		}
		if took = append(took, *request.Passwords); *request.Passwords <= 0 || *request.Passwords > request.Duration {
			t.Errorf("%.3f ms of %.3f", *request.Passwords, request.Duration)
		}
	}
	if len(took) != 4 || took[3] != 0 || slices.Contains(took[:3], 0) {
		t.Errorf("the passwords of register, login, a refused login and refresh took %v ms", took)
	}
}

func TestAccountsWalk(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	w, registered := d.post(t, registerPath, ana)
	fields := []string{"access_token", "created_at", "email", "expires_in", "id", "name", "refresh_token", "token_type"}
	if w.Code != 201 || !slices.Equal(slices.Sorted(maps.Keys(registered)), fields) || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("register: %d %v %v", w.Code, w.Header(), registered)
	}
	if registered["name"] != "Ana Torres" || registered["email"] != "ana@example.com" || registered["token_type"] != "Bearer" || registered["expires_in"] != 3600.0 {
		t.Errorf("registered as %v", registered)
	}
	if created, err := time.Parse(time.RFC3339Nano, text(t, registered, "created_at")); err != nil || time.Since(created) > time.Minute {
		t.Errorf("created_at is %v (%v)", created, err)
	}

	w, loggedIn := d.post(t, loginPath, credentials("ANA@example.com", ana["password"]), "Authorization", "Bearer stale")
	if w.Code != 200 || !slices.Equal(slices.Sorted(maps.Keys(loggedIn)), fields) || loggedIn["id"] != registered["id"] || loggedIn["created_at"] != registered["created_at"] {
		t.Fatalf("login: %d %v", w.Code, loggedIn)
	}

	me := call(d.api, "GET", mePath, "", "Authorization", "Bearer "+text(t, loggedIn, "access_token"), "X-User-Id", uuid.NewString())
	want := fmt.Sprintf(`{"id":%q,"name":"Ana Torres","email":"ana@example.com","created_at":%q}`, registered["id"], registered["created_at"])
	if me.Code != 200 || strings.TrimSpace(me.Body.String()) != want || !strings.HasPrefix(me.Header().Get("Cache-Control"), "private") {
		t.Errorf("me: %d %v %s, want %s", me.Code, me.Header(), me.Body, want)
	}

	w, pair := d.post(t, refreshPath, map[string]string{"refresh_token": text(t, loggedIn, "refresh_token")})
	if w.Code != 200 || !slices.Equal(slices.Sorted(maps.Keys(pair)), []string{"access_token", "expires_in", "refresh_token", "token_type"}) {
		t.Fatalf("refresh: %d %v", w.Code, pair)
	}
	if me := call(d.api, "GET", mePath, "", "Authorization", "Bearer "+text(t, pair, "access_token")); me.Code != 200 {
		t.Errorf("me after refresh: %d %s", me.Code, me.Body)
	}

	for range 2 {
		if w, out := d.post(t, logoutPath, map[string]string{"refresh_token": text(t, pair, "refresh_token")}); w.Code != 200 || out["status"] != "logged_out" {
			t.Errorf("logout: %d %v", w.Code, out)
		}
	}
	if w, p := d.post(t, refreshPath, map[string]string{"refresh_token": text(t, pair, "refresh_token")}); w.Code != 401 || p["code"] != "invalid_refresh_token" {
		t.Errorf("refresh after logout: %d %v", w.Code, p)
	}
}

func TestAccountsRefuse(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	d.post(t, registerPath, ana)
	with := func(name, value string) map[string]string {
		m := maps.Clone(ana)
		m["email"] = "eva@example.com"
		m[name] = value
		return m
	}
	for name, c := range map[string]struct {
		path     string
		body     map[string]string
		status   int
		code     string
		location string
	}{
		"e-mail taken":           {registerPath, with("email", "Ana@Example.com"), 409, "email_taken", ""},
		"short name":             {registerPath, with("name", "A"), 422, "validation_failed", "body.name"},
		"name of spaces":         {registerPath, with("name", "     "), 422, "validation_failed", "body.name"},
		"long name":              {registerPath, with("name", strings.Repeat("ñ", 121)), 422, "validation_failed", "body.name"},
		"bad e-mail":             {registerPath, with("email", "ana"), 422, "validation_failed", "body.email"},
		"e-mail with a name":     {registerPath, with("email", "Ana <ana@example.com>"), 422, "validation_failed", "body.email"},
		"short password":         {registerPath, with("password", "x7#kQ9!"), 422, "validation_failed", "body.password"},
		"long password":          {registerPath, with("password", strings.Repeat("ñ", 129)), 422, "validation_failed", "body.password"},
		"common password":        {registerPath, with("password", "Password1"), 422, "validation_failed", "body.password"},
		"unknown field":          {registerPath, with("role", "admin"), 422, "validation_failed", "body.role"},
		"login with no e-mail":   {loginPath, credentials("ana", "whatever"), 422, "validation_failed", "body.email"},
		"login, empty password":  {loginPath, credentials("ana@example.com", ""), 422, "validation_failed", "body.password"},
		"login, long password":   {loginPath, credentials("ana@example.com", strings.Repeat("x", 129)), 422, "validation_failed", "body.password"},
		"refresh with garbage":   {refreshPath, map[string]string{"refresh_token": "garbage"}, 401, "invalid_refresh_token", ""},
		"refresh with a JWT":     {refreshPath, map[string]string{"refresh_token": strings.Repeat("eyJ", 170)}, 401, "invalid_refresh_token", ""},
		"refresh, nothing":       {refreshPath, map[string]string{"refresh_token": ""}, 422, "validation_failed", "body.refresh_token"},
		"refresh, far too long":  {refreshPath, map[string]string{"refresh_token": strings.Repeat("x", 513)}, 422, "validation_failed", "body.refresh_token"},
		"logout without a token": {logoutPath, map[string]string{}, 422, "validation_failed", "body.refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := d.post(t, c.path, c.body)
			p := problemIn(t, w)
			if w.Code != c.status || p.Code != c.code {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
			if c.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != c.location) {
				t.Errorf("the errors are %v, want %s", p.Errors, c.location)
			}
			if secret := c.body["password"]; len(secret) > 3 && strings.Contains(w.Body.String(), secret) {
				t.Errorf("the answer repeats the password: %s", w.Body)
			}
		})
	}
}

func TestLoginAnswersAlike(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	d.post(t, registerPath, ana)
	for failure := range 6 {
		wrong, _ := d.post(t, loginPath, credentials("ana@example.com", "a wrong one"), "X-Request-Id", "same")
		unknown, _ := d.post(t, loginPath, credentials("eva@example.com", "a wrong one"), "X-Request-Id", "same")
		if wrong.Code != unknown.Code || wrong.Body.String() != unknown.Body.String() || failure < 5 && !maps.EqualFunc(wrong.Header(), unknown.Header(), slices.Equal) {
			t.Errorf("they differ:\n%d %v %s\n%d %v %s", wrong.Code, wrong.Header(), wrong.Body, unknown.Code, unknown.Header(), unknown.Body)
		}
		p := problemIn(t, wrong)
		switch {
		case failure < 5 && (p.Status != 401 || p.Code != "invalid_credentials" || wrong.Header().Get("WWW-Authenticate") == ""):
			t.Errorf("failure %d: %v %s", failure+1, wrong.Header(), wrong.Body)
		case failure == 5 && (p.Status != 429 || p.Code != "too_many_attempts" || wrong.Header().Get("Retry-After") == ""):
			t.Errorf("the sixth try: %v %s", wrong.Header(), wrong.Body)
		}
	}
}

// The throttle counts what the socket or the gateway says, whatever a header claims.
func TestAddressOfTheClient(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	guess := func(i int, remote, gateway string) int {
		body := fmt.Sprintf(`{"email":"guess%s%d@example.com","password":"a wrong one"}`, gateway, i)
		r := httptest.NewRequest("POST", loginPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		r.Header.Set("X-Real-Ip", fmt.Sprintf("203.0.113.%d", i))
		r.RemoteAddr = remote
		if gateway != "" {
			r = r.WithContext(WithGateway(r.Context(), Gateway{SourceIP: gateway}))
		}
		w := httptest.NewRecorder()
		d.api.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 50 {
		if status := guess(i, fmt.Sprintf("192.0.2.1:%d", 40000+i), ""); status != 401 {
			t.Fatalf("guess %d: %d", i, status)
		}
	}
	if status := guess(50, "192.0.2.1:50000", ""); status != 429 {
		t.Errorf("the 51st guess from one address, each with another X-Forwarded-For: %d", status)
	}
	if status := guess(50, "192.0.2.2:50000", ""); status != 401 {
		t.Errorf("another address: %d", status)
	}
	if status := guess(50, "192.0.2.1:50000", "198.51.100.7"); status != 401 {
		t.Errorf("the gateway's address does not count: %d", status)
	}
	if status := guess(51, "192.0.2.3:50000", "192.0.2.1"); status != 429 {
		t.Errorf("the gateway's address was throttled before: %d", status)
	}
}

func TestAccountsKeepSecretsOutOfLogs(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	var secrets []string
	_, registered := d.post(t, registerPath, ana)
	_, _ = d.post(t, registerPath, ana)
	_, _ = d.post(t, loginPath, credentials("canary@example.com", "canary-password-1"))
	_, pair := d.post(t, refreshPath, map[string]string{"refresh_token": text(t, registered, "refresh_token")})
	call(d.api, "GET", mePath, "", "Authorization", "Bearer "+text(t, pair, "access_token"))
	call(d.api, "GET", mePath, "", "Authorization", "Bearer canary-token")
	secrets = append(secrets, ana["password"], ana["email"], "canary")
	for _, answer := range []map[string]any{registered, pair} {
		secrets = append(secrets, text(t, answer, "access_token"), text(t, answer, "refresh_token"))
	}
	if strings.Count(d.log.String(), "\n") < 6 {
		t.Fatalf("the log is too short to prove anything: %s", d.log)
	}
	for _, secret := range secrets {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// The examples of the description work when they are posted, in this order.
func TestAccountExamples(t *testing.T) {
	t.Parallel()
	d := openFrontDesk(t)
	for _, c := range []struct {
		operation operation
		status    int
	}{{registerOperation, 201}, {loginOperation, 200}, {refreshOperation, 401}, {logoutOperation, 200}} {
		body, _ := json.Marshal(c.operation.request)
		if w := call(d.api, c.operation.method, root+c.operation.path, string(body)); w.Code != c.status {
			t.Errorf("%s: %d %s", c.operation.id, w.Code, w.Body)
		}
	}
}
