package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
)

// The command says what it found with its exit status: 0 verified, 1 does not verify, 2 cannot tell.
func TestVerifyDraw(t *testing.T) {
	t.Parallel()
	proof, entries := drawnRaffle(t)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good, list := write("proof.json", proof), write("entries.csv", entries)
	changed := write("changed.csv", bytes.Replace(entries, []byte("\n12,"), []byte("\n13,"), 1))
	var members map[string]json.RawMessage
	if err := json.Unmarshal(proof, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "rules")
	bare, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	unruled := write("unruled.json", bare)
	for name, row := range map[string]struct {
		args []string
		exit int
		says string
	}{
		"verified":        {[]string{good, list}, 0, "VERIFIED."},
		"does not verify": {[]string{good, changed}, 1, "DOES NOT VERIFY."},
		"cannot tell":     {[]string{unruled, list}, 2, "CANNOT TELL."},
		"no lottery":      {[]string{good, list, "--lottery-result", "4821"}, 2, "does not apply"},
		"no file":         {[]string{good}, 2, "two files are needed"},
	} {
		var out bytes.Buffer
		none := func(string) string { return "" }
		err := run(t.Context(), append([]string{"verify-draw"}, row.args...), none, strings.NewReader(""), &out, &out)
		var exit exitError
		if errors.As(err, &exit); int(exit) != row.exit || err != nil && exit == 0 || !strings.Contains(out.String(), row.says) {
			t.Errorf("%s: %v, want exit status %d\n%s", name, err, row.exit, &out)
		}
	}
}

// drawnRaffle is a finished draw, as proof.json and entries.csv.
func drawnRaffle(t *testing.T) (proof, entries []byte) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rules, err := draw.BuildRules(draw.RulesInput{Method: draw.MethodCommitReveal, Total: 100})
	must(err)
	in := draw.Input{Rules: rules, Secret: draw.NewSecret(), Entries: []draw.Entry{{Number: 3}, {Number: 12}, {Number: 45}}}
	list, err := draw.NewList(in.Entries)
	must(err)
	in.Seal, err = draw.NewSeal(draw.SealInput{RaffleID: uuid.New(), Rules: rules, Secret: in.Secret, List: list, SealedAt: time.Now()})
	must(err)
	result, err := draw.Draw(in)
	must(err)
	bundle, err := draw.NewProof(in, &result)
	must(err)
	proof, err = json.Marshal(bundle)
	must(err)
	return proof, draw.AppendEntries(nil, in.Entries)
}
