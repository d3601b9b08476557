package draw

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// chiSquared is the statistic of counts against a uniform distribution, and the value that a fair
// source exceeds about three times in a hundred thousand (Wilson and Hilferty's approximation of the
// quantile, z = 4). The keys below are fixed, so a run never differs from the one before.
func chiSquared(counts []int, total int) (statistic, limit float64) {
	want := float64(total) / float64(len(counts))
	for _, c := range counts {
		statistic += (float64(c) - want) * (float64(c) - want) / want
	}
	df := float64(len(counts) - 1)
	return statistic, df * math.Pow(1-2/(9*df)+4*math.Sqrt(2/(9*df)), 3)
}

func TestPicksAreUniform(t *testing.T) {
	t.Parallel()
	const picks = 1_000_000
	for _, m := range []int{2, 7, 10, 1000} {
		key := TH("test/uniform", u64(uint64(m)))
		counts := make([]int, m)
		for i := range picks {
			counts[Pick(key, i/1000, i%1000, uint64(m))]++
		}
		if got, limit := chiSquared(counts, picks); got > limit {
			t.Errorf("m = %d: chi² %.1f above %.1f", m, got, limit)
		}
	}
}

// A biased picker must not pass the test above: here the remainder of a byte, without rejection.
func TestTheUniformityTestCanFail(t *testing.T) {
	t.Parallel()
	key, counts := TH("test/biased"), make([]int, 7)
	for i := range 1_000_000 {
		counts[byte(try(key, uint32(i), 0, 0))%7]++
	}
	if got, limit := chiSquared(counts, 1_000_000); got <= limit {
		t.Errorf("a biased picker passes: chi² %.1f below %.1f", got, limit)
	}
}

// Over many seals every entry of a list wins each prize equally often, whoever leaves the list.
func TestWinnersAreUniform(t *testing.T) {
	t.Parallel()
	const draws, n = 40_000, 10
	entries := someEntries(n)
	for i := range entries {
		entries[i].Owner = TH("test", u64(uint64(i)))
	}
	for _, exclude := range []Exclude{ExcludeTicket, ExcludeParticipant} {
		counts := [3][]int{make([]int, n), make([]int, n), make([]int, n)}
		for d := range draws {
			for i, w := range Winners(TH("test/winners", u64(uint64(d))), entries, 2, 1, exclude)[:3] {
				counts[i][w.Number/3]++
			}
		}
		for i := range counts {
			if got, limit := chiSquared(counts[i], draws); got > limit {
				t.Errorf("%s, pick %d: chi² %.1f above %.1f", exclude, i, got, limit)
			}
		}
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	const top = math.MaxUint64
	for _, row := range []struct {
		x, m uint64
		want bool
	}{
		{0, 1, true}, {top, 1, true}, // one entry left: everything is accepted
		{top, 2, true}, {top, 1 << 63, true}, // powers of two divide 2^64
		{top, 3, false}, {top - 1, 3, true}, // 2^64 mod 3 = 1
		{top, 7, false}, {top - 1, 7, false}, {top - 2, 7, true}, // mod 7 = 2
		{1 << 63, 1<<63 + 1, true}, {1<<63 + 1, 1<<63 + 1, false}, {top, 1<<63 + 1, false},
		{top - 1, top, true}, {top, top, false},
	} {
		if got := accept(row.x, row.m); got != row.want {
			t.Errorf("accept(%d, %d) = %t", row.x, row.m, got)
		}
	}
}

// With m just above half the range every second x is rejected, so the loop over k is really walked.
func TestRejectionTakesTheNextTry(t *testing.T) {
	t.Parallel()
	const m = 1<<63 + 1
	key, rejected := TH("test/rejection"), map[uint32]int{}
	for p := range 2000 {
		k := uint32(0)
		for try(key, uint32(p), 1, k) >= m { // floor(2^64/m)·m = m
			k++
		}
		if got, want := Pick(key, p, 1, m), try(key, uint32(p), 1, k); got != want {
			t.Fatalf("prize %d: picked %d, want try %d, %d", p, got, k, want)
		}
		rejected[k]++
	}
	if rejected[0] < 900 || rejected[1] < 400 || rejected[2] < 200 || rejected[3] < 80 {
		t.Errorf("tries per pick %v: the rejection path was hardly walked", rejected)
	}
}

func TestOneEntry(t *testing.T) {
	t.Parallel()
	only := []Entry{{Number: 42, Owner: TH("test")}}
	for _, exclude := range []Exclude{ExcludeTicket, ExcludeParticipant} {
		got := Winners(TH("test/one"), only, 3, 2, exclude)
		if !slices.Equal(got, []Winner{{Number: 42, Owner: only[0].Owner}}) {
			t.Errorf("%s: %v; the draw must end when nobody is left", exclude, got)
		}
	}
}

// plainWinners is the protocol's text word for word: a list that entries are cut out of.
func plainWinners(key Hash, entries []Entry, prizes, alternates int, exclude Exclude) []Winner {
	left, winners := slices.Clone(entries), []Winner{}
	take := func(p, a int) {
		if len(left) == 0 {
			return
		}
		e := left[Pick(key, p, a, uint64(len(left)))]
		winners = append(winners, Winner{p, a, e.Number, e.Owner})
		left = slices.DeleteFunc(left, func(o Entry) bool {
			return o.Number == e.Number || exclude == ExcludeParticipant && o.Owner == e.Owner
		})
	}
	for p := range prizes {
		take(p, 0)
	}
	for p := range prizes {
		for a := 1; a <= alternates; a++ {
			take(p, a)
		}
	}
	return winners
}

func TestWinnersAreThoseOfTheText(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		entries := make([]Entry, 1+random.IntN(70))
		for i := range entries {
			entries[i] = Entry{Number: 5*i + random.IntN(5), Owner: TH("o", u64(random.Uint64N(20)))}
		}
		prizes, alternates := 1+random.IntN(8), random.IntN(5)
		exclude := []Exclude{ExcludeTicket, ExcludeParticipant}[round%2]
		key := TH("test/text", u64(uint64(round)))
		got, want := Winners(key, entries, prizes, alternates, exclude), plainWinners(key, entries, prizes, alternates, exclude)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d, %d entries, %s: %v, want %v", round, len(entries), exclude, got, want)
		}
	}
}

func BenchmarkDraw100000(b *testing.B) {
	entries, key := hundredThousand(), TH("bench")
	for _, exclude := range []Exclude{ExcludeTicket, ExcludeParticipant} {
		b.Run(string(exclude), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Winners(key, entries, MaxPrizes, MaxAlternates, exclude)
			}
		})
	}
}
