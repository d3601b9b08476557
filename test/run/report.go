package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rifaapp/rifaapp/test/trust"
)

// event is a line of `go test -json` (see go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// report adds up what the tests did.
type report struct {
	out      io.Writer
	database string
	raceless string // why there is no race detector
	watched  int    // packages tested with it
	plain    int    // and without
	started  time.Time
	timeout  time.Duration // of one package
	suite    string        // of a soak, under way
	flags    []string      // of go test, for all packages of that run or suite
	latest   latest        // how far it said it was
	packages []*packageReport
	byName   map[string]*packageReport
	build    strings.Builder // what the compiler said
}

// latest is the last line of progress; one goroutine writes it and another reads it.
type latest struct {
	mu   sync.Mutex
	text string
}

func (l *latest) set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
}

func (l *latest) get() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

type packageReport struct {
	name                    string // of the package, after that of the suite in a soak
	passed, failed, skipped int
	broken                  bool // failed without a failing test: it did not compile or its main failed
	none                    bool // has no tests
	elapsed                 float64
	output                  map[string]*strings.Builder // of each test, "" for the package itself
	failures                []string
	figures                 []string // what suites of test/trust came to
	skips                   []string
}

// test runs the packages and adds what they did. An error means that the tests could not be run at
// all; failing tests are in the report.
func (r *report) test(ctx context.Context, flags, packages []string) error {
	// One package more than processors: of any two one mostly waits, for a browser, Terraform or a lock.
	atOnce := strconv.Itoa(runtime.NumCPU() + 1)
	args := slices.Concat([]string{"test", "-json", "-p", atOnce, "-timeout", r.timeout.String()}, r.flags, flags)
	command := goCommand(ctx, append(args, packages...)...)
	command.Stdout = nil
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(os.Stderr, lines.Text())
			continue
		}
		r.add(e)
	}
	waitErr := command.Wait()
	if ctx.Err() != nil {
		return errInterrupted
	}
	if waitErr != nil && r.failed() == 0 {
		return fmt.Errorf("go test failed without a failing test: %w\n%s", waitErr, r.build.String())
	}
	return lines.Err()
}

func (r *report) add(e event) {
	if e.Action == "build-output" {
		r.build.WriteString(e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := r.of(e.Package)
	switch {
	case e.Action == "output":
		if _, far, ok := strings.Cut(e.Output, trust.ProgressMark); ok {
			r.latest.set(strings.TrimSpace(far))
			return
		}
		p.write(e.Test, e.Output)
	case e.Test != "":
		p.count(e)
		if e.Action == "fail" { // now: a run may be interrupted before its end
			p.printFailure(r.out, e.Test)
		}
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		p.end(e)
		p.printEnd(r.out)
	}
}

func (r *report) of(name string) *packageReport {
	if r.byName == nil {
		r.byName = map[string]*packageReport{}
	}
	key := strings.TrimPrefix(name, module)
	if r.suite != "" {
		key = fmt.Sprintf("%-10s %s", r.suite, key)
	}
	p := r.byName[key]
	if p == nil {
		p = &packageReport{name: key, output: map[string]*strings.Builder{}}
		r.byName[key] = p
		r.packages = append(r.packages, p)
	}
	return p
}

func (p *packageReport) write(test, text string) {
	if _, figure, ok := strings.Cut(text, trust.FigureMark); ok {
		p.figures = append(p.figures, strings.TrimSpace(figure))
	}
	b := p.output[test]
	if b == nil {
		b = &strings.Builder{}
		p.output[test] = b
	}
	b.WriteString(text)
}

func (p *packageReport) count(e event) {
	switch e.Action {
	case "pass":
		p.passed++
		delete(p.output, e.Test)
	case "fail":
		p.failed++
		p.failures = append(p.failures, e.Test)
	case "skip":
		p.skipped++
		p.skips = append(p.skips, e.Test+": "+reason(p.output[e.Test]))
	}
}

// end notes how the package ended.
func (p *packageReport) end(e event) {
	p.elapsed = e.Elapsed
	p.none = e.Action == "skip"
	p.broken = e.Action == "fail" && p.failed == 0
}

func (p *packageReport) printEnd(w io.Writer) {
	if p.none {
		return
	}
	mark := "ok  "
	if p.failed > 0 || p.broken {
		mark = "FAIL"
	}
	fmt.Fprintf(w, "%s %-34s %6.1f s\n", mark, p.name, p.elapsed)
}

// reason is what a skipped test said.
func reason(output *strings.Builder) string {
	if output == nil {
		return "no reason given"
	}
	for line := range strings.Lines(output.String()) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			if _, text, ok := strings.Cut(line, ".go:"); ok {
				_, line, _ = strings.Cut(text, ": ")
			}
			return line
		}
	}
	return "no reason given"
}

func (r *report) failed() (n int) {
	for _, p := range r.packages {
		n += p.failed
		if p.broken {
			n++
		}
	}
	return n
}

// print writes failures first, then the table, the skips and the summary line.
func (r *report) print() {
	w := r.out
	r.printFailures(w)
	passed, skipped := 0, 0
	fmt.Fprintf(w, "\n%-34s %7s %7s %7s %9s\n", "package", "passed", "skipped", "failed", "seconds")
	for _, p := range r.packages {
		if p.none {
			continue
		}
		note := ""
		if p.broken {
			note = "  " + failedOutside
		}
		fmt.Fprintf(w, "%-34s %7d %7d %7d %9.1f%s\n", p.name, p.passed, p.skipped, p.failed, p.elapsed, note)
		passed += p.passed
		skipped += p.skipped
	}
	for _, p := range r.packages {
		for _, skip := range p.skips {
			fmt.Fprintf(w, "skipped: %s: %s\n", p.name, skip)
		}
	}
	r.printFigures(w)
	r.printFailed(w)
	fmt.Fprintf(w, "\nPostgreSQL: %s; %s; %s in all.\n", r.database, r.races(), time.Since(r.started).Round(time.Second))
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", passed, r.failed(), skipped)
}

// races says how much was tested with the race detector.
func (r *report) races() string {
	switch {
	case r.raceless != "":
		return "without the race detector: " + r.raceless
	case r.watched == 0:
		return "without the race detector"
	}
	return fmt.Sprintf("with the race detector in %d of %d packages", r.watched, r.watched+r.plain)
}

func (r *report) printFailures(w io.Writer) {
	if r.build.Len() > 0 {
		fmt.Fprintf(w, "\n%s", r.build.String())
	}
	for _, p := range r.packages {
		if p.failed == 0 && !p.broken {
			continue
		}
		fmt.Fprintf(w, "\n--- %s\n", p.name)
		for _, test := range p.failures {
			if output := p.output[test]; output != nil {
				fmt.Fprint(w, output.String())
			}
		}
		if output := p.output[""]; output != nil {
			fmt.Fprint(w, output.String())
		}
	}
}

// printFailed names what failed once more, with the beginning of what it said: where only the end of a run is kept,
// as in a log of CI, that is all there is.
func (r *report) printFailed(w io.Writer) {
	for _, p := range r.packages {
		if p.broken {
			printFailure(w, p.name+" "+failedOutside, p.output[""])
		}
		for _, test := range p.failures {
			p.printFailure(w, test)
		}
	}
}

// failedOutside says that a package did not compile, or that what it looks at before or after its tests is wrong.
const failedOutside = "failed outside its tests"

// printFailure names a test that failed, unless it did because of its part, which is named for itself.
func (p *packageReport) printFailure(w io.Writer, test string) {
	if !slices.ContainsFunc(p.failures, func(other string) bool { return strings.HasPrefix(other, test+"/") }) {
		printFailure(w, p.name+": "+test, p.output[test])
	}
}

func printFailure(w io.Writer, what string, output *strings.Builder) {
	fmt.Fprintf(w, "failed: %s\n", what)
	for _, line := range beginning(output) {
		fmt.Fprintf(w, "        %s\n", line)
	}
}

const (
	begunLines = 4
	begunWidth = 300 // bytes of a line
)

// beginning is the first lines of what a test said, without those of the runner.
func beginning(output *strings.Builder) (lines []string) {
	if output == nil {
		return nil
	}
	for line := range strings.Lines(output.String()) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") {
			continue
		}
		if len(lines) == begunLines {
			break
		}
		lines = append(lines, strings.ToValidUTF8(line[:min(len(line), begunWidth)], ""))
	}
	return lines
}

// printFigures writes what the suites of test/trust counted, promise by promise.
func (r *report) printFigures(w io.Writer) {
	var figures []string
	for _, p := range r.packages {
		figures = append(figures, p.figures...)
	}
	if len(figures) == 0 {
		return
	}
	slices.SortFunc(figures, func(a, b string) int { // R10 after R9
		one, _, _ := strings.Cut(a, " ")
		other, _, _ := strings.Cut(b, " ")
		return cmp.Or(cmp.Compare(len(one), len(other)), strings.Compare(a, b))
	})
	fmt.Fprintf(w, "\npromise  figures\n")
	for _, figure := range figures {
		promise, text, _ := strings.Cut(figure, " ")
		fmt.Fprintf(w, "%-7s  %s\n", promise, strings.TrimSpace(text))
	}
}
