package draw

import (
	"crypto/sha256"
	"slices"
	"testing"
)

// TestTreeOfCertificateTransparency uses the leaves and roots of the reference implementation of
// RFC 6962, whose leaves are of any length.
func TestTreeOfCertificateTransparency(t *testing.T) {
	t.Parallel()
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	for n, want := range roots {
		level := make([]Hash, n)
		for i := range n {
			level[i] = sha256.Sum256(append([]byte{0}, mustHex(inputs[i])...))
		}
		if got := root(level).String(); got != want {
			t.Errorf("%d leaves: root %s, want %s", n, got, want)
		}
	}
}

// recursive is the definition of RFC 6962, section 2.1, word for word.
func recursive(leaves []Hash) Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return node(recursive(leaves[:k]), recursive(leaves[k:]))
}

func someEntries(n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{Number: 3 * i, Owner: TH("test", u64(uint64(i%(n/3+1))))}
	}
	return entries
}

var treeSizes = []int{1, 2, 3, 4, 5, 7, 8, 9, 100, 1023, 1024, 1025, 2047, 2048, 2049, 3000, 5121}

func TestRootIsThatOfTheDefinition(t *testing.T) {
	t.Parallel()
	for _, n := range treeSizes {
		entries := someEntries(n)
		list, err := NewList(entries)
		if err != nil {
			t.Fatal(err)
		}
		leaves := make([]Hash, n)
		for i, e := range entries { // through the notation, not through the frame
			l := TH("rifa/v1/leaf", u64(uint64(i)), u64(uint64(e.Number)), e.Owner[:])
			leaves[i] = sha256.Sum256(append([]byte{0}, l[:]...))
		}
		if want := recursive(leaves); list.Root != want {
			t.Errorf("%d entries: root %s, want %s", n, list.Root, want)
		}
	}
}

func TestInclusionOfEveryEntry(t *testing.T) {
	t.Parallel()
	for _, n := range treeSizes {
		entries := someEntries(n)
		list, _ := NewList(entries)
		for at := 0; at < n; at += 1 + n/50 {
			from, to := ChunkRange(at, n)
			proof, err := list.NewInclusion(vectorRaffle, at, entries[from:to])
			if err != nil {
				t.Fatalf("entry %d of %d: %v", at, n, err)
			}
			if err := proof.Verify(list.Root, n); err != nil || proof.Number != entries[at].Number {
				t.Errorf("entry %d of %d: %v", at, n, err)
			}
		}
	}
}

func TestInclusionRefusesWhatWasChanged(t *testing.T) {
	t.Parallel()
	entries := someEntries(1500)
	list, _ := NewList(entries)
	from, to := ChunkRange(1300, 1500)
	good, err := list.NewInclusion(vectorRaffle, 1300, entries[from:to])
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Inclusion){
		"number":       func(p *Inclusion) { p.Number++ },
		"owner":        func(p *Inclusion) { p.Owner[31] ^= 1 },
		"index":        func(p *Inclusion) { p.Index-- },
		"index beyond": func(p *Inclusion) { p.Index = 1500 },
		"index below":  func(p *Inclusion) { p.Index = -1 },
		"n":            func(p *Inclusion) { p.N++ },
		"leaf":         func(p *Inclusion) { p.Leaf[0] ^= 1 },
		"root":         func(p *Inclusion) { p.Root[0] ^= 1 },
		"path node":    func(p *Inclusion) { p.Path[3][5] ^= 1 },
		"path shorter": func(p *Inclusion) { p.Path = p.Path[:len(p.Path)-1] },
		"path longer":  func(p *Inclusion) { p.Path = append(p.Path, Hash{}) },
		"path swapped": func(p *Inclusion) { p.Path[0], p.Path[1] = p.Path[1], p.Path[0] },
	} {
		changed := good
		changed.Path = slices.Clone(good.Path)
		change(&changed)
		if changed.Verify(list.Root, 1500) == nil {
			t.Errorf("%s: the changed audit path passes", name)
		}
	}
	tampered := slices.Clone(entries[from:to])
	tampered[0].Owner[0] ^= 1
	if _, err := list.NewInclusion(vectorRaffle, 1300, tampered); err == nil {
		t.Error("a list that changed after the seal goes unnoticed")
	}
	if _, err := list.NewInclusion(vectorRaffle, 1300, entries[from:to-1]); err == nil {
		t.Error("an incomplete chunk goes unnoticed")
	}
}

func TestListRefusesWhatIsNoList(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]Entry{
		"empty":      {},
		"twice":      {{Number: 1}, {Number: 1}},
		"descending": {{Number: 2}, {Number: 1}},
		"negative":   {{Number: -1}},
		"too many":   make([]Entry, MaxEntries+1),
	} {
		if _, err := NewList(entries); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func hundredThousand() []Entry {
	entries := make([]Entry, MaxEntries)
	for i := range entries {
		entries[i] = Entry{Number: i + 1, Owner: TH("test", u64(uint64(i/4)))}
	}
	return entries
}

func BenchmarkSeal100000(b *testing.B) {
	entries := hundredThousand()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewList(entries); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInclusion100000(b *testing.B) {
	entries := hundredThousand()
	list, _ := NewList(entries)
	from, to := ChunkRange(77_777, MaxEntries)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := list.NewInclusion(vectorRaffle, 77_777, entries[from:to]); err != nil {
			b.Fatal(err)
		}
	}
}
