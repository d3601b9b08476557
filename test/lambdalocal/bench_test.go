package lambdalocal

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
	"github.com/rifaapp/rifaapp/test/testserver"
)

const (
	coldStarts   = 50
	warmRequests = 2000
)

// readEvent is a request that reads the database; healthEvent touches nothing.
const (
	readEvent   = `{"version":"2.0","rawPath":"/rifaapp/v2/raffles","rawQueryString":"limit=10","headers":{"accept":"application/json"},"requestContext":{"requestId":"r","http":{"method":"GET","sourceIp":"192.0.2.1"}}}`
	healthEvent = `{"version":"2.0","rawPath":"/rifaapp/health","rawQueryString":"","headers":{"accept":"application/json","host":"rifa.example","user-agent":"bench"},"requestContext":{"requestId":"r","http":{"method":"GET","sourceIp":"192.0.2.1"}}}`
)

// quantile of times, in the given unit.
func quantile(times []time.Duration, q float64, unit time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]) / float64(unit)
}

// BenchmarkColdStart starts the zip's program 50 times, from exec until it asks for its first event,
// and times the first request, which must connect to the database.
func BenchmarkColdStart(b *testing.B) {
	program(b) // which takes a while, and not from the cold starts
	database := testdb.New(b)
	inits, firsts := make([]time.Duration, coldStarts), make([]time.Duration, coldStarts)
	resident := 0.0
	for b.Loop() {
		for n := range coldStarts {
			inits[n], firsts[n], resident = coldStart(b, database)
		}
	}
	b.ReportMetric(quantile(inits, 0.5, time.Millisecond), "init-p50-ms")
	b.ReportMetric(quantile(inits, 0.95, time.Millisecond), "init-p95-ms(<60)")
	b.ReportMetric(quantile(firsts, 0.5, time.Millisecond), "first-read-p50-ms")
	b.ReportMetric(quantile(firsts, 0.95, time.Millisecond), "first-read-p95-ms(<150)")
	b.ReportMetric(resident, "resident-MB(<50)")
	b.ReportMetric(float64(bootstrap.zip.Bytes)/(1<<20), "zip-MB(<=12)")
}

func coldStart(b *testing.B, database *testdb.Database) (ready, first time.Duration, resident float64) {
	b.Helper()
	f := New(Options{Program: program(b), Env: append(database.Env(), keys(b))})
	defer f.Close()
	started := time.Now()
	answer, err := f.Invoke(b.Context(), []byte(readEvent))
	if err != nil || !strings.Contains(string(answer), `"statusCode":200`) {
		b.Fatalf("got %s, %v", answer, err)
	}
	ready = f.Starts()[0].Init
	return ready, time.Since(started) - ready, memory(b, f.Pids()[0], "VmRSS")
}

// BenchmarkEventPath times the same request to the same program, warm, as an event and over plain
// HTTP, in turns; the difference is what the event path costs.
func BenchmarkEventPath(b *testing.B) {
	database := testdb.New(b)
	f := New(Options{Program: program(b), Env: append(database.Env(), keys(b)), Warm: true})
	defer f.Close()
	url := serve(b, database)
	events, plain := make([]time.Duration, 0, warmRequests), make([]time.Duration, 0, warmRequests)
	for b.Loop() {
		events, plain = events[:0], plain[:0]
		for range warmRequests {
			events = append(events, timeEvent(b, f))
			plain = append(plain, timePlain(b, url))
		}
	}
	b.ReportMetric(quantile(events, 0.5, time.Microsecond), "event-p50-µs")
	b.ReportMetric(quantile(plain, 0.5, time.Microsecond), "plain-p50-µs")
	b.ReportMetric(quantile(events, 0.5, time.Microsecond)-quantile(plain, 0.5, time.Microsecond), "overhead-p50-µs(<150)")
	b.ReportMetric(quantile(events, 0.95, time.Microsecond)-quantile(plain, 0.95, time.Microsecond), "overhead-p95-µs")
	b.ReportMetric(memory(b, f.Pids()[0], "VmRSS"), "resident-MB(<50)")
}

// BenchmarkLargestWork has one function hash passwords and answer the whole board of 100 000 numbers,
// and says how much memory it took at most.
func BenchmarkLargestWork(b *testing.B) {
	l := start(b, testdb.New(b), Options{Warm: true})
	raffle := l.raffle(100000)
	numbers := fmt.Sprintf(`{"version":"2.0","rawPath":"/rifaapp%s/numbers","headers":{"accept-encoding":"gzip"},"requestContext":{"requestId":"r","http":{"method":"GET","sourceIp":"192.0.2.1"}}}`, raffle)
	for b.Loop() {
		answer, err := l.function.Invoke(b.Context(), []byte(numbers))
		if err != nil || !strings.Contains(string(answer[:40]), `"statusCode":200`) {
			b.Fatalf("got %.100s, %v", answer, err)
		}
	}
	b.ReportMetric(memory(b, l.function.Pids()[0], "VmHWM"), "peak-MB")
}

func timeEvent(b *testing.B, f *Function) time.Duration {
	b.Helper()
	i, err := f.take()
	if err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	answer, err := i.invoke([]byte(healthEvent), defaultTimeout)
	took := time.Since(started)
	if err != nil || !strings.Contains(string(answer), `"statusCode":200`) {
		b.Fatalf("got %s, %v", answer, err)
	}
	f.put(i)
	return took
}

func timePlain(b *testing.B, url string) time.Duration {
	b.Helper()
	started := time.Now()
	response, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		b.Fatalf("got %d", response.StatusCode)
	}
	return time.Since(started)
}

// serve runs the zip's program as `rifaapp serve` and returns the address of its health.
func serve(b *testing.B, database *testdb.Database) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	log := &testserver.Log{}
	process := exec.Command(program(b), "serve", "--addr", address)
	process.Env, process.Stdout, process.Stderr = append(database.Env(), keys(b)), log, log
	if err := process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	url := "http://" + address + "/rifaapp/health"
	for end := time.Now().Add(initTimeout); ; {
		if response, err := http.Get(url); err == nil {
			_ = response.Body.Close()
			return url
		}
		if time.Now().After(end) {
			b.Fatalf("rifaapp serve does not answer:\n%s", log)
		}
		time.Sleep(time.Millisecond)
	}
}

// memory is a line of /proc/PID/status in megabytes.
func memory(b *testing.B, pid int, name string) float64 {
	b.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			kilobytes, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kilobytes) / 1024
		}
	}
	b.Fatalf("no %s of process %d", name, pid)
	return 0
}
