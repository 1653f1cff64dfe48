package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// distanceTilesHere lists the tiles that this processor can run, by name.
func distanceTilesHere() map[string]*distanceTiles {
	all := map[string]*distanceTiles{}
	for _, isa := range native() {
		all[isa.String()] = distanceTilesFor(isa)
	}
	for name, tiles := range otherDistanceTiles() {
		all[name] = tiles
	}
	return all
}

func TestDistanceTilesAreTheReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, tiles := range distanceTilesHere() {
		if tiles == nil {
			continue
		}
		for _, s := range [][3]int{{1, 1, 1}, {12, 32, 9}, {13, 33, 2}, {5, 70, 31}, {30, 15, 0}, {0, 3, 2}, {3, 0, 2}} {
			m, n, w := s[0], s[1], s[2]
			a, b := words(r, m*w), words(r, n*w)
			got, want := make([]int32, m*n), make([]int32, m*n)
			for i := range m {
				for j := range n {
					want[i*n+j] = sqDistanceLoop(a[i*w:(i+1)*w], b[j*w:(j+1)*w])
				}
			}
			var p packedRows
			p.pack(tiles, b, n, w)
			p.distances(got, n, a, m)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d rows to %d rows of %d words differ from the reference", name, m, n, w)
			}
		}
	}
}

// words are arbitrary, the most negative coordinates among them.
func words(r *rand.Rand, n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(r.Uint32())
		if r.IntN(4) == 0 {
			x[i] = -0x7fff8000
		}
	}
	return x
}

func TestSizesOfPackedRowsAreChecked(t *testing.T) {
	if _, err := PackRows(Auto, make([]int32, 5), 2, 3); err == nil {
		t.Error("5 words are not 2 rows of 3")
	}
	if _, err := PackRows(ISA(200), nil, 0, 0); err == nil {
		t.Error("there is no code path 200")
	}
	p, err := PackRows(Auto, make([]int32, 6), 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Distances(make([]int32, 3), make([]int32, 3), 1); err == nil {
		t.Error("a row has 2 distances")
	}
}

func BenchmarkPackedDistances(b *testing.B) {
	const m, n, w = 48, 4096, 392
	r := rand.New(rand.NewPCG(3, 4))
	x, y, to := words(r, m*w), words(r, n*w), make([]int32, m*n)
	for _, isa := range Available() {
		b.Run(fmt.Sprint(isa), func(b *testing.B) {
			p, err := PackRows(isa, y, n, w)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := p.Distances(to, x, m); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(2*m*n*w*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}
