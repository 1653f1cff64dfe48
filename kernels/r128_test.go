package kernels

import (
	"math"
	"testing"
)

func TestR128GivesTheGoldenSums(t *testing.T) {
	x := fill(200000, 9)
	for _, c := range []struct {
		n    int
		want uint32
	}{{1000, 0x3f75ff40}, {65536, 0x414b94c2}, {200000, 0x439be73c}} {
		v := generic()
		if got := math.Float32bits(v.rowSum(x[:c.n])); got != c.want {
			t.Errorf("rowSum of %d: %08x, want %08x", c.n, got, c.want)
		}
		s := zeros(1)
		run(t, Sum{N: c.n}, floats(x[:c.n]...), s)
		if got := math.Float32bits(s.F[0]); got != c.want {
			t.Errorf("Sum of %d: %08x, want %08x", c.n, got, c.want)
		}
	}
}

func TestBlockFoldIsR128StarOfTheBlockSums(t *testing.T) {
	x := fill(2*r128Block+77, 3)
	for _, n := range []int{0, 1, 127, 128, 1000, r128Block, r128Block + 1, 2 * r128Block, len(x)} {
		var f blockFold
		for _, v := range x[:n] {
			f.add(v + 0)
		}
		if got, want := f.sum(), generic().rowSum(x[:n]); got != want {
			t.Errorf("fold of %d: %v, want %v", n, got, want)
		}
	}
}

func TestSumOfNothingIsPlusZero(t *testing.T) {
	for _, op := range []Operator{Sum{}, SumSquares{}} {
		s := floats(5)
		run(t, op, Buf{}, s)
		if math.Float32bits(s.F[0]) != 0 {
			t.Errorf("%s of nothing: %v", op.Name(), s.F[0])
		}
	}
}

func TestSumSquaresRoundsEachSquare(t *testing.T) {
	x := fill(70000, 4)
	sq := make([]float32, len(x))
	for i, v := range x {
		sq[i] = float32(v * v)
	}
	got, want := zeros(1), zeros(1)
	run(t, SumSquares{N: len(x)}, floats(x...), got)
	run(t, Sum{N: len(x)}, floats(sq...), want)
	if got.F[0] != want.F[0] {
		t.Errorf("%v, want %v", got.F[0], want.F[0])
	}
}

func TestRowMaxIgnoresNaNAndTheSignOfZero(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{nan(), -3, 2, float32(math.Copysign(0, -1)), -1, -2, nan(), nan(), nan(), -inf, -inf, -inf}
	y := zeros(4)
	run(t, RowMax{Rows: 4, Cols: 3}, floats(x...), y)
	for i, want := range []float32{2, 0, -inf, -inf} {
		if math.Float32bits(y.F[i]) != math.Float32bits(want) {
			t.Errorf("row %d: %v, want %v", i, y.F[i], want)
		}
	}
}
