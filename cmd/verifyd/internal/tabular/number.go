package tabular

import (
	"fmt"
	"math"
	"strconv"
)

// maxTarget bounds the magnitude of a target: 2^53 units of 1e-9.
const maxTarget = 1 << 53

// scale is the units of a target in 1.
const scale = 1_000_000_000

// number is a file's number, exactly: the integer i if whole, else f.
type number struct {
	i     int64
	f     float64
	whole bool
}

func (n number) String() string {
	if n.whole {
		return strconv.FormatInt(n.i, 10)
	}
	return strconv.FormatFloat(n.f, 'g', -1, 64)
}

// float32 is n rounded once, to nearest even.
func (n number) float32() (float32, error) {
	if n.whole {
		return float32(n.i), nil
	}
	x := float32(n.f)
	return x, checkFinite(x, n.f)
}

// checkFinite refuses x, which came of v, if it is not finite.
func checkFinite(x float32, v float64) error {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("%v is not finite", v)
	case math.IsInf(float64(x), 0):
		return fmt.Errorf("%v is beyond the range of a float32", v)
	}
	return nil
}

// label is n as a label, which is never rounded.
func (n number) label() (int32, error) {
	if !n.whole {
		if n.f != math.Trunc(n.f) || math.Abs(n.f) > math.MaxInt32+1 { // NaN is unequal to itself
			return 0, fmt.Errorf("%v is not a label: want a whole number from %d to %d", n, math.MinInt32, math.MaxInt32)
		}
		n.i = int64(n.f)
	}
	if n.i < math.MinInt32 || n.i > math.MaxInt32 {
		return 0, fmt.Errorf("%v is not a label: want a whole number from %d to %d", n, math.MinInt32, math.MaxInt32)
	}
	return int32(n.i), nil
}

// target is n in units of 1e-9. The product of a number that is not whole and 1e9 is rounded to a
// float64 and then to an integer, both to nearest even: a number of up to 15 significant digits of
// which at most nine are decimals comes out as it was written.
func (n number) target() (int64, error) {
	const limit = maxTarget / scale
	if n.whole {
		if n.i < -limit || n.i > limit {
			return 0, fmt.Errorf("%v is outside -%d to %[2]d", n, limit)
		}
		return n.i * scale, nil
	}
	if err := checkFinite(0, n.f); err != nil {
		return 0, err
	}
	units := math.RoundToEven(float64(n.f * scale))
	if math.Abs(units) > maxTarget {
		return 0, fmt.Errorf("%v is outside -%d to %[2]d", n, limit)
	}
	return int64(units), nil
}

// add appends n to what t holds of a kind of number.
func (t *Table) add(kind Want, n number) error {
	switch kind {
	case Labels:
		v, err := n.label()
		if err != nil {
			return err
		}
		t.Labels = append(t.Labels, v)
	case Targets:
		v, err := n.target()
		if err != nil {
			return err
		}
		t.Targets = append(t.Targets, v)
	default:
		v, err := n.float32()
		if err != nil {
			return err
		}
		t.F = append(t.F, v)
	}
	return nil
}

// reserve makes room for n numbers of a kind.
func (t *Table) reserve(kind Want, n int) {
	switch kind {
	case Labels:
		t.Labels = make([]int32, 0, n)
	case Targets:
		t.Targets = make([]int64, 0, n)
	default:
		t.F = make([]float32, 0, n)
	}
}

// place names element k of rows of cols elements as NumPy indexes it.
func place(k, cols int, vector bool) string {
	if vector {
		return fmt.Sprintf("element [%d]", k)
	}
	return fmt.Sprintf("element [%d, %d]", k/cols, k%cols)
}
