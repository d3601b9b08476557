package hostile

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/pb33f/jsonschema/v6"

	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// suite is a server and what is known of it.
type suite struct {
	base     string
	client   *http.Client
	d        *description
	known    *known
	canaries *canary.Set
}

// known are ids and tokens that answers gave out, so that later requests get somewhere.
type known struct {
	mu     sync.Mutex
	values map[string][]string
}

// mostKnown bounds how many of each are remembered: the last ones.
const mostKnown = 40

// sameAs are the names that stand for the same thing.
var sameAs = map[string]string{"raffle_id": "id", "reservation_id": "reservation_id", "participant_id": "participant_id", "access_token": "access_token", "refresh_token": "refresh_token", "id": "id"}

func (k *known) add(name, value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values[name] = append(k.values[name], value)
	k.values[name] = k.values[name][max(0, len(k.values[name])-mostKnown):]
}

// any is one of the known values of a name; empty when there is none.
func (k *known) any(random *rand.Rand, name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.values[sameAs[name]]
	if len(list) == 0 {
		return ""
	}
	return list[random.IntN(len(list))]
}

// learn remembers what an answer gave out. An account's id is no raffle's.
func (k *known) learn(body []byte) {
	var o map[string]any
	if json.Unmarshal(body, &o) != nil {
		return
	}
	for name, value := range o {
		if is, ok := sameAs[name]; ok && text(value) != "" && !(name == "id" && o["access_token"] != nil) {
			k.add(is, text(value))
		}
	}
}

// judge says what is wrong with the answer to a request; nil when nothing is.
func judge(r request, response *http.Response, body []byte) error {
	status := strconv.Itoa(response.StatusCode)
	if response.StatusCode >= 500 {
		return fmt.Errorf("it answers %s: %.300s", status, body)
	}
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if r.elsewhere() && (response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusMethodNotAllowed || response.StatusCode == http.StatusMovedPermanently) {
		return nil
	}
	medias, documented := r.operation.answers[status]
	if !documented {
		return fmt.Errorf("it answers %s, which is not documented: %.300s", status, body)
	}
	if len(body) == 0 {
		return nil
	}
	schema, documented := medias[media]
	if !documented {
		return fmt.Errorf("it answers %s with %q, documented are %q", status, media, slices.Sorted(maps.Keys(medias)))
	}
	if media != "application/json" && media != "application/problem+json" {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("its answer is no JSON: %w: %.300s", err, body)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("its answer does not fit its schema: %w: %.300s", err, body)
	}
	return nil
}

// try sends the request and judges the answer.
func (s *suite) try(r request) (status int, err error) {
	response, err := r.send(s.client, s.base)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("it ends the connection without an answer: %w", err)
		}
		return -1, nil // what no client sends: net/http refuses some header values by itself
	}
	body, err := read(response)
	_ = response.Body.Close()
	if err != nil {
		return response.StatusCode, fmt.Errorf("its answer breaks off: %w", err)
	}
	if response.StatusCode < 300 {
		s.known.learn(body)
	}
	return response.StatusCode, judge(r, response, body)
}

// read is the whole answer, unpacked: some requests ask for gzip.
func read(response *http.Response) ([]byte, error) {
	if response.Header.Get("Content-Encoding") != "gzip" || response.StatusCode == http.StatusNotModified {
		return io.ReadAll(response.Body)
	}
	plain, err := gzip.NewReader(response.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

// shrink leaves pieces out for as long as the answer stays wrong.
func (s *suite) shrink(r request) request {
	for smaller := true; smaller; {
		smaller = false
		for _, candidate := range smallerOnes(r) {
			if _, err := s.try(candidate); err != nil {
				r, smaller = candidate, true
				break
			}
		}
	}
	return r
}

// smallerOnes are the request with one piece less.
func smallerOnes(r request) (all []request) {
	for name := range r.header {
		c := r
		c.header = maps.Clone(r.header)
		delete(c.header, name)
		all = append(all, c)
	}
	for i := range r.query {
		c := r
		c.query = slices.Delete(slices.Clone(r.query), i, i+1)
		all = append(all, c)
	}
	var o map[string]json.RawMessage
	if json.Unmarshal(r.body, &o) == nil {
		for name := range o {
			c, less := r, maps.Clone(o)
			delete(less, name)
			c.body = write(less)
			all = append(all, c)
		}
	} else if len(r.body) > 1 {
		for _, half := range [][]byte{r.body[:len(r.body)/2], r.body[len(r.body)/2:]} {
			c := r
			c.body = half
			all = append(all, c)
		}
	}
	return all
}
