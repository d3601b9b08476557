package draw

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
)

const usage = `Usage: rifaapp verify-draw proof.json entries.csv [options]

Repeats a draw at home, offline. Get the two files from the raffle:
  proof.json    …/rifaapp/v2/raffles/{id}/draw
  entries.csv   …/rifaapp/v2/raffles/{id}/draw/entries.csv
Either may be "-" for the standard input.

Options:
  --seal E                  the seal you saw published before the draw
  --receipt receipt.json    the receipt of your purchase, or the answer of confirm that it is in
  --keys rifa-keys.json     the published receipt keys (…/rifaapp/.well-known/rifa-keys.json)
  --rules rules.json        the rules document, when the proof does not carry it (…/draw/rules)
  --lottery-result 4821     the result as you read it at the lottery, which its method needs; where several
                            draws of the lottery count, each in order: suspended,4800,4821

Exit code: 0 verified, 1 does not verify, 2 cannot tell.
`

// maxFile is more than any file of a raffle of 100 000 numbers needs: 7.2 MB of entries.
const maxFile = 16 << 20

// arguments are what `verify-draw` was called with.
type arguments struct {
	proof, entries, seal, receipt, keys, rules, lottery string
}

// Command is `rifaapp verify-draw`: args are what follows these words. It reads the files named in
// args, or stdin for "-", uses no network, prints every step to stdout and what keeps it from working
// to stderr. The exit code is the Verdict: 0 verified, 1 does not verify, 2 cannot tell.
func Command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = screen{stdout}, screen{stderr}
	parsed, err := parseArguments(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return int(Verified)
	}
	if err != nil {
		fmt.Fprintf(stderr, "verify-draw: %v\n\n%s", err, usage)
		return int(CannotTell)
	}
	evidence, err := parsed.read(stdin)
	var wrong *unreadable
	if errors.As(err, &wrong) {
		fmt.Fprintf(stdout, "[does not match] %v\n\nDOES NOT VERIFY.\n", err)
		return int(DoesNotVerify)
	}
	var misused *misuse
	if errors.As(err, &misused) {
		fmt.Fprintf(stderr, "verify-draw: %v\n\n%s", err, usage)
		return int(CannotTell)
	}
	if err != nil {
		fmt.Fprintf(stderr, "verify-draw: %v\n", err)
		return int(CannotTell)
	}
	if ctx.Err() != nil {
		fmt.Fprintf(stderr, "verify-draw: stopped: %v\n", ctx.Err())
		return int(CannotTell)
	}
	report := Verify(evidence)
	report.write(stdout, evidence.Proof)
	return int(report.Verdict)
}

// parseArguments takes options before, between and after the two files.
func parseArguments(args []string) (arguments, error) {
	var a arguments
	set := flag.NewFlagSet("verify-draw", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&a.seal, "seal", "", "")
	set.StringVar(&a.receipt, "receipt", "", "")
	set.StringVar(&a.keys, "keys", "", "")
	set.StringVar(&a.rules, "rules", "", "")
	set.StringVar(&a.lottery, "lottery-result", "", "")
	var files []string
	for {
		if err := set.Parse(args); err != nil {
			return a, err
		}
		if set.NArg() == 0 {
			break
		}
		files, args = append(files, set.Arg(0)), set.Args()[1:]
	}
	if len(files) != 2 {
		return a, fmt.Errorf("two files are needed, proof.json and entries.csv; %d given", len(files))
	}
	a.proof, a.entries = files[0], files[1]
	return a, nil
}

// unreadable is a file that was read and is not what it should be: that is a mismatch, not a doubt.
type unreadable struct{ err error }

func (u *unreadable) Error() string { return u.err.Error() }
func (u *unreadable) Unwrap() error { return u.err }

// misuse is an option that cannot be followed.
type misuse struct{ message string }

func (m *misuse) Error() string { return m.message }

func (a arguments) read(stdin io.Reader) (Evidence, error) {
	var e Evidence
	data, err := readText(a.proof, stdin)
	if err != nil {
		return e, err
	}
	if e.Proof, err = ParseProof(data); err != nil {
		return e, a.noProof(data, err)
	}
	if data, err = readText(a.entries, stdin); err != nil {
		return e, err
	}
	if e.Entries, err = ParseEntries(data); err != nil {
		return e, &unreadable{err}
	}
	return e, a.readOwn(&e, stdin)
}

// noProof says what the first file is instead of a proof, where that can be told: a mistake of the hand must not
// read as a forged draw.
func (a arguments) noProof(data []byte, err error) error {
	if bytes.HasPrefix(data, []byte("number,")) {
		return &misuse{fmt.Sprintf("%s is a list of numbers: the proof comes first, %s looks swapped with it", a.proof, a.entries)}
	}
	var answer struct{ Code, Detail string }
	named, faulty := memberNames(data)
	_ = json.Unmarshal(data, &answer)
	switch {
	case answer.Code != "" && answer.Detail != "":
		return &misuse{fmt.Sprintf("%s is no proof but a refusal of the API: %s", a.proof, answer.Detail)}
	case faulty == nil && json.Valid(data) && !named["protocol"]:
		return &misuse{a.proof + " is no proof: save what …/rifaapp/v2/raffles/{id}/draw answers to GET"}
	case errors.Is(err, ErrProtocol):
		return err
	}
	return &unreadable{err}
}

// readOwn reads what the buyer has of his own.
func (a arguments) readOwn(e *Evidence, stdin io.Reader) error {
	if a.seal != "" {
		witness, err := ParseHash(strings.ToLower(strings.TrimSpace(a.seal)))
		if err != nil {
			return fmt.Errorf("--seal: %w", err)
		}
		e.Witness = &witness
	}
	if a.receipt != "" {
		var err error
		if e.Receipt, err = readReceipt(a.receipt, stdin); err != nil {
			return fmt.Errorf("--receipt: %w", err)
		}
	}
	if a.keys != "" {
		var err error
		if e.Keys, err = readKeys(a.keys, stdin); err != nil {
			return fmt.Errorf("--keys: %w", err)
		}
	}
	if a.rules != "" {
		var err error
		if e.Rules, err = readFile(a.rules, stdin); err != nil {
			return fmt.Errorf("--rules: %w", err)
		}
	}
	return a.readResults(e)
}

// readResults takes the lottery's results as the buyer read them.
func (a arguments) readResults(e *Evidence) error {
	if a.lottery == "" {
		return nil
	}
	if e.Proof.Method != MethodLottery {
		return &misuse{fmt.Sprintf("--lottery-result does not apply: this draw's method is %s, which follows no lottery; leave the option out", e.Proof.Method)}
	}
	for read := range strings.SplitSeq(a.lottery, ",") {
		read = strings.TrimSpace(read)
		if read == "" || read != ReadSuspended && strings.Trim(read, "0123456789") != "" {
			return &misuse{"--lottery-result: must be digits, such as 4821; or several results with commas between them, and " + ReadSuspended + " for a draw that was not held"}
		}
		e.Readings = append(e.Readings, read)
	}
	return nil
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: longer than any file of a raffle", name)
	}
	return data, err
}

// readText is readFile without the mark that some editors and spreadsheets put before UTF-8. Some shells write
// what they download as UTF-16, which is no fault of the draw's.
func readText(name string, stdin io.Reader) ([]byte, error) {
	data, err := readFile(name, stdin)
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s was saved as UTF-16: download it once more with a browser, or with curl -o, and leave it as it is", name)
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), err
}

// readReceipt takes a receipt, or the one inside the saved answer of confirm.
func readReceipt(name string, stdin io.Reader) (*Receipt, error) {
	data, err := readText(name, stdin)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Receipt json.RawMessage `json:"receipt"`
	}
	if json.Unmarshal(data, &answer) == nil && answer.Receipt != nil {
		data = answer.Receipt
	}
	named, err := memberNames(data)
	if err != nil || !named["purchase_id"] || !named["signature"] {
		return nil, fmt.Errorf("%s is no receipt: give the answer of confirm, or what …/purchases/{purchase_id}/receipt serves", name)
	}
	receipt := new(Receipt)
	if err = json.Unmarshal(data, receipt); err == nil {
		err = checkSpelling(data)
	}
	if err != nil {
		return nil, &unreadable{fmt.Errorf("%s was changed: %w", name, err)}
	}
	return receipt, nil
}

// readKeys takes the published keys.
func readKeys(name string, stdin io.Reader) (*Keys, error) {
	data, err := readText(name, stdin)
	if err != nil {
		return nil, err
	}
	keys := new(Keys)
	if err := json.Unmarshal(data, keys); err != nil || keys.Keys == nil {
		return nil, fmt.Errorf("%s is no list of keys: give what …/rifaapp/.well-known/rifa-keys.json serves", name)
	}
	return keys, nil
}

// screen writes what comes from files so that no terminal obeys it: control characters could hide a line, and
// those that change the direction of writing could turn a number round.
type screen struct{ to io.Writer }

func (s screen) Write(text []byte) (int, error) {
	if _, err := s.to.Write(bytes.Map(harmless, text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

func harmless(r rune) rune {
	if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
		return unicode.ReplacementChar
	}
	return r
}

var conclusions = map[Verdict]string{
	Verified:      "VERIFIED. The draw is what its rules, its list and its seal make it.",
	DoesNotVerify: "DOES NOT VERIFY. At least one step above does not match; keep these files.",
	CannotTell:    "CANNOT TELL. Nothing contradicts the draw, but something needed is missing; see above.",
}

// write prints the report for a person.
func (r Report) write(w io.Writer, p Proof) {
	method := strings.ReplaceAll(string(p.Method), "\n", " ") // the header is one line, whatever the proof says
	fmt.Fprintf(w, "Raffle %s, protocol %s, method %s\n\n", p.RaffleID, p.Protocol, method)
	for i, s := range r.Steps {
		fmt.Fprintf(w, "%2d. [%s] %s\n", i+1, s.Status, s.Title)
		for line := range strings.SplitSeq(s.Detail, "\n") {
			fmt.Fprintf(w, "      %s\n", line)
		}
	}
	if p.Method == MethodCommitReveal {
		fmt.Fprint(w, "\nNote: commit_reveal shows tampering; it cannot show that whoever knew the secret did not buy with that knowledge.\n")
	}
	fmt.Fprintf(w, "\nNot covered by the proof: %s. Of available_at and drawn_at it shows only that the draw was not too early.\n", strings.Join(NotCovered, ", "))
	if p.Method == MethodLottery {
		fmt.Fprintf(w, "Nor, in lottery_results: %s.\n", strings.Join(NotCoveredOfResults, ", "))
	}
	conclusion := conclusions[r.Verdict]
	if r.Verdict == Verified && r.Unruled {
		conclusion = "VERIFIED, but for the rules: the winners are what list and seal make them; how many there must be, the bundle does not say."
	}
	fmt.Fprintf(w, "\n%s\n", conclusion)
}
