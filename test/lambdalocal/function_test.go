package lambdalocal

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rifaapp/rifaapp/test/testdb"
)

// Frozen after every request, killed, its sockets cut or gone silent while it sleeps: no request fails,
// and what was sold stays sold.
func TestNoRequestFailsWhateverHappensInItsSleep(t *testing.T) {
	t.Parallel()
	l := start(t, testdb.New(t), Options{})
	raffle := l.raffle(100)
	sold := 0
	for round, trouble := range []string{"none", "cut", "silence", "kill", "cut", "kill and cut", "none", "silence", "cut", "kill"} {
		for _, pid := range l.function.Pids() {
			if state := processState(t, pid); state != "T" {
				t.Errorf("before %s: process %d is %s, not stopped", trouble, pid, state)
			}
		}
		if strings.Contains(trouble, "cut") && l.link.Cut() == 0 {
			t.Errorf("round %d: there was no connection to cut", round)
		}
		if trouble == "silence" && l.link.Silence() == 0 {
			t.Errorf("round %d: there was no connection to silence", round)
		}
		if strings.Contains(trouble, "kill") && l.function.KillIdle() == 0 {
			t.Errorf("round %d: there was no process to kill", round)
		}
		// Reads and writes take turns in being the first after the trouble.
		if round%2 == 0 {
			l.want(200, "GET", raffle, "", nil)
		}
		held := l.want(201, "POST", raffle+"/reservations", "", map[string]any{"participant": map[string]any{"name": "Luz"}, "quantity": 2})
		l.want(200, "POST", raffle+"/confirm", "", map[string]any{"reservation_id": held["reservation_id"]})
		sold += 2
	}
	if got := l.want(200, "GET", raffle, "", nil)["tickets_sold"]; got != float64(sold) {
		t.Errorf("%v numbers are sold, not %d", got, sold)
	}
	if starts := len(l.function.Starts()); starts != 4 {
		t.Errorf("%d cold starts, want 1 and 3 after a kill", starts)
	}
	if strings.Contains(l.log.String(), `"level":"ERROR"`) {
		t.Errorf("the log has errors:\n%s", l.log)
	}
}

// processState is R, S, T (stopped) or another letter of proc(5).
func processState(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[:1]
}

// Several clients at once get several instances, each of which answers one request at a time; they
// wait when there are no more.
func TestInstancesServeOneRequestAtATime(t *testing.T) {
	t.Parallel()
	l := start(t, testdb.New(t), Options{Instances: 3})
	raffle := l.raffle(50)
	var clients sync.WaitGroup
	for range 12 {
		clients.Go(func() {
			status, answer := l.call("POST", raffle+"/reservations", "", map[string]any{"participant": map[string]any{"name": "Luz"}, "quantity": 3})
			if status != 201 {
				t.Errorf("got %d: %s", status, answer)
			}
		})
	}
	clients.Wait()
	if starts := len(l.function.Starts()); starts < 1 || starts > 3 {
		t.Errorf("%d instances, want at most 3", starts)
	}
	if got := l.want(200, "GET", raffle, "", nil)["tickets_reserved"]; got != 36.0 {
		t.Errorf("%v numbers are held, not 36", got)
	}
}

// The tasks of the schedule and of `mage migrate`, on a database without a schema.
func TestTasks(t *testing.T) {
	t.Parallel()
	l := start(t, testdb.NewEmpty(t), Options{})
	const minute = `{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`
	l.fails("not migrated", `{"action":"check"}`, "rifaapp migrate")
	l.answers(`{"action":"migrate"}`, `"status":"ok","applied":["init",`)
	l.answers(`{"action":"migrate"}`, `{"status":"ok","applied":[]}`)
	l.answers(`{"action":"check"}`, `{"status":"ok","differences":0}`)
	l.answers(minute, `"holds_freed":0`)
	l.fails("unknown", `{"action":"drop"}`, `there is no action "drop"`)
	l.fails("unknown", `{"Records":[]}`, "no known kind")
	run := `{"version":"2.0","rawPath":"/rifaapp/migrations/run","requestContext":{"requestId":"r","authorizer":%s,"http":{"method":"POST"}}}`
	l.answers(fmt.Sprintf(run, `{"iam":{"userArn":"arn:aws:iam::123456789012:role/deployer"}}`), `"statusCode":200`)
	l.answers(fmt.Sprintf(run, `{"jwt":{"claims":{"userArn":"x"}}}`), `"statusCode":404`)
	for _, part := range []string{`"task":"migrate"`, `"cold_start":true`, `"init_ms":`, `"trace_id":"1-`, `"progress":`} {
		if !strings.Contains(l.log.String(), part) {
			t.Errorf("no %s in the log:\n%s", part, l.log)
		}
	}
}

func (l *local) answers(event, part string) {
	l.t.Helper()
	answer, err := l.function.Invoke(l.t.Context(), []byte(event))
	if err != nil || !strings.Contains(string(answer), part) {
		l.t.Errorf("%s: got %s, %v; want %s", event, answer, err, part)
	}
}

func (l *local) fails(name, event, part string) {
	l.t.Helper()
	answer, err := l.function.Invoke(l.t.Context(), []byte(event))
	if failed, ok := errors.AsType[*Error](err); !ok || !strings.Contains(failed.Message, part) {
		l.t.Errorf("%s: got %s, %v; want %s", name, answer, err, part)
	}
}

// A board that Lambda could not answer whole says how to get it.
func TestAnswersTooLargeForLambda(t *testing.T) {
	t.Parallel()
	l := start(t, testdb.New(t), Options{})
	numbers := l.raffle(100000) + "/numbers"
	if p := l.want(413, "GET", numbers, "", nil); p["code"] != "answer_too_large" || !strings.Contains(fmt.Sprint(p["detail"]), "limit") {
		t.Errorf("got %v", p)
	}
	l.want(200, "GET", numbers+"?limit=200", "", nil)
	r, err := http.NewRequestWithContext(t.Context(), "GET", l.url+numbers, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r) // which asks for gzip and unpacks it
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); response.StatusCode != 200 || n < 6<<20 || err != nil {
		t.Errorf("got %d with %d bytes, %v", response.StatusCode, n, err)
	}
}

// A function that cannot start says why, and the gateway answers.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	f := New(Options{Program: program(t), Env: []string{"DB_PORT=many"}})
	defer f.Close()
	_, err := f.Invoke(t.Context(), []byte(`{"action":"check"}`))
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Type != "Init.Failed" || !strings.Contains(failed.Message, "DB_HOST is missing") || !strings.Contains(failed.Message, "JWT_KEYS is missing") {
		t.Errorf("got %v", err)
	}
}

// A function that cannot reach its database says so before Lambda ends it.
func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	host, port, _ := strings.Cut(deaf.Addr().String(), ":")
	f := New(Options{Program: program(t), Env: []string{"DB_HOST=" + host, "DB_PORT=" + port, "DB_NAME=x", "DB_USER=x", "DB_SSLMODE=disable", keys(t)}})
	defer f.Close()
	answer, err := f.Invoke(t.Context(), []byte(readEvent))
	if err != nil || !strings.Contains(string(answer), `"statusCode":503`) || !strings.Contains(string(answer), "Retry-After") {
		t.Errorf("got %s, %v", answer, err)
	}
}

// A function that does not answer in time is ended; the next request gets another.
func TestTimeout(t *testing.T) {
	t.Parallel()
	f := New(Options{Program: program(t), Warm: true, Timeout: 2 * time.Second, Env: []string{"DB_HOST=x", "DB_NAME=x", "DB_USER=x", keys(t)}})
	defer f.Close()
	// Refused without a database, and so within any time.
	refused := func() {
		t.Helper()
		if _, err := f.Invoke(t.Context(), []byte(`{"action":"drop"}`)); err == nil || !strings.Contains(err.Error(), "no action") {
			t.Errorf("got %v", err)
		}
	}
	refused()
	hung := f.Pids()[0]
	if err := syscall.Kill(hung, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(initTimeout); processState(t, hung) != "T"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d did not stop", hung)
		}
	}
	_, err := f.Invoke(t.Context(), []byte(`{"action":"drop"}`))
	if failed, ok := errors.AsType[*Error](err); !ok || failed.Type != "Sandbox.Timedout" {
		t.Errorf("got %v", err)
	}
	if slices.Contains(f.Pids(), hung) {
		t.Error("the process that hung is still there")
	}
	refused()
}

// goTest is the command that tests the API over HTTP.
var goTest = []string{"test", "-count=1"}

// The tests that drive `rifaapp serve` over HTTP pass on the function, unchanged.
func TestEndToEnd(t *testing.T) {
	t.Parallel()
	l := start(t, testdb.New(t), Options{
		Instances: 8, // several for each processor; 20 that start at once say more about the machine
		Env:       []string{"MIGRATIONS_TOKEN=lambda-e2e", "CORS_ALLOW_ORIGINS=https://rifa.example", "API_GATEWAY_BASE_PATH=/stage"},
	})
	command := exec.CommandContext(t.Context(), "go", append(goTest, "github.com/rifaapp/rifaapp/test/e2e")...)
	command.Env = append(os.Environ(), "RIFAAPP_URL="+l.url, "RIFAAPP_MIGRATIONS_TOKEN=lambda-e2e")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	t.Logf("%d cold starts", len(l.function.Starts()))
}
