package draw

import (
	"bytes"
	"testing"
)

// A list of any bytes is refused, or is the one spelling of what it is read as.
func FuzzParseEntries(f *testing.F) {
	f.Add(AppendEntries(nil, vectorEntries()))
	f.Add(bytes.ReplaceAll(AppendEntries(nil, vectorEntries()), []byte("\n"), []byte("\r\n")))
	f.Add([]byte("number,owner\n-1,\n"))
	f.Add([]byte("number,owner\n01,00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ParseEntries(data)
		if err != nil {
			return
		}
		plain := bytes.TrimSuffix(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\n"))
		if written := AppendEntries(nil, entries); !bytes.Equal(bytes.TrimSuffix(written, []byte("\n")), plain) {
			t.Errorf("%q is read as %q", data, written)
		}
	})
}

// A proof of any bytes is judged without a panic, and verifies only as the draw it was.
func FuzzParseProof(f *testing.F) {
	s := play(f, rulesFor(MethodCommitReveal))
	good := s.evidence(f)
	f.Add(s.record)
	f.Add([]byte(`{"protocol":"rifa/v1","winners":[{}]}`))
	f.Add([]byte(`{"protocol":"rifa/v1","protocol":"rifa/v2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		proof, err := ParseProof(data)
		if err != nil {
			return
		}
		e := good
		e.Proof = proof
		if got := Verify(e); got.Verdict == Verified && (proof.Seal != good.Proof.Seal || len(proof.Winners) != len(good.Proof.Winners) || proof.Winners[0] != good.Proof.Winners[0]) {
			t.Errorf("another draw verifies: %s", data)
		}
	})
}
