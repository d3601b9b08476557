// Package e2e drives the product over HTTP only, as its clients do: it knows the contract and no line
// of the code. RIFAAPP_URL names the server to test, up to and including /rifaapp; without it the
// binary is built and started on a database of its own.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rifaapp/rifaapp/test/testserver"
	"github.com/rifaapp/rifaapp/test/trust/canary"
)

// baseURL is what every path of a test is appended to.
var baseURL string

// migrationsToken is the one the server under test was given; empty when it is somebody else's.
var migrationsToken = os.Getenv("RIFAAPP_MIGRATIONS_TOKEN")

// canaries are the secrets of all tests: no answer but their owner's and no log may hold one.
var canaries = canary.Plant()

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	baseURL = strings.TrimRight(os.Getenv("RIFAAPP_URL"), "/")
	logs := func() map[string]string { return nil } // of a server that is somebody else's
	if baseURL == "" {
		server, err := testserver.Start("CORS_ALLOW_ORIGINS=https://rifa.example", "API_GATEWAY_BASE_PATH=/stage")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer server.Stop()
		canaries, logs = server.Canaries, func() map[string]string { return map[string]string{"the log": server.Log.String()} }
		baseURL, migrationsToken = server.URL, canaries.Get("migrations token")
	}
	password = canaries.Get("organiser password")
	httpClient.Transport = canaries.Watch(httpClient.Transport)
	if err := seen.load(); err != nil {
		fmt.Fprintf(os.Stderr, "no API answers at %s: %v\n", baseURL, err)
		return 1
	}
	code := m.Run()
	var faults []string
	some := flag.Lookup("test.run").Value.String() != ""
	if some && canaries.Idle() { // not even one, as when only benchmarks run
		return code
	}
	if code == 0 && !some {
		faults = seen.missing()
	}
	for _, fault := range append(faults, canaries.Judge(logs())...) {
		fmt.Fprintln(os.Stderr, fault)
		code = 1
	}
	return code
}
