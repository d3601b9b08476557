package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/app/devdb"
)

// The bench starts itself again; so does its test.
func TestMain(m *testing.M) {
	if helped, err := help(os.Args[1:]); helped {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Everything that is measured still runs. What it measures in this size says nothing.
func TestQuick(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), small, false)
	if errors.Is(err, errNoPgbench) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Ctrl-C ends a run of ten minutes at the next request, not after it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	p := &process{address: server.Listener.Addr().String(), ended: ctx.Err}
	asked, err := p.together(2, func(c *client, _ int) (o outcome, err error) {
		for o.cycles < 1000 && err == nil {
			if o.cycles++; o.cycles == 3 {
				interrupt()
			}
			_, err = c.call("GET", "/", "", nil)
		}
		return o, err
	})
	if !errors.Is(err, context.Canceled) || asked.cycles > 10 {
		t.Errorf("%d requests after an interrupt at the third, and: %v", asked.cycles, err)
	}
}

// A Go benchmark that fails costs neither the others' figures nor the table.
func TestFailedBenchmarkLeavesTheOthers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module some\n",
		"some_test.go": `package some

import "testing"

func BenchmarkGood(b *testing.B) {
	for b.Loop() {
	}
}

func BenchmarkBad(b *testing.B) { b.Error("over its limit") }
`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := benchmarks(t.Context(), folder, "")
	if err == nil || !strings.Contains(err.Error(), "over its limit") {
		t.Errorf("the fault is told as: %v", err)
	}
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "BenchmarkGood") {
		t.Errorf("the lines kept are %q", lines)
	}
}

// New connections are slow at first, which must not count: those of the API are old.
func TestPgbenchIsReadWarm(t *testing.T) {
	t.Parallel()
	const report = "progress: 1.0 s, 100.0 tps, lat 29.427 ms stddev 40.939, 0 failed\nprogress: 2.0 s, 300.0 tps, lat 25.465 ms stddev 16.887, 0 failed\n"
	const end = "number of transactions actually processed: 1380\nlatency average = 22.580 ms\ntps = 347.5 (without initial connection time)\n"
	for name, test := range map[string]struct {
		output string
		rate   float64
	}{
		"too short":   {end, 347.5},
		"warm":        {report + "progress: 3.0 s, 500.0 tps, lat 1 ms\nprogress: 4.0 s, 480.0 tps, lat 1 ms\n" + end, 490},
		"a long line": {report + "progress: 3.0 s, 500.0 tps, lat 1 ms\nprogress: 6.0 s, 460.0 tps, lat 1 ms\n" + end, 470},
	} {
		told, err := readPgbench(test.output)
		if err != nil || told.rate != test.rate || told.transactions != 1380 {
			t.Errorf("%s: got %+v, %v", name, told, err)
		}
	}
	if _, err := readPgbench("connection refused"); err == nil {
		t.Error("what is no report was read")
	}
}

// The network in front of PostgreSQL is as far away as its row says, and loses nothing.
func TestDelay(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = echo.Close() }()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	b := &bench{folder: t.TempDir(), pg: &devdb.Server{}}
	defer b.stop()
	port, err := b.delay(t.Context(), echo.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"a statement": 100, "a board": 1 << 20} {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		sent, got := bytes.Repeat([]byte("rifa"), size/4), make([]byte, size)
		var trips []time.Duration
		for range 200 {
			started := time.Now()
			go func() { _, _ = conn.Write(sent) }()
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
				t.Fatalf("%s did not come back as it was sent: %v", name, err)
			}
			trips = append(trips, time.Since(started))
		}
		if least := slices.Min(trips); least < roundTrip || size < 1000 && least > 3*roundTrip {
			t.Errorf("%s comes back after %v at the soonest, want %v", name, least, roundTrip)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]float64{3: {3}, 2: {9, 2, 1}, 2.5: {4, 1, 2, 3}} {
		if got := median(values); got != want {
			t.Errorf("the median of %v is %v, want %v", values, got, want)
		}
	}
}
