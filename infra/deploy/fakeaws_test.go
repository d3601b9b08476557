package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/rifaapp/rifaapp/app/auth"
)

// fakeAWS speaks as much of STS, Lambda, CloudWatch, Secrets Manager and the RDS Data API as a deployment needs, and is
// the public address too. The journal has every call that changes something, in order.
type fakeAWS struct {
	url    string
	commit string // what the versions were built from

	mu       sync.Mutex
	journal  []string
	account  string // of the credentials
	expired  bool
	expires  bool                  // as soon as the smoke test is done
	onCanary func()                // called before the update of a canary is answered
	aliases  map[string]*fakeAlias // by function
	versions []string
	upload   string            // the version that uploaded code becomes
	code     map[string]string // function => CodeSha256
	strange  map[string]string // version => another commit it was built from
	alarm    bool
	loud     bool              // the alarm goes off as soon as a canary gets traffic
	broken   map[string]string // path => detail of a 503 that version 8 answers
	astray   bool              // the public address answers another commit
	migrator string            // what the migrator answers; with an errorMessage it fails
	secrets  map[string]string // JWT_KEYS of a unit
	asleep   int               // how often the database cannot be reached yet
}

type fakeAlias struct {
	FunctionVersion, Description, RevisionId string
	RoutingConfig                            struct{ AdditionalVersionWeights map[string]float64 }
}

func newFakeAWS(t *testing.T, commit string) *fakeAWS {
	t.Helper()
	f := &fakeAWS{
		commit: commit, account: "123456789012", versions: []string{"6", "7", "8"}, upload: "8", broken: map[string]string{}, secrets: map[string]string{}, code: map[string]string{},
		aliases: map[string]*fakeAlias{}, migrator: `{"status":"ok","applied":["init","buying"]}`,
	}
	for _, function := range []string{"rifaapp-dev-api", "rifaapp-dev-migrator", "rifaapp-prod-api"} {
		f.aliases[function] = &fakeAlias{FunctionVersion: "7", Description: "Version 7; before it 6", RevisionId: "r0"}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /journal", func(_ http.ResponseWriter, r *http.Request) {
		entry, _ := io.ReadAll(r.Body)
		f.note(string(entry))
		if string(entry) == "terragrunt apply" {
			f.makeFunctions()
		}
	})
	mux.HandleFunc("POST /{$}", f.query)
	mux.HandleFunc("POST /Execute", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ ResourceArn, SecretArn, SQL string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.ResourceArn != "arn:server" || asked.SecretArn != "arn:master" || !strings.HasPrefix(asked.SQL, "DO $roles$") {
			t.Errorf("the Data API was asked %+v", asked)
		}
		f.note("roles")
		io.WriteString(w, `{}`)
	})
	mux.HandleFunc("POST /service/GraniteServiceVersion20100801/operation/DescribeAlarms", f.describeAlarms)
	const functions = "/2015-03-31/functions/{function}"
	mux.HandleFunc("GET "+functions+"/aliases/live", f.getAlias)
	mux.HandleFunc("PUT "+functions+"/aliases/live", f.updateAlias)
	mux.HandleFunc("GET "+functions+"/versions", f.listVersions)
	mux.HandleFunc("GET "+functions+"/configuration", f.configuration)
	mux.HandleFunc("POST "+functions+"/versions", f.publishVersion)
	mux.HandleFunc("PUT "+functions+"/code", f.updateCode)
	mux.HandleFunc("POST "+functions+"/invocations", f.invoke)
	mux.HandleFunc("GET /rifaapp/version", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.astray {
			io.WriteString(w, `{"commit":"another"}`)
			return
		}
		fmt.Fprintf(w, `{"commit":%q}`, f.commit)
	})
	mux.HandleFunc("GET /execute-api/rifaapp/version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"commit":%q}`, f.commit) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("nobody here answers %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusNotImplemented)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fakeAWS) note(entry string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.journal = append(f.journal, entry)
}

// makeFunctions makes what is missing of dev, as applying does.
func (f *fakeAWS) makeFunctions() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, function := range []string{"rifaapp-dev-api", "rifaapp-dev-migrator"} {
		if f.aliases[function] == nil {
			f.aliases[function] = &fakeAlias{FunctionVersion: "8", RevisionId: "r0"}
		}
	}
}

// query answers STS, which is asked by a form, and Secrets Manager, which is asked by a header.
func (f *fakeAWS) query(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "secretsmanager."):
		f.askedForSecret(w, r, strings.TrimPrefix(target, "secretsmanager."))
	case f.expired:
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>`)
	default:
		fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/ana</Arn><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, f.account, f.account)
	}
}

func (f *fakeAWS) askedForSecret(w http.ResponseWriter, r *http.Request, operation string) {
	var asked struct{ SecretId, SecretString string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		notThere(w)
		return
	}
	unit := strings.TrimSuffix(strings.TrimPrefix(asked.SecretId, "arn:"), "-jwt-keys")
	switch {
	case operation == "PutSecretValue":
		if _, err := auth.ParseKeySet([]byte(asked.SecretString)); err != nil {
			f.journal = append(f.journal, "no keys in the secret of "+unit)
		}
		f.secrets[unit] = asked.SecretString
		f.journal = append(f.journal, "secret of "+unit)
		io.WriteString(w, `{}`)
	case operation == "DescribeSecret" && f.secrets[unit] != "":
		io.WriteString(w, `{"VersionIdsToStages":{"a":["AWSCURRENT"]}}`)
	default:
		io.WriteString(w, `{}`)
	}
}

func (f *fakeAWS) describeAlarms(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	on := f.alarm || f.loud && len(f.aliases["rifaapp-dev-api"].RoutingConfig.AdditionalVersionWeights) > 0
	state := cbor.String("OK")
	if on {
		state = "ALARM"
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write(cbor.Encode(cbor.Map{
		"CompositeAlarms": cbor.List{cbor.Map{"AlarmName": cbor.String("rifaapp-dev-canary"), "StateValue": state}},
		"MetricAlarms":    cbor.List{cbor.Map{"AlarmName": cbor.String("rifaapp-dev-canary-5xx"), "AlarmDescription": cbor.String("too many 5xx"), "StateValue": state}},
	}))
}

func notThere(w http.ResponseWriter) {
	w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
	w.WriteHeader(http.StatusNotFound)
	io.WriteString(w, `{"Message":"not there"}`)
}

func (f *fakeAWS) getAlias(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	alias := f.aliases[r.PathValue("function")]
	if alias == nil {
		notThere(w)
		return
	}
	_ = json.NewEncoder(w).Encode(alias)
}

func (f *fakeAWS) updateAlias(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.expires {
		w.Header().Set("X-Amzn-Errortype", "ExpiredTokenException")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"Message":"The security token included in the request is expired"}`)
		return
	}
	function := r.PathValue("function")
	alias := f.aliases[function]
	var to fakeAlias
	if err := json.NewDecoder(r.Body).Decode(&to); err != nil || alias == nil {
		notThere(w)
		return
	}
	if to.RevisionId != alias.RevisionId {
		w.Header().Set("X-Amzn-Errortype", "PreconditionFailedException")
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	to.RevisionId += "+"
	*alias = to
	entry := strings.TrimPrefix(function, "rifaapp-") + " at " + to.FunctionVersion
	for version, weight := range to.RoutingConfig.AdditionalVersionWeights {
		if f.onCanary != nil {
			f.onCanary()
		}
		entry += fmt.Sprintf(", %s gets %g", version, weight)
	}
	f.journal = append(f.journal, entry)
	_ = json.NewEncoder(w).Encode(to)
}

func (f *fakeAWS) listVersions(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []map[string]string{{"Version": "$LATEST"}}
	for _, version := range f.versions {
		list = append(list, map[string]string{"Version": version})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Versions": list})
}

func (f *fakeAWS) updateCode(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var code struct {
		ZipFile []byte
		Publish bool
	}
	if err := json.NewDecoder(r.Body).Decode(&code); err != nil || len(code.ZipFile) == 0 || !code.Publish || f.aliases[r.PathValue("function")] == nil {
		notThere(w)
		return
	}
	sum := sha256.Sum256(code.ZipFile)
	f.code[r.PathValue("function")] = base64.StdEncoding.EncodeToString(sum[:])
	f.journal = append(f.journal, "code of "+strings.TrimPrefix(r.PathValue("function"), "rifaapp-"))
	fmt.Fprintf(w, `{"Version":%q}`, f.upload)
}

func (f *fakeAWS) configuration(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.aliases[r.PathValue("function")] == nil {
		notThere(w)
		return
	}
	fmt.Fprintf(w, `{"State":"Active","CodeSha256":%q}`, f.code[r.PathValue("function")])
}

// publishVersion makes none of code that is one already.
func (f *fakeAWS) publishVersion(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(w, `{"Version":%q}`, f.upload)
}

// invoke is a function: the migrator, or the api behind a gateway.
func (f *fakeAWS) invoke(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	qualifier := r.URL.Query().Get("Qualifier")
	var event struct {
		Action  string
		RawPath string
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		notThere(w)
		return
	}
	if strings.HasSuffix(r.PathValue("function"), "-migrator") {
		f.journal = append(f.journal, event.Action+" by "+qualifier)
		if strings.Contains(f.migrator, "errorMessage") {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		io.WriteString(w, f.migrator)
		return
	}
	f.journal = append(f.journal, "GET "+event.RawPath+" of "+qualifier)
	status, body := http.StatusOK, `{}`
	switch {
	case event.RawPath == "/rifaapp/ready" && f.asleep > 0:
		f.asleep--
		status, body = http.StatusServiceUnavailable, `{"code":"database_unavailable","detail":"The database cannot be reached in time."}`
	case f.broken[event.RawPath] != "" && qualifier == "8":
		status, body = http.StatusServiceUnavailable, fmt.Sprintf(`{"detail":%q}`, f.broken[event.RawPath])
	case event.RawPath == "/rifaapp/version":
		body = fmt.Sprintf(`{"version":"v2.1.0","commit":%q,"build_time":"2026-11-25T12:00:00Z"}`, cmp.Or(f.strange[qualifier], f.commit))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"statusCode": status, "body": body})
}

// happened are the calls that changed something, and the smoke test's questions as one. What the served version is asked
// does not count.
func (f *fakeAWS) happened() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var entries []string
	for _, entry := range f.journal {
		if strings.HasSuffix(entry, " of live") {
			continue
		}
		if strings.HasPrefix(entry, "GET ") {
			entry = "smoke test"
		}
		entries = append(entries, entry)
	}
	return slices.Compact(entries)
}
