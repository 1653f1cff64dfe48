package kernels

import (
	"math"
	"testing"
)

func TestSineAndCosineAreRoundedOnce(t *testing.T) {
	checked := 0
	for u := uint64(0); u < 0x4b800000; u += 3001 {
		for _, x := range []float32{math.Float32frombits(uint32(u)), -math.Float32frombits(uint32(u))} {
			sin, cos := sinCos(x)
			wantSin, wantCos := math.Sincos(float64(x))
			for _, c := range []struct {
				got  float32
				want float64
			}{{sin, wantSin}, {cos, wantCos}} {
				half := float64(math.Nextafter32(float32(math.Abs(float64(c.got))), 2)-float32(math.Abs(float64(c.got)))) / 2
				if d := math.Abs(float64(c.got) - c.want); !(d <= half+1e-15) {
					t.Fatalf("%v: %v, want %v", x, c.got, c.want)
				}
				checked++
			}
		}
	}
	if checked < 1e6 {
		t.Errorf("%d numbers", checked)
	}
}

func TestAnglesThatAreTooLargeHaveNoSine(t *testing.T) {
	for _, x := range []float32{1 << 24, -1 << 24, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), nan()} {
		if sin, cos := sinCos(x); sin == sin || cos == cos {
			t.Errorf("%v: %v, %v", x, sin, cos)
		}
	}
	sin, cos := sinCos(float32(math.Copysign(0, -1)))
	if math.Float32bits(sin) != 0 || cos != 1 {
		t.Errorf("%v, %v of -0", sin, cos)
	}
}

func TestARopeTurnsPairsOfEachHeadByTheAngleOfItsPosition(t *testing.T) {
	frequencies := []float32{1, 0.25, 0.03125}
	for _, interleaved := range []bool{false, true} {
		o := Rope{Batch: 2, Positions: 5, Heads: 3, HeadDim: 8, Pairs: 3, Interleaved: interleaved}
		n := 2 * 5 * 3 * 8
		x, y, back := fill(n, 3), zeros(n), zeros(n)
		cos, sin := zeros(15), zeros(15)
		run(t, RopeTable{Positions: 5, Offset: 7, Frequencies: NewFrequencies(frequencies)}, cos, sin)
		run(t, o, floats(x...), cos, sin, y)
		want := make([]float32, n)
		for i := range n {
			position, dim := i/24%5+7, i%8
			pair, second := dim%3, dim >= 3
			other := i + 3
			if second {
				other = i - 3
			}
			if interleaved {
				pair, second, other = dim/2, dim%2 == 1, i^1
			}
			if dim >= 6 {
				want[i] = x[i]
				continue
			}
			s, c := math.Sincos(float64(float32(position) * frequencies[pair]))
			if !second {
				s = -s
			}
			want[i] = float32(x[i]*float32(c)) + float32(x[other]*float32(s))
		}
		same(t, "y", y.F, want)
		inverse := o
		inverse.Inverse = true
		run(t, inverse, y, cos, sin, back)
		double := make([]float64, n)
		for i, v := range x {
			double[i] = float64(v)
		}
		near(t, "turned back", back.F, double, 1e-6)
	}
}

func TestRopesThatDoNotFitAreRefused(t *testing.T) {
	for op, want := range map[Operator]string{
		Rope{Batch: 1, Positions: 1, Heads: 1, HeadDim: 5, Pairs: 3}: "rope: 3 pairs do not fit HeadDim 5",
		RopeTable{Positions: 2, Offset: MaxPosition - 1}:             "rope_table: position 16777216 is not below 16777216",
		RopeTable{Positions: 2, Frequencies: "abc"}:                  "rope_table: Frequencies has 3 bytes, not a multiple of 4",
	} {
		if err := Check(op, nil); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
