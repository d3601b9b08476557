package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// owner is the organiser of every raffle.
type owner struct{ email, header string }

const ownerPassword = "tarde de mayo 42"

func (b *bench) register(ctx context.Context) (owner, error) {
	c, err := b.api.client()
	if err != nil {
		return owner{}, err
	}
	defer c.close()
	o := owner{email: fmt.Sprintf("ana%d@example.com", rand.Uint32())}
	status, err := c.call("POST", "/rifaapp/auth/register", "", fmt.Appendf(nil, `{"name":"Ana Torres","email":%q,"password":%q}`, o.email, ownerPassword))
	if err != nil || status != 201 {
		return o, errors.Join(err, fmt.Errorf("register answered %d: %s", status, c.body))
	}
	o.header = "Authorization: Bearer " + c.field("access_token") + "\r\n"
	return o, ctx.Err()
}

// create makes a raffle and answers its id.
func (b *bench) create(c *client, numbers int) (string, error) {
	body := fmt.Appendf(nil, `{"title":"Moto 0 km","ticket_price":"5000.00","total_tickets":%d,"number_start":0,"number_padding":5}`, numbers)
	status, err := c.call("POST", "/rifaapp/v2/raffles", b.owner.header, body)
	if err != nil || status != 201 {
		return "", errors.Join(err, fmt.Errorf("create answered %d: %s", status, c.body))
	}
	return c.field("id"), nil
}

func (b *bench) createMany(n, numbers int) (ids []string, err error) {
	c, err := b.api.client()
	if err != nil {
		return nil, err
	}
	defer c.close()
	for range n {
		id, err := b.create(c, numbers)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// outcome is what a load came to.
type outcome struct {
	cycles    int
	conflicts int
	faults    int // 5xx, and answers nobody expects
	latencies []time.Duration
	took      time.Duration
}

func (o *outcome) add(other outcome) {
	o.cycles += other.cycles
	o.conflicts += other.conflicts
	o.faults += other.faults
	o.latencies = append(o.latencies, other.latencies...)
}

func (o *outcome) quantile(q float64) time.Duration {
	if len(o.latencies) == 0 {
		return 0
	}
	slices.Sort(o.latencies)
	return o.latencies[min(len(o.latencies)-1, int(q*float64(len(o.latencies))))]
}

// together runs n clients of a process at once and adds up what they did.
func (p *process) together(n int, each func(c *client, nth int) (outcome, error)) (outcome, error) {
	var all outcome
	clients := make([]*client, n)
	for nth := range clients {
		c, err := p.client()
		if err != nil {
			return all, err
		}
		defer c.close()
		clients[nth] = c
	}
	started := time.Now()
	err := inTurns(clients, func(c *client, nth int) error {
		o, err := each(c, nth)
		all.add(o)
		return err
	})
	all.took = time.Since(started)
	return all, err
}

// buy lets clients buy 1–3 random numbers at a time: reserve, then confirm (70 %) or release.
func (b *bench) buy(p *process, clients int, raffles []string, run time.Duration) (outcome, error) {
	end := time.Now().Add(run)
	return p.together(clients, func(c *client, _ int) (o outcome, err error) {
		for time.Now().Before(end) {
			raffle := raffles[rand.IntN(len(raffles))]
			if err := o.cycle(c, raffle, someNumbers(b.size.numbers)); err != nil {
				return o, err
			}
		}
		return o, nil
	})
}

func someNumbers(total int) []int {
	n := 1 + rand.IntN(3)
	numbers := []int{rand.IntN(total)}
	for len(numbers) < n {
		numbers = append(numbers, (numbers[len(numbers)-1]+1+rand.IntN(total/2-1))%total)
	}
	return numbers
}

func (o *outcome) cycle(c *client, raffle string, numbers []int) error {
	status, err := o.timed(c, "/rifaapp/v2/raffles/"+raffle+"/reservations", reserveBody(numbers))
	if err != nil {
		return err
	}
	if status != 201 {
		o.count(status)
		return nil
	}
	body := []byte(`{"reservation_id":"` + c.field("reservation_id") + `"}`)
	what := "/confirm"
	if rand.IntN(100) >= 70 {
		what = "/release"
	}
	status, err = o.timed(c, "/rifaapp/v2/raffles/"+raffle+what, body)
	o.count(status)
	return err
}

func (o *outcome) count(status int) {
	switch status {
	case 200:
		o.cycles++
	case 409:
		o.conflicts++
	default:
		o.faults++
	}
}

func (o *outcome) timed(c *client, path string, body []byte) (status int, err error) {
	started := time.Now()
	status, err = c.call("POST", path, "", body)
	o.latencies = append(o.latencies, time.Since(started))
	return status, err
}

func reserveBody(numbers []int) []byte {
	b := []byte(`{"participant":{"name":"Luz Marina"},"numbers":[`)
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, "]}"...)
}

// sell sells the given numbers of a raffle, fifty at a time.
func (b *bench) sell(raffle string, numbers []int) error {
	var next atomic.Int64
	const each = 50
	_, err := b.api.together(4, func(c *client, _ int) (o outcome, err error) {
		for {
			from := int(next.Add(each)) - each
			if from >= len(numbers) {
				return o, nil
			}
			chunk := numbers[from:min(from+each, len(numbers))]
			status, err := c.call("POST", "/rifaapp/v2/raffles/"+raffle+"/reservations", "", reserveBody(chunk))
			if err == nil && status == 201 {
				status, err = c.call("POST", "/rifaapp/v2/raffles/"+raffle+"/confirm", "", []byte(`{"reservation_id":"`+c.field("reservation_id")+`"}`))
			}
			if err != nil || status != 200 {
				return o, errors.Join(err, fmt.Errorf("selling answered %d: %s", status, c.body))
			}
		}
	})
	return err
}

// fight lets many clients want the same numbers, alone and in threes, in an order of their own each,
// until every number is sold.
func (b *bench) fight(raffle string, clients, hot int) (outcome, error) {
	return b.api.together(clients, func(c *client, _ int) (o outcome, err error) {
		for _, n := range []int{3, 1} {
			order := rand.Perm(hot)
			for from := 0; from < hot; from += n * (1 + rand.IntN(4)) {
				if err := o.want(c, raffle, order[from:min(from+n, hot)]); err != nil {
					return o, err
				}
			}
		}
		return o, nil
	})
}

// want reserves and confirms. Every refusal must name a number that was asked for.
func (o *outcome) want(c *client, raffle string, numbers []int) error {
	status, err := o.timed(c, "/rifaapp/v2/raffles/"+raffle+"/reservations", reserveBody(numbers))
	if err != nil {
		return err
	}
	if status == 409 && !namesOneOf(c.body, numbers) {
		return fmt.Errorf("a refusal without the taken numbers: %s", c.body)
	}
	if status != 201 {
		o.count(status)
		return nil
	}
	status, err = o.timed(c, "/rifaapp/v2/raffles/"+raffle+"/confirm", []byte(`{"reservation_id":"`+c.field("reservation_id")+`"}`))
	o.count(status)
	return err
}

func namesOneOf(body []byte, numbers []int) bool {
	var problem struct {
		Numbers []int `json:"numbers"`
	}
	if json.Unmarshal(body, &problem) != nil || len(problem.Numbers) == 0 {
		return false
	}
	for _, n := range problem.Numbers {
		if !slices.Contains(numbers, n) {
			return false
		}
	}
	return true
}
