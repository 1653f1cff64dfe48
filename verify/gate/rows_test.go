package gate

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestRowsThatDifferInSignInAPowerOfTwoOrBelowTheirUpperBitsAreOne(t *testing.T) {
	row := []float32{1, -0.7, 0, 3.3}
	scaled := func(x float32) []float32 {
		all := slices.Clone(row)
		for i := range all {
			all[i] *= x
		}
		return all
	}
	next := func(x []float32, ulps uint32) []float32 {
		all := slices.Clone(x)
		for i := range all {
			if all[i] != 0 {
				all[i] = math.Float32frombits(math.Float32bits(all[i]) + ulps)
			}
		}
		return all
	}
	for _, c := range []struct {
		what string
		all  [][]float32
		want Rows
	}{
		{"one row", [][]float32{row}, Rows{D: 1, R: 1}},
		{"copies", [][]float32{row, row, row}, Rows{D: 1, R: 3}},
		{"signs and powers of two", [][]float32{row, scaled(-1), scaled(0x1p40), scaled(-0x1p-60)}, Rows{D: 1, R: 4}},
		{"another factor", [][]float32{row, scaled(3)}, Rows{D: 2, R: 2}},
		{"an ulp", [][]float32{row, next(row, 1)}, Rows{D: 1, R: 2}},
		{"another upper half", [][]float32{row, next(row, 1<<16)}, Rows{D: 2, R: 2}},
		{"the order", [][]float32{{1, 2, 0, 0}, {0, 1, 2, 0}}, Rows{D: 2, R: 2}},
		{"nothing, one element, and what is below all normal numbers", [][]float32{{0, 0, 0, 0}, {0, 5, 0, 0}, {1, 0x1p-130, -0x1p-149, 0}}, Rows{D: 0, R: 0}},
		{"the largest and the smallest", [][]float32{{0x1p127, 0x1p-126, 0, 0}, {0x1p-126, 0x1p127, 0, 0}}, Rows{D: 2, R: 2}},
	} {
		if got := countRows(slices.Concat(c.all...), 4, true); got.D != c.want.D || got.R != c.want.R || int(got.N) != len(c.all) || !got.Units {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

func TestATermDrownsFromEightBitsOn(t *testing.T) {
	for _, c := range []struct {
		term, total    float32
		added, drowned uint32
	}{
		{1, 1, 1, 0}, {1, 255, 1, 0}, {1, 256, 1, 1}, {-1, 300, 1, 1}, {1, 0, 1, 0}, {0, 1e9, 0, 0}, {float32(math.Copysign(0, -1)), 1, 0, 0},
		{0x1p-140, 1, 1, 1},
	} {
		var s Sum
		if s.add(c.term, c.total); s.Added != c.added || s.Drowned != c.drowned {
			t.Errorf("%v in %v: %+v", c.term, c.total, s)
		}
	}
}

func TestDrawnNumbersAreDifferentAndReachEverything(t *testing.T) {
	base := newDraws([32]byte{3}, 1<<40+5)
	for _, n := range []int{1, 7, 64, 65, 5000} {
		seen := map[int]bool{}
		for place := range uint32(2000) {
			all := base.at(place).distinct(64, n)
			if len(all) != min(64, n) || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) || all[0] < 0 || all[len(all)-1] >= n {
				t.Fatalf("%d of %d: %v", 64, n, all)
			}
			for _, v := range all {
				seen[v] = true
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d numbers are ever drawn", len(seen), n)
		}
	}
	counts := [10]int{}
	d := base.at(9)
	for range 100000 {
		counts[d.below(10)]++
	}
	for v, n := range counts {
		if n < 9600 || n > 10400 {
			t.Errorf("%d is drawn %d times in 100000", v, n)
		}
	}
}

func TestASumOfProductsSideBySideIsOfRowsOfOneGroup(t *testing.T) {
	const groups, m, n, k = 5, 3, 7, 20
	at := func(row, term int) int { return row*k + term }
	f := kernels.Factors{Groups: groups, M: m, N: n, K: k, A: kernels.Factor{Operand: 0, At: at}, B: kernels.Factor{Operand: 1, At: at}}
	p := product{factors: f, profile: kernels.ProfileF32}.draw(newDraws([32]byte{1}, 2))
	seen := map[int32]bool{}
	for i, a := range p.reads[0].At {
		b := p.reads[1].At[i]
		if a/k/m != b/k/n || a%k != b%k {
			t.Fatalf("element %d with %d", a, b)
		}
		seen[a/k/m] = true
	}
	if len(seen) != groups || len(p.reads[2].At) != groups*m*k || len(p.reads[3].At) != groups*n*k {
		t.Errorf("%d groups, %d and %d elements of rows", len(seen), len(p.reads[2].At), len(p.reads[3].At))
	}
}
