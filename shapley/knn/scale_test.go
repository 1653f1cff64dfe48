package knn

import (
	"math"
	"slices"
	"testing"
)

func words(t *testing.T, train, test []float32, width int, scale Scale) (*Features, []int32, []int32) {
	t.Helper()
	f := measureFeatures(test, width, scale, 2)
	a, b, err := f.quantise(train, test, false, 2)
	if err != nil {
		t.Fatal(err)
	}
	return f, a, b
}

func TestTheLargestDistanceFitsItsWord(t *testing.T) {
	for width := 1; width <= MaxWidth; width *= 2 {
		if q := uint64(Grid(width)); uint64(width)*4*q*q > math.MaxUint32 {
			t.Errorf("the grid of %d features is %d", width, q)
		}
	}
}

func TestWholeFeaturesStayAsTheyAreAndAreSaidToBeExact(t *testing.T) {
	for name, c := range map[string]struct {
		train, test []float32
		width       int
		exact       bool
	}{
		"whole numbers":                   {[]float32{3, -4, 2}, []float32{0, 1, 7}, 3, true},
		"fractions of two":                {[]float32{0.5, 3.25}, []float32{0, 1}, 1, true},
		"thirds":                          {[]float32{1.0 / 3}, []float32{0, 1}, 1, false},
		"as far as the grid reaches":      {[]float32{0, 32766}, []float32{0, 32766}, 1, true},
		"farther":                         {[]float32{0, 32769}, []float32{0, 32769}, 1, false},
		"whole rows, judged by fractions": {[]float32{0.3}, []float32{0, 0.1}, 1, false},
		"less than the centre can hold":   {[]float32{1e-30}, []float32{4, 6}, 1, false},
		"one row to judge by":             {[]float32{3, 4}, []float32{5, 4}, 2, true},
		"zeros":                           {[]float32{0}, []float32{0}, 1, true},
	} {
		f, train, test := words(t, c.train, c.test, c.width, None)
		if f.Exact != c.exact {
			t.Errorf("%s: exact is %v: %+v", name, f.Exact, f)
		}
		if !c.exact {
			continue
		}
		for i, x := range append(slices.Clone(c.train), c.test...) {
			row, j := i/c.width, i%c.width
			word := append(slices.Clone(train), test...)[row*((c.width+1)/2)+j/2]
			if q := int16(word >> (16 * (j % 2))); float64(q)*f.Step+f.Columns[j].Centre != float64(x) {
				t.Errorf("%s: feature %d is %v, not %v", name, i, float64(q)*f.Step+f.Columns[j].Centre, x)
			}
		}
	}
}

func TestAScaleIsThatOfTheTestRows(t *testing.T) {
	test := []float32{1, 5, 2, 5, 3, 5, 100, 5} // two columns of four rows
	for scale, want := range map[Scale]Column{
		None:     {Centre: 50, Unit: 1}, // 50.5 to even
		Standard: {Centre: 26.5, Unit: math.Sqrt((25.5*25.5 + 24.5*24.5 + 23.5*23.5 + 73.5*73.5) / 4)},
		Robust:   {Centre: 2.5, Unit: (27.25 - 1.75) / 1.349},
	} {
		f := measureFeatures(test, 2, scale, 3)
		if f.Columns[0] != want || f.Columns[1] != (Column{Centre: 5, Unit: 1}) {
			t.Errorf("%v: %+v, want %+v and a constant of 5", scale, f.Columns, want)
		}
	}
	// More than half of a column is equal: its quartiles are, its deviation is not 0.
	if f := measureFeatures(append(make([]float32, 14), 2, 2), 1, Robust, 1); f.Columns[0].Unit != math.Sqrt(0.4375) {
		t.Errorf("%+v", f.Columns)
	}
}

func TestNoTrainingRowMovesAScale(t *testing.T) {
	test := []float32{0, 1, 2, 0.5}
	for _, scale := range []Scale{None, Standard, Robust} {
		want, near, _ := words(t, []float32{1, 1}, test, 2, scale)
		f := measureFeatures(test, 2, scale, 1)
		far, _, err := f.quantise([]float32{1, 1, 1e5, -1e30}, test, true, 1)
		if err != nil || far[0] != near[0] || f.Step != want.Step || f.Columns[0].Centre != want.Columns[0].Centre || f.Columns[0].Unit != want.Columns[0].Unit {
			t.Errorf("%v: %v, %+v, want %+v", scale, err, f, want)
		}
	}
}
