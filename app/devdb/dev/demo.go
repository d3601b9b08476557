package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// demo is what the demo consists of. It is kept in .rifaapp/dev.json between runs, for people and
// for scripts.
type demo struct {
	API         string `json:"api"`
	Email       string `json:"email"`
	Password    string `json:"password"`
	OrganiserID string `json:"organiser_id"`
	RaffleID    string `json:"raffle_id"`
}

var (
	demoPath = filepath.Join(home, "dev.json")
	envPath  = filepath.Join(home, "dev.env")
)

// prepareDemo makes the demo organiser and raffle, or finds those of an earlier run.
func prepareDemo(ctx context.Context, url string) (*demo, error) {
	d := &demo{}
	if data, err := os.ReadFile(demoPath); err == nil {
		_ = json.Unmarshal(data, d) // a broken file is written anew
	}
	d.API = url
	token, err := d.signIn(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.ensureRaffle(ctx, token); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return d, os.WriteFile(demoPath, append(data, '\n'), 0o600)
}

// signIn logs the organiser of an earlier run in, or registers a new one.
func (d *demo) signIn(ctx context.Context) (token string, err error) {
	var answer struct {
		ID          string `json:"id"`
		AccessToken string `json:"access_token"`
	}
	if d.Email != "" {
		status, body, err := call(ctx, "POST", d.API+"/auth/login", "", map[string]any{"email": d.Email, "password": d.Password})
		if err != nil {
			return "", err
		}
		if status == http.StatusOK {
			err := json.Unmarshal(body, &answer)
			return answer.AccessToken, err
		}
	}
	d.Email = "organiser-" + strings.ToLower(rand.Text()[:6]) + "@demo.example"
	d.Password = strings.ToLower(rand.Text()[:16])
	status, body, err := call(ctx, "POST", d.API+"/auth/register", "", map[string]any{"name": "Demo Organiser", "email": d.Email, "password": d.Password})
	if err != nil {
		return "", err
	}
	if status != http.StatusCreated {
		return "", fmt.Errorf("make the demo organiser: the API answered %d: %s", status, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", err
	}
	d.OrganiserID, d.RaffleID = answer.ID, ""
	return answer.AccessToken, nil
}

// ensureRaffle keeps the demo raffle for as long as numbers can be bought from it.
func (d *demo) ensureRaffle(ctx context.Context, token string) error {
	if d.RaffleID != "" {
		status, body, err := call(ctx, "GET", d.API+"/v2/raffles/"+d.RaffleID, "", nil)
		if err != nil {
			return err
		}
		if status == http.StatusOK && strings.Contains(string(body), `"status":"open"`) {
			return nil
		}
	}
	status, body, err := call(ctx, "POST", d.API+"/v2/raffles", token, map[string]any{
		"title": "Moto 0 km", "description": "The demo raffle: buy some numbers.", "ticket_price": "5000.00", "currency": "COP",
		"total_tickets": 100, "number_start": 0, "number_padding": 2,
	})
	if err != nil {
		return err
	}
	var answer struct {
		ID string `json:"id"`
	}
	if status != http.StatusCreated {
		return fmt.Errorf("make the demo raffle: the API answered %d: %s", status, body)
	}
	err = json.Unmarshal(body, &answer)
	d.RaffleID = answer.ID
	return err
}

func (d *demo) describe(url string) string {
	return fmt.Sprintf(`
  docs     %s/docs
  board    %s/v2/raffles/%s/numbers
  health   %s/health
  demo     organiser %s, password %s

In another terminal ". %s" sets API, RAFFLE, EMAIL and PASSWORD, as the README's lines need them.
`, url, url, d.RaffleID, url, d.Email, d.Password, envPath)
}

// writeEnv keeps for other terminals what they need while this runs. The variables are not exported:
// programs started there do not get to see DB_HOST and use this database by accident.
func (d *demo) writeEnv(database []string) error {
	lines := append([]string{"API=" + d.API, "RAFFLE=" + d.RaffleID, "EMAIL=" + d.Email, "PASSWORD=" + d.Password}, database...)
	return os.WriteFile(envPath, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// call sends JSON and reads the answer whole.
func call(ctx context.Context, method, url, token string, body any) (status int, answer []byte, err error) {
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}
