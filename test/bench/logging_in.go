package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// betweenLogins is long enough for the API to have cleared up after the last one, which would count as its
// password's time otherwise.
const betweenLogins = 30 * time.Millisecond

// logins compares a login with argon2id's own time in it, as the API's log has it, and looks at other requests
// meanwhile. The time is not taken in another process: by where their memory happens to lie, the same hash
// takes 28 ms in one and 33 ms in the next, which is more than all that a login has besides.
func (b *bench) logins() *measurement {
	body := fmt.Appendf(nil, `{"email":%q,"password":%q}`, b.owner.email, ownerPassword)
	var api *process
	setup := func(ctx context.Context) (err error) {
		api, err = b.serve(ctx, b.pg.Port, "info")
		return err
	}
	round := func(_ context.Context, f figures) error {
		before, err := api.passwords()
		if err != nil {
			return err
		}
		c, err := api.client()
		if err != nil {
			return err
		}
		defer c.close()
		var login outcome
		for range b.size.logins {
			time.Sleep(betweenLogins)
			if err := login.login(c, body); err != nil {
				return err
			}
		}
		if _, err := c.call("GET", "/rifaapp/health", "", nil); err != nil { // the last login's line is written by then
			return err
		}
		own, err := api.passwords()
		if err != nil {
			return err
		}
		if own = own[len(before):]; len(own) != len(login.latencies) {
			return fmt.Errorf("%d logins left %d lines in the log", len(login.latencies), len(own))
		}
		beyond := make([]float64, len(own))
		for nth, took := range login.latencies {
			beyond[nth] = ms(took) - own[nth]
		}
		f["login"], f["argon2id"], f["beyond"] = ms(login.quantile(0.5)), median(own), median(beyond)
		f["others"], err = b.whileLoggingIn(body)
		return err
	}
	return &measurement{name: "login", setup: setup, rested: true, round: round, rows: func(f figures) []row {
		return []row{
			under("login beyond argon2id", f["beyond"], 5, fmt.Sprintf("login %s, argon2id %s", millis(f["login"]), millis(f["argon2id"]))),
			under("others during 20 logins: p95", f["others"], 50, ""),
		}
	}}
}

// passwords are the milliseconds that the password of each login took so far.
func (p *process) passwords() (took []float64, err error) {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(log)) {
		var request struct {
			Took float64 `json:"password_ms"`
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			return nil, fmt.Errorf("the API's log has %q: %w", line, err)
		}
		if request.Took > 0 {
			took = append(took, request.Took)
		}
	}
	return took, nil
}

func (o *outcome) login(c *client, body []byte) error {
	status, err := o.timed(c, "/rifaapp/auth/login", body)
	if err == nil && status != 200 {
		err = fmt.Errorf("login answered %d: %s", status, c.body)
	}
	return err
}

// whileLoggingIn is the 95th percentile of other requests while 20 people log in at once.
func (b *bench) whileLoggingIn(body []byte) (float64, error) {
	ids, err := b.createMany(1, 100)
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	running := make(chan struct{})
	go func() {
		logins, err := b.api.together(b.size.crowd, func(c *client, _ int) (o outcome, err error) {
			for range max(1, b.size.logins/4) { // on a slow machine some are told to come back later
				status, err := o.timed(c, "/rifaapp/auth/login", body)
				switch {
				case err != nil:
					return o, err
				case status == 200:
					o.cycles++
				case status != 429 && status != 503:
					return o, fmt.Errorf("login answered %d: %s", status, c.body)
				}
			}
			return o, nil
		})
		close(running)
		if err == nil && logins.cycles < b.size.crowd {
			err = fmt.Errorf("only %d of %d people's logins came through", logins.cycles, b.size.crowd)
		}
		done <- err
	}()
	others, err := b.api.together(1, func(c *client, _ int) (o outcome, err error) {
		for {
			started := time.Now()
			status, err := c.call("GET", "/rifaapp/v2/raffles/"+ids[0], "", nil)
			if err == nil && status != 200 {
				err = fmt.Errorf("a raffle's read answered %d: %s", status, c.body)
			}
			if err != nil {
				return o, err
			}
			o.latencies = append(o.latencies, time.Since(started))
			select {
			case <-running:
				return o, nil
			case <-time.After(time.Millisecond):
			}
		}
	})
	return ms(others.quantile(0.95)), errors.Join(err, <-done)
}
