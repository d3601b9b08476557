package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
)

// BenchmarkFirstAnswer is the time from the start of the process to its first answer out of the
// database: under 100 ms.
func BenchmarkFirstAnswer(b *testing.B) {
	binary, db := buildBinary(b), testdb.New(b)
	for b.Loop() {
		process, err := testserver.Begin(binary, db.Env()...)
		if err != nil {
			b.Fatal(err)
		}
		for !answers(process.URL + "/v2/raffles") {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		process.Stop()
		b.StartTimer()
	}
}

// BenchmarkResidentMemory is what a process holds after 10 000 requests of all kinds from 8 clients:
// under 60 MB.
func BenchmarkResidentMemory(b *testing.B) {
	db := testdb.New(b)
	id := raffles(b, db, 200)
	process, err := testserver.Launch(buildBinary(b), db.Env()...)
	if err != nil {
		b.Fatal(err)
	}
	defer process.Stop()
	for b.Loop() {
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				for i := range 250 {
					fetch(b, process.URL+"/v2/raffles?limit=50")
					fetch(b, process.URL+"/v2/raffles/"+id)
					fetch(b, process.URL+"/v2/raffles/"+id+"/numbers?limit=100")
					fetch(b, fmt.Sprintf("%s/v2/raffles?q=rifa+%d", process.URL, i))
					hold(b, process.URL+"/v2/raffles/"+id+"/reservations")
				}
			})
		}
		clients.Wait()
	}
	b.ReportMetric(float64(resident(b, process.ID()))/1000, "MB-resident")
}

// BenchmarkListOf200 is the time of a list of 200 raffles over HTTP: under 10 ms.
func BenchmarkListOf200(b *testing.B) {
	db := testdb.New(b)
	raffles(b, db, 400)
	process, err := testserver.Launch(buildBinary(b), db.Env()...)
	if err != nil {
		b.Fatal(err)
	}
	defer process.Stop()
	for b.Loop() {
		fetch(b, process.URL+"/v2/raffles?limit=200")
	}
}

func buildBinary(b *testing.B) string {
	b.Helper()
	binary, err := testserver.Build()
	if err != nil {
		b.Fatal(err)
	}
	return binary
}

// raffles fills the database with open raffles of 100 000 numbers and names one of them.
func raffles(b *testing.B, db *testdb.Database, count int) (id string) {
	b.Helper()
	id = uuid.NewString()
	if _, err := db.Pool.Exec(b.Context(), `
		INSERT INTO raffles (id, title, ticket_price, currency, total_tickets, number_start, status)
		SELECT CASE i WHEN 1 THEN $1::uuid ELSE gen_random_uuid() END, 'Rifa ' || i, 5000, 'COP', 100000, 0, 'open'
		FROM generate_series(1, $2) AS i`, id, count); err != nil {
		b.Fatal(err)
	}
	if err := run(b.Context(), []string{"projections", "rebuild"}, environment(db.Env()...), nil, io.Discard, io.Discard); err != nil {
		b.Fatal(err)
	}
	return id
}

func answers(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func fetch(b *testing.B, url string) {
	response, err := http.Get(url)
	drain(b, response, err, http.StatusOK)
}

func hold(b *testing.B, url string) {
	response, err := http.Post(url, "application/json", bytes.NewReader([]byte(`{"participant": {"name": "Luz"}, "quantity": 1}`)))
	drain(b, response, err, http.StatusCreated)
}

func drain(b *testing.B, response *http.Response, err error, status int) {
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != status {
		b.Errorf("got %d, %v", response.StatusCode, err)
	}
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is what the process holds in memory, in kB.
func resident(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("only Linux tells what a process holds: %v", err)
	}
	found := residentLine.FindSubmatch(status)
	if found == nil {
		b.Fatalf("no VmRSS in:\n%s", status)
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes
}
