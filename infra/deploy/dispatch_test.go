package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
)

const token = "a-token-nobody-may-see"

func TestDispatch(t *testing.T) {
	t.Parallel()
	infra := t.TempDir()
	for _, name := range []string{"dev", "prod"} {
		if err := os.MkdirAll(filepath.Join(infra, "envs", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		token  string
		body   string // "" when nothing may be sent
		says   string
	}{
		"deploy":      {[]string{"deploy", "dev"}, 204, token, `{"client_payload":{"environment":"dev","lambda_only":false,"ref":"main"},"event_type":"deploy"}`, "asked of rifaapp/rifaapp"},
		"lambda only": {[]string{"--lambda-only", "--ref", "v1.2", "deploy", "prod"}, 204, token, `{"client_payload":{"environment":"prod","lambda_only":true,"ref":"v1.2"},"event_type":"deploy"}`, "asked"},
		"migrate":     {[]string{"migrate", "dev"}, 204, token, `{"client_payload":{"environment":"dev","ref":"main"},"event_type":"migrate"}`, "asked"},
		"rollback":    {[]string{"--version", "7", "rollback", "dev"}, 204, token, `{"client_payload":{"environment":"dev","version":"7"},"event_type":"rollback"}`, "asked"},
		"expired":     {[]string{"deploy", "dev"}, 401, token, `{"client_payload":{"environment":"dev","lambda_only":false,"ref":"main"},"event_type":"deploy"}`, "expired"},
		"unknown env": {[]string{"deploy", "staging"}, 204, token, "", "known: dev, prod"},
		"no token":    {[]string{"deploy", "nope"}, 204, "", "", "set GITHUB_TOKEN"},
		"bad ref":     {[]string{"--ref", "$(id)", "deploy", "dev"}, 204, token, "", "not the name of a branch"},
		"bad version": {[]string{"--version", "x", "rollback", "dev"}, 204, token, "", "not the number"},
		"bad type":    {[]string{"destroy", "dev"}, 204, token, "", "cannot be dispatched"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "POST" || r.URL.Path != "/repos/rifaapp/rifaapp/dispatches" || r.Header.Get("Authorization") != "Bearer "+token {
					t.Errorf("request %s %s, or its token, is wrong", r.Method, r.URL)
				}
				body, _ := io.ReadAll(r.Body)
				sent = string(body)
				w.WriteHeader(c.status)
				io.WriteString(w, `{"message":"bad `+token+`"}`)
			}))
			defer server.Close()
			env := map[string]string{"GITHUB_API_URL": server.URL, "GITHUB_REPOSITORY": "rifaapp/rifaapp", "GITHUB_TOKEN": c.token}
			var out strings.Builder
			err := program{getenv: func(k string) string { return env[k] }, out: &out}.run(t.Context(), append([]string{"dispatch", "--infra-dir", infra}, c.args...))
			said := out.String()
			if err != nil {
				said += err.Error()
			}
			if sent != c.body || !strings.Contains(said, c.says) || strings.Contains(said, token) {
				t.Errorf("sent %q, want %q; said %q, want %q in it and no token", sent, c.body, said, c.says)
			}
			if ok := c.body != "" && c.status == 204; ok != (err == nil) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// What people copy is what we send.
func TestCurlInTheDocs(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"README.md": string(readme), "help": help} {
		_, rest, found := strings.Cut(text, `/dispatches" \`)
		_, data, _ := strings.Cut(rest, "-d '")
		data, _, _ = strings.Cut(data, "'")
		var event struct {
			Type    string         `json:"event_type"`
			Payload map[string]any `json:"client_payload"`
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil || !found {
			t.Errorf("%s shows no event: %v", name, err)
			continue
		}
		payload, err := json.Marshal(event.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := dispatch.Read(event.Type, string(payload)); err != nil || read != (dispatch.Event{Type: "deploy", Environment: "dev", Ref: "main"}) {
			t.Errorf("%s shows %s: %+v, %v", name, data, read, err)
		}
		for _, header := range []string{"Accept: application/vnd.github+json", "Authorization: Bearer $GITHUB_TOKEN"} {
			if !strings.Contains(rest, header) {
				t.Errorf("%s does not show the header %s", name, header)
			}
		}
	}
}
