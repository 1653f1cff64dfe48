package robust_test

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley/robust"
)

func prepared(t *testing.T, updates [][][]float32, sizes []uint64, owners []string) *robust.Prepared {
	t.Helper()
	p, err := robust.Prepare(t.Context(), updates, sizes, owners)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func length(u [][]float32) float64 {
	sum := 0.0
	for _, t := range u {
		for _, v := range t {
			sum += float64(v) * float64(v)
		}
	}
	return math.Sqrt(sum)
}

func TestOwnersAndWhatIsParallelOrOppositePlayAsOneWithTheMeanOfTheirUpdates(t *testing.T) {
	updates := [][][]float32{
		vector(-20, 0, 0), vector(0, 0, 3), vector(22, 0, 0), vector(0, 0, 0), vector(0, 3, 0), vector(0, 0, 0), vector(0, 9, 12),
	}
	p := prepared(t, updates, []uint64{5, 10, 5, 4, 2, 4, 1}, []string{"", "eve", "", "", "eve", "", "bob"})
	if got := p.Joined(); len(got) != 2 || !slices.Equal(got[0], []int{0, 2}) || !slices.Equal(got[1], []int{1, 4}) {
		t.Fatalf("joined %v", got)
	}
	if !slices.Equal(p.Sizes, []uint64{10, 12, 0, 4, 0, 4, 1}) {
		t.Errorf("sizes %v", p.Sizes)
	}
	// The opposites have the mean (1, 0, 0), eve's that of rows 10 and 2; the least length that covers half of 23 rows is hers.
	if want := math.Sqrt(2.5*2.5 + 0.5*0.5); math.Abs(p.Median-want) > 1e-6 {
		t.Errorf("median %v, want %v", p.Median, want)
	}
	for _, i := range []int{0, 1, 6} {
		if l := length(p.Updates[i]); math.Abs(l-p.Median) > 1e-6 {
			t.Errorf("player %d plays an update of length %v", i, l)
		}
	}
	for _, i := range []int{2, 3, 4, 5} {
		if length(p.Updates[i]) != 0 {
			t.Errorf("player %d plays %v", i, p.Updates[i])
		}
	}
	if updates[0][0][0] != -20 || p.Updates[0][0][0] <= 0 {
		t.Error("the updates that were given were changed, or the mean was not taken")
	}
}

func TestNobodyWithLessThanHalfOfTheRowsMovesTheLengthPastTheHonestOnes(t *testing.T) {
	honest := [][][]float32{vector(1, 0), vector(0, 1.5), vector(1, -1)}
	for _, l := range []float32{1e-30, 0.1, 7, 1e30} {
		p := prepared(t, append(slices.Clone(honest), vector(l, 2*l), vector(l, 3*l)), []uint64{10, 10, 10, 14, 15}, nil)
		if p.Median < 1 || p.Median > 1.5 {
			t.Errorf("updates of length about %v: median %v", l, p.Median)
		}
	}
}

func TestAnUpdateThatIsNotFiniteIsLeftToBeIsolatedAndJoinsNobodyButItsOwner(t *testing.T) {
	inf := float32(math.Inf(1))
	p := prepared(t, [][][]float32{vector(inf, 1), vector(1, 0), vector(0, 2), vector(0, inf)}, []uint64{1, 1, 1, 1}, []string{"", "", "eve", "eve"})
	if len(p.Joined()) != 1 || p.Updates[0][0][0] != inf || !math.IsNaN(p.Lengths[2]) {
		t.Errorf("%+v", p)
	}
	if p.Median != 1 {
		t.Errorf("median %v", p.Median)
	}
}

func TestRowsThatSeveralReadCountOnce(t *testing.T) {
	got, err := robust.Once([]string{"a", "a", "b", "a", "c"}, []uint64{100, 100, 100, 0, 30}, func(s string) uint64 {
		return map[string]uint64{"a": 100, "b": 100, "c": 1000}[s]
	})
	if want := []uint64{50 * robust.RowUnits, 50 * robust.RowUnits, 100 * robust.RowUnits, 0, 30 * robust.RowUnits}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, want %v: %v", got, want, err)
	}
	if got, err = robust.Once([]int{1, 1}, []uint64{1 << 40, 1}, func(int) uint64 { return 2 }); err != nil || got[1] != 1 {
		t.Errorf("a player with rows has %v: %v", got, err)
	}
	if _, err = robust.Once([]int{1}, []uint64{1 << 60}, func(int) uint64 { return 1 << 60 }); err == nil || !strings.Contains(err.Error(), "sizes[0]") {
		t.Error(err)
	}
}

func TestTheMarginsOfWhatIsDividedAreThatOfTheWhole(t *testing.T) {
	c, err := robust.Grouped(5, [][]int{{0, 3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	values, errs, err := c.Divide([]*big.Int{big.NewInt(1000), big.NewInt(7), big.NewInt(-5), new(big.Int), new(big.Int)}, []uint64{90, 3, 4, 0, 0}, []uint64{1, 1, 1, 2, 6})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{111, 7, -5, 222, 667} {
		if values[i].Int64() != want {
			t.Errorf("values %v", values)
			break
		}
	}
	if !slices.Equal(errs, []uint64{10, 3, 4, 20, 60}) {
		t.Errorf("standard errors %v", errs)
	}
	for _, groups := range [][][]int{{{0, 5}}, {{1, 0}}, {{0, 1}, {1, 2}}, {{-1, 2}}} {
		if _, err := robust.Grouped(5, groups); err == nil || !strings.Contains(err.Error(), "groups[") {
			t.Errorf("%v: %v", groups, err)
		}
	}
}
