package e2e

import (
	"strconv"
	"strings"
	"testing"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	c := anonymous(t)
	email := "Ana." + unique() + "@Example.com"
	r := c.post("/auth/register", object{"name": "Ana", "email": email, "password": password}).want(201)
	expect(t, r.object(), object{"name": "Ana", "email": email, "token_type": "Bearer", "expires_in": 3600})
	for _, member := range []string{"id", "created_at", "access_token", "refresh_token"} {
		if r.text(member) == "" {
			t.Errorf("no %s: %s", member, r.body)
		}
	}
	c.post("/auth/register", object{"name": "Eva", "email": strings.ToUpper(email), "password": password}).refused(409, "email_taken")
	c.post("/auth/login", object{"email": strings.ToLower(email), "password": password}).want(200)
	me := client{t, r.text("access_token")}.get("/auth/me").want(200)
	expect(t, me.object(), object{"id": r.text("id"), "name": "Ana", "email": email, "created_at": r.text("created_at")})
	anonymous(t).get("/auth/me").refused(401, "unauthenticated")
}

func TestRegisterLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   object
		location string
	}{
		"name 2":          {object{"name": letters(2)}, ""},
		"name 1":          {object{"name": letters(1)}, "body.name"},
		"name 120":        {object{"name": letters(120)}, ""},
		"name 121":        {object{"name": letters(121)}, "body.name"},
		"no e-mail":       {object{"email": absent}, "body.email"},
		"e-mail bad":      {object{"email": "ana"}, "body.email"},
		"password 8":      {object{"password": "k7#pQz!2"}, ""},
		"password 7":      {object{"password": "k7#pQz!"}, "body.password"},
		"password 128":    {object{"password": strings.Repeat("k7#pQz!2", 16)}, ""},
		"password 129":    {object{"password": strings.Repeat("k7#pQz!2", 16) + "x"}, "body.password"},
		"password common": {object{"password": "password123"}, "body.password"},
		"unknown field":   {object{"role": "admin"}, "body.role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := merge(object{"name": "Ana", "email": "r" + unique() + "@example.com", "password": password}, c.change)
			r := anonymous(t).post("/auth/register", body)
			if c.location == "" {
				r.want(201)
				return
			}
			r.invalid(c.location)
			if secret, ok := c.change["password"].(string); ok && strings.Contains(string(r.body), secret) {
				t.Error("the refusal repeats the password")
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	r := anonymous(t).post("/auth/login", object{"email": u.email, "password": password}).want(200)
	expect(t, r.object(), object{"id": u.id, "email": u.email, "token_type": "Bearer"})
	wrong := anonymous(t).post("/auth/login", object{"email": u.email, "password": canaries.Get("wrong password")}).refused(401, "invalid_credentials")
	unknown := anonymous(t).post("/auth/login", object{"email": "x" + unique() + "@example.com", "password": canaries.Get("wrong password")}).refused(401, "invalid_credentials")
	for _, member := range []string{"type", "title", "detail", "code", "status"} {
		if wrong.object()[member] != unknown.object()[member] {
			t.Errorf("a wrong password and an unknown e-mail differ in %s", member)
		}
	}
	anonymous(t).post("/auth/login", object{"email": u.email}).invalid("body.password")
}

func TestLoginIsThrottled(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	attempt := object{"email": u.email, "password": canaries.Get("wrong password")}
	for range 5 {
		anonymous(t).post("/auth/login", attempt).refused(401, "invalid_credentials")
	}
	r := anonymous(t).post("/auth/login", attempt).refused(429, "too_many_attempts")
	if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 15*60 {
		t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
	}
	// The lock is on the door, not on whoever is inside.
	u.get("/auth/me").want(200)
}

func TestRefreshAndLogout(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	c := anonymous(t)
	second := c.post("/auth/refresh", object{"refresh_token": u.refresh}).want(200)
	if second.text("refresh_token") == u.refresh || second.text("access_token") == "" {
		t.Errorf("the pair was not renewed: %s", second.body)
	}
	client{t, second.text("access_token")}.get("/auth/me").want(200)
	// A used token is somebody's copy: the whole family ends.
	c.post("/auth/refresh", object{"refresh_token": u.refresh}).refused(401, "invalid_refresh_token")
	c.post("/auth/refresh", object{"refresh_token": second.text("refresh_token")}).refused(401, "invalid_refresh_token")
	c.post("/auth/refresh", object{"refresh_token": "never-issued"}).refused(401, "invalid_refresh_token")
	c.post("/auth/refresh", object{}).invalid("body.refresh_token")

	other := newUser(t)
	other.post("/auth/logout", object{"refresh_token": other.refresh})
	c.post("/auth/refresh", object{"refresh_token": other.refresh}).refused(401, "invalid_refresh_token")
}

func TestXUserIDIsIgnored(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	anonymous(t).get("/auth/me", "X-User-Id", u.id).refused(401, "unauthenticated")
	id, _ := u.newRaffle()
	anonymous(t).call("PATCH", "/v2/raffles/"+id, object{"title": "Robada"}, "X-User-Id", u.id).refused(401, "unauthenticated")
}
