package draw

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files writes a scenario's files and returns their folder.
func (s scenario) files(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"proof.json": mustJSON(t, s.proof), "entries.csv": s.csv, "receipt.json": mustJSON(t, s.receipt),
		"rifa-keys.json": mustJSON(t, s.keys), "rules.json": s.input.Rules,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
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
		{"lottery", lottery, "proof.json entries.csv --lottery-result 4821", 0, "number 21"},
		{"another result", lottery, "proof.json entries.csv --lottery-result 4822", 1, "you read 4822"},
		{"no result", lottery, "proof.json entries.csv --lottery-result ..", 2, "must be digits"},
		{"one file", s, "proof.json", 2, "Usage"},
		{"three files", s, "proof.json entries.csv rules.json", 2, "Usage"},
		{"unknown option", s, "proof.json entries.csv --network", 2, "Usage"},
		{"no such file", s, "nothing.json entries.csv", 2, "no such file"},
		{"no such list", s, "proof.json nothing.csv", 2, "no such file"},
		{"no such receipt", s, "proof.json entries.csv --receipt nothing.json", 2, "no such file"},
		{"files exchanged", s, "entries.csv proof.json", 1, "DOES NOT VERIFY"},
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
	if code, out, errs := command(t, dir, string(mustJSON(t, s.proof)), "-", "entries.csv"); code != 0 || !strings.Contains(out, "commit_reveal shows tampering") {
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
	} {
		code, out, errs := command(t, s.files(t), row.proof, "-", "entries.csv")
		if code != row.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, row.code, out, errs)
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
	s.csv = AppendEntries(nil, s.input.Entries)
	dir := s.files(b)
	b.ReportAllocs()
	for b.Loop() {
		if code, out, errs := command(b, dir, "", "proof.json", "entries.csv"); code != 0 {
			b.Fatal(out, errs)
		}
	}
}
