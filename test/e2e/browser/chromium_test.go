// Package browser tests the page that verifies a draw in a real browser, headless Chromium.
package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long one step of the browser may take before the test gives up.
const patience = 3 * time.Minute

// chromium is a running browser, spoken to in the DevTools protocol over two pipes: messages are JSON,
// each ended by a NUL.
type chromium struct {
	in      *os.File
	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	tabs    map[string]*tab // by their sessions
	stop    func()          // ends the browser and removes what it left
}

type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// shared is the browser of all tests, which run one after the other: to start one takes seconds. Each tab has a
// profile of its own.
var shared *chromium

var errNone = errors.New("no chromium, chromium-browser or google-chrome in PATH: the page was not tested in a browser")

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.stop()
	}
	os.Exit(code)
}

func start() (*chromium, error) {
	binary := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			binary = found
			break
		}
	}
	if binary == "" {
		return nil, errNone
	}
	toBrowser, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rifaapp-browser-")
	if err != nil {
		return nil, err
	}
	command := exec.Command(binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--lang=en-US", "--remote-debugging-pipe", "--user-data-dir="+dir, "about:blank")
	command.ExtraFiles = []*os.File{toBrowser, fromBrowser} // file descriptors 3 and 4
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	_ = toBrowser.Close()
	_ = fromBrowser.Close()
	c := &chromium{in: in, waiting: map[int]chan message{}, tabs: map[string]*tab{}}
	c.stop = func() {
		_, _ = c.call("", "Browser.close", nil)
		_ = in.Close()
		kill := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		_ = command.Wait()
		kill.Stop()
		_ = out.Close()
		_ = os.RemoveAll(dir)
	}
	go c.listen(out)
	return c, nil
}

// gone says whether the browser has ended.
func (c *chromium) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting == nil
}

func (c *chromium) listen(out *os.File) {
	reader := bufio.NewReader(out)
	for {
		line, err := reader.ReadBytes(0)
		if err != nil {
			c.mu.Lock()
			for _, reply := range c.waiting {
				close(reply)
			}
			c.waiting = nil
			c.mu.Unlock()
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &m) != nil {
			continue
		}
		c.mu.Lock()
		reply, asked := c.waiting[m.ID]
		delete(c.waiting, m.ID)
		page := c.tabs[m.SessionID]
		c.mu.Unlock()
		switch {
		case asked:
			reply <- m
		case page != nil:
			page.event(m)
		}
	}
}

var errGone = errors.New("the browser has gone")

// call sends one command and waits for its answer.
func (c *chromium) call(session, method string, params any) (json.RawMessage, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if params == nil {
		raw = nil
	}
	reply := make(chan message, 1)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return nil, errGone
	}
	c.last++
	id := c.last
	c.waiting[id] = reply
	data, _ := json.Marshal(message{ID: id, SessionID: session, Method: method, Params: raw})
	_, err = c.in.Write(append(data, 0))
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case m, ok := <-reply:
		if !ok {
			return nil, errGone
		}
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("%s: no answer after %s", method, patience)
	}
}

// tab is one page of the browser, with what went wrong on it.
type tab struct {
	t       *testing.T
	browser *chromium
	session string
	loaded  chan struct{}
	mu      sync.Mutex
	faults  []string
	visited []string
}

// open opens a tab until the test ends, or skips the test where there is no browser.
func open(t *testing.T) *tab {
	t.Helper()
	if shared != nil && shared.gone() {
		shared.stop()
		shared = nil
	}
	if shared == nil {
		c, err := start()
		if errors.Is(err, errNone) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		shared = c
	}
	c := shared
	p := &tab{t: t, browser: c, loaded: make(chan struct{}, 16)}
	var profile struct{ BrowserContextID string }
	p.ask("Target.createBrowserContext", nil, &profile)
	var target struct{ TargetID string }
	p.ask("Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": profile.BrowserContextID}, &target)
	var attached struct{ SessionID string }
	p.ask("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	c.mu.Lock()
	c.tabs[p.session] = p
	c.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "DOM"} {
		p.ask(domain+".enable", nil, nil)
	}
	t.Cleanup(func() {
		_, _ = c.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": profile.BrowserContextID})
		c.mu.Lock()
		delete(c.tabs, p.session)
		c.mu.Unlock()
	})
	return p
}

func (p *tab) ask(method string, params, into any) {
	p.t.Helper()
	result, err := p.browser.call(p.session, method, params)
	if err == nil && into != nil {
		err = json.Unmarshal(result, into)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// event notes what a page must not do: throw, log errors (a refused inline script is one), or ask
// another origin.
func (p *tab) event(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Method {
	case "Page.loadEventFired":
		select {
		case p.loaded <- struct{}{}:
		default: // nobody waits for so many, and all tabs have one listener
		}
	case "Runtime.exceptionThrown":
		p.faults = append(p.faults, string(m.Params))
	case "Log.entryAdded":
		var entry struct {
			Entry struct{ Level, Source, Text, URL string }
		}
		if json.Unmarshal(m.Params, &entry) == nil && entry.Entry.Level == "error" && entry.Entry.Source != "network" {
			p.faults = append(p.faults, entry.Entry.Text)
		}
	case "Network.requestWillBeSent":
		var sent struct{ Request struct{ URL string } }
		if json.Unmarshal(m.Params, &sent) == nil {
			p.visited = append(p.visited, sent.Request.URL)
		}
	}
}

// visit opens an address and waits until it is loaded.
func (p *tab) visit(url string) {
	p.t.Helper()
	p.ask("Page.navigate", map[string]any{"url": url}, nil)
	select {
	case <-p.loaded:
	case <-time.After(patience):
		p.t.Fatalf("%s does not load", url)
	}
}

// run evaluates an expression in the page, waits for it if it is a promise, and decodes its value.
func (p *tab) run(expression string, into any) {
	p.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	p.ask("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, answer.ExceptionDetails)
	}
	if into != nil {
		if err := json.Unmarshal(answer.Result.Value, into); err != nil {
			p.t.Fatalf("%s: %v: %s", expression, err, answer.Result.Value)
		}
	}
}

// clean fails the test when the page misbehaved or asked anybody but its own origin.
func (p *tab) clean(origin string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fault := range p.faults {
		p.t.Errorf("the page logs an error: %s", fault)
	}
	for _, url := range p.visited {
		if !strings.HasPrefix(url, origin) && !strings.HasPrefix(url, "about:") {
			p.t.Errorf("the page asks %s", url)
		}
	}
	p.faults, p.visited = nil, nil
}
