package draw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// files writes a scenario's files and returns their folder.
func (s scenario) files(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"proof.json": s.record, "entries.csv": s.csv, "receipt.json": mustJSON(t, s.receipt),
		"rifa-keys.json": mustJSON(t, s.keys), "rules.json": s.input.Rules,
		"confirmed.json":  mustJSON(t, map[string]any{"purchase_id": uuid.UUID{1}, "status": "confirmed", "receipt": s.receipt}),
		"refusal.json":    []byte(`{"code":"not_drawn","detail":"This raffle has neither been sealed nor drawn yet."}`),
		"no-receipt.json": []byte(`{"purchase_id": "x", "receipt": null}`), "text.json": []byte("my receipt"),
		"short.json":       bytes.Replace(mustJSON(t, s.receipt), []byte(`"owner":"`), []byte(`"owner":"0`), 1),
		"unruled.json":     unruled(t, s),
		"ninety-nine.json": []byte(strings.Replace(string(s.record), fmt.Sprintf(`"winning_number":%d`, first(s)), `"winning_number":99`, 1)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func first(s scenario) int {
	if len(s.proof.Winners) == 0 {
		return 0
	}
	return s.proof.Winners[0].Number
}

// unruled is the record with all winners but the first cut out, and the rules, which would show it.
func unruled(t testing.TB, s scenario) []byte {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(s.record, &members); err != nil {
		t.Fatal(err)
	}
	members["rules"], members["winners"] = []byte(`""`), mustJSON(t, s.proof.Winners[:1])
	return mustJSON(t, members)
}

// command runs verify-draw; words that name a file of dir become its path.
func command(t testing.TB, dir, stdin string, words ...string) (code int, out, errors string) {
	t.Helper()
	for i, w := range words {
		if strings.Contains(w, ".json") || strings.Contains(w, ".csv") {
			words[i] = filepath.Join(dir, w)
		}
	}
	var stdout, stderr bytes.Buffer
	code = Command(t.Context(), words, strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestCommand(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	lottery := play(t, rulesFor(MethodLottery), someResult)
	seal := s.input.Seal.E.String()
	for _, row := range []struct {
		name  string
		of    scenario
		words string
		code  int
		says  string
	}{
		{"plain", s, "proof.json entries.csv", 0, "VERIFIED"},
		{"all options", s, "proof.json entries.csv --seal " + seal + " --receipt receipt.json --keys rifa-keys.json --rules rules.json", 0, "numbers [3 21 67]"},
		{"options first", s, "--seal=" + seal + " proof.json --receipt receipt.json entries.csv", 0, "VERIFIED"},
		{"capitals in the seal", s, "proof.json entries.csv --seal " + strings.ToUpper(seal), 0, "VERIFIED"},
		{"another seal", s, "proof.json entries.csv --seal " + strings.Repeat("0", 64), 1, "you saw 0000"},
		{"half a seal", s, "proof.json entries.csv --seal 12", 2, "--seal"},
		{"no rules and the winners cut", s, "unruled.json entries.csv", 2, "/draw/rules"},
		{"the winners cut", s, "unruled.json entries.csv --rules rules.json", 1, "the proof stops after 1 of 4 picks"},
		{"another winning number", s, "ninety-nine.json entries.csv", 1, "the proof says 99"},
		{"the answer of confirm", s, "proof.json entries.csv --receipt confirmed.json", 0, "numbers [3 21 67]"},
		{"an answer without a receipt", s, "proof.json entries.csv --receipt no-receipt.json", 2, "no receipt"},
		{"the proof for a receipt", s, "proof.json entries.csv --receipt proof.json", 2, "no receipt"},
		{"a text for a receipt", s, "proof.json entries.csv --receipt text.json", 2, "no receipt"},
		{"a broken receipt", s, "proof.json entries.csv --receipt short.json", 1, "64 lower-case"},
		{"a text for the keys", s, "proof.json entries.csv --receipt receipt.json --keys text.json", 2, "rifa-keys.json"},
		{"the proof for the keys", s, "proof.json entries.csv --receipt receipt.json --keys proof.json", 2, "rifa-keys.json"},
		{"a result of no lottery", s, "proof.json entries.csv --lottery-result 4821", 2, "does not apply"},
		{"a result of no lottery, with the usage", s, "proof.json entries.csv --lottery-result 4821", 2, "Usage"},
		{"what is not covered", s, "proof.json entries.csv", 0, "winner_ticket_id"},
		{"a result nobody looked up", lottery, "proof.json entries.csv", 2, "2023-08-23 (https://lottery.example/4562)"},
		{"lottery", lottery, "proof.json entries.csv --lottery-result 4821", 0, "number 21"},
		{"another result", lottery, "proof.json entries.csv --lottery-result 4822", 1, "you read 4822"},
		{"no result", lottery, "proof.json entries.csv --lottery-result ..", 2, "must be digits"},
		{"one file", s, "proof.json", 2, "Usage"},
		{"three files", s, "proof.json entries.csv rules.json", 2, "Usage"},
		{"unknown option", s, "proof.json entries.csv --network", 2, "Usage"},
		{"no such file", s, "nothing.json entries.csv", 2, "no such file"},
		{"no such list", s, "proof.json nothing.csv", 2, "no such file"},
		{"no such receipt", s, "proof.json entries.csv --receipt nothing.json", 2, "no such file"},
		{"files exchanged", s, "entries.csv proof.json", 2, "swapped"},
		{"a refusal for the proof", s, "refusal.json entries.csv", 2, "neither been sealed"},
		{"another answer for the proof", s, "confirmed.json entries.csv", 2, "confirmed.json is no proof"},
		{"the list twice", s, "proof.json rules.json", 1, "number,owner"},
		{"help", s, "--help", 0, "Exit code"},
	} {
		code, out, errs := command(t, row.of.files(t), "", strings.Fields(row.words)...)
		if code != row.code || !strings.Contains(out+errs, row.says) {
			t.Errorf("%s: exit %d, want %d with %q\n%s%s", row.name, code, row.code, row.says, out, errs)
		}
	}
}

func TestCommandReadsStandardInput(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodCommitReveal))
	dir := s.files(t)
	if code, out, errs := command(t, dir, string(s.record), "-", "entries.csv"); code != 0 || !strings.Contains(out, "commit_reveal shows tampering") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestCommandOnBrokenAndForeignProofs(t *testing.T) {
	t.Parallel()
	s := play(t, rulesFor(MethodBeacon))
	good := string(mustJSON(t, s.proof))
	for name, row := range map[string]struct {
		proof string
		code  int
	}{
		"not JSON":          {"{", 1},
		"empty":             {"", 1},
		"a list":            {"[]", 1},
		"a member twice":    {strings.Replace(good, `"n":10`, `"n":10,"n":10`, 1), 1},
		"a member in caps":  {strings.Replace(good, `"n":10`, `"N":10`, 1), 1},
		"a later protocol":  {strings.Replace(good, "rifa/v1", "rifa/v2", 1), 2},
		"a longer hash":     {strings.Replace(good, `"root":"`, `"root":"00`, 1), 1},
		"one more member":   {strings.Replace(good, `"n":10`, `"n":10,"title":"Rifa"`, 1), 0},
		"null for nothing":  {strings.Replace(good, `"secret":""`, `"secret":null`, 1), 0},
		"another signature": {strings.Replace(good, round1000Signature[:8], "b44679b8", 1), 1},
		"a huge exponent":   {strings.Replace(good, `"n":10`, `"n":10,"more":1e400`, 1), 0},
		"a winner's number": {strings.Replace(good, `"number":`, `"number":0,"number":`, 1), 1},
		"a winner's NUMBER": {strings.Replace(good, `"number":`, `"NUMBER":0,"number":`, 1), 1},
		"two in one inside": {strings.Replace(good, `"n":10`, `"n":10,"more":[[{"a":{"b":1,"b":2}}]]`, 1), 1},
		"a long-s seal":     {strings.Replace(good, `"seal":"`, `"seal":"`+strings.Repeat("0", 64)+`","ſeal":"`, 1), 1},
		"too deep":          {strings.Replace(good, `"n":10`, `"n":10,"more":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20), 1), 1},
		"an hour of 1":      {strings.Replace(good, `T15:58:24Z`, `T24:58:24Z`, 1), 1},
		"a comma in time":   {strings.Replace(good, `:24Z"`, `:24,0Z"`, 1), 1},
		"zeros in time":     {strings.Replace(good, `:24Z"`, `:24.000Z"`, 1), 0},
		"another zone":      {strings.Replace(good, `T15:58:24Z"`, `T10:58:24-05:00"`, 1), 0},
		"a mark before it":  {"\ufeff" + good, 0},
		"UTF-16":            {"\xff\xfe{\x00", 2},
	} {
		code, out, errs := command(t, s.files(t), row.proof, "-", "entries.csv")
		if code != row.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, row.code, out, errs)
		}
	}
}

// What a proof says is shown and obeyed by no terminal: nothing of it hides a line or turns a number round.
func TestNothingInAProofSteersTheTerminal(t *testing.T) {
	t.Parallel()
	steering := "\x1b[8m\u009b2J\r\u202e\u2066\nVERIFIED."
	s := play(t, rulesFor(MethodLottery), someResult)
	dir := s.files(t)
	s.proof.Results = slices.Clone(s.input.Results)
	s.proof.Results[0].DrawNumber, s.proof.Results[0].SourceURL = steering, steering
	s.proof.Winners = nil
	foreign := s.proof
	foreign.Method = Method(steering)
	for name, proof := range map[string]Proof{"a lottery's": s.proof, "another method's": foreign} {
		code, out, _ := command(t, dir, string(mustJSON(t, proof)), "-", "entries.csv")
		if code != int(DoesNotVerify) || strings.ContainsAny(out, "\x1b\u009b\r\u202e\u2066") || strings.Contains(out, "\nVERIFIED.") {
			t.Errorf("%s proof: exit %d, %q", name, code, out)
		}
	}
}

// Spreadsheets and editors change line ends; nothing else may change.
func TestEntriesFile(t *testing.T) {
	t.Parallel()
	owner := TH("x").String()
	for text, ok := range map[string]bool{
		"number,owner\n3," + owner + "\n":                        true,
		"number,owner\r\n3," + owner + "\r\n":                    true,
		"number,owner\n3," + owner:                               true,
		"number,owner\n3," + owner + "\r":                        false,
		"number,owner\n3," + owner + "\n\n":                      false,
		"number,owner\n03," + owner + "\n":                       false,
		"number,owner\n+3," + owner + "\n":                       false,
		"number,owner\n-3," + owner + "\n":                       false,
		"number,owner\n3," + strings.ToUpper(owner) + "\n":       false,
		"number,owner\n3," + owner + ",x\n":                      false,
		"number,owner\n3\n":                                      false,
		"Number,Owner\n3," + owner + "\n":                        false,
		"number,owner\n3," + owner + "\n3," + owner + "\n":       false,
		"number,owner\n" + strings.Repeat("9", 30) + "," + owner: false,
		"number,owner\n":                                         false,
		"":                                                       false,
		"\xef\xbb\xbfnumber,owner\n3," + owner + "\n":            false,
	} {
		if _, err := ParseEntries([]byte(text)); (err == nil) != ok {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	var tooMany bytes.Buffer
	fmt.Fprintln(&tooMany, EntriesHeader)
	for i := range MaxEntries + 1 {
		fmt.Fprintf(&tooMany, "%d,%s\n", i, owner)
	}
	if _, err := ParseEntries(tooMany.Bytes()); err == nil {
		t.Error("a list longer than any raffle is accepted")
	}
}

func BenchmarkVerify100000(b *testing.B) {
	s := play(b, rulesFor(MethodBeacon))
	in := rulesFor(MethodBeacon)
	in.NumberStart, in.Total = 1, MaxEntries
	s.input.Rules, s.input.Entries = mustRules(b, in), hundredThousand()
	list, _ := NewList(s.input.Entries)
	var err error
	if s.input.Seal, err = NewSeal(SealInput{RaffleID: vectorRaffle, Rules: s.input.Rules, List: list, SealedAt: s.input.Seal.SealedAt}); err != nil {
		b.Fatal(err)
	}
	if s.result, err = Draw(s.input); err != nil {
		b.Fatal(err)
	}
	s.proof, _ = NewProof(s.input, &s.result)
	s.csv, s.record = AppendEntries(nil, s.input.Entries), record(b, s)
	dir := s.files(b)
	b.ReportAllocs()
	for b.Loop() {
		if code, out, errs := command(b, dir, "", "proof.json", "entries.csv"); code != 0 {
			b.Fatal(out, errs)
		}
	}
}
