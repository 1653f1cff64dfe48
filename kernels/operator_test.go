package kernels

import (
	"math"
	"slices"
	"testing"
)

// fill is n numbers in [-1, 1) from a xorshift generator.
func fill(n int, seed uint64) []float32 {
	x := make([]float32, n)
	for i := range x {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		x[i] = float32(int64(seed>>20)-1<<43) / (1 << 43)
	}
	return x
}

// run computes op by the reference, and fails the test unless every code path of this machine, with
// as many workers as it likes, gives the same bits.
func run(t *testing.T, op Operator, bufs ...Buf) {
	t.Helper()
	var others [][]Buf
	for range native() {
		others = append(others, cloned(bufs))
	}
	compute(t, Options{ISA: Generic, Threads: 1}, op, bufs)
	for i, isa := range native() {
		compute(t, Options{ISA: isa, Threads: 3}, op, others[i])
		for j, b := range bufs {
			same(t, op.Name()+" on "+isa.String()+": "+op.Operands()[j].Name, others[i][j].F, b.F)
			if !slices.Equal(others[i][j].I, b.I) {
				t.Fatalf("%s on %v: %s differs", op.Name(), isa, op.Operands()[j].Name)
			}
		}
	}
}

func compute(t *testing.T, o Options, op Operator, bufs []Buf) {
	t.Helper()
	c, err := NewCPU(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Run(op, bufs); err != nil {
		t.Fatal(err)
	}
}

// cloned is a copy of bufs in which buffers that are the same stay so.
func cloned(bufs []Buf) []Buf {
	c := make([]Buf, len(bufs))
	for i, b := range bufs {
		c[i] = Buf{slices.Clone(b.F), slices.Clone(b.I)}
		for j, a := range bufs[:i] {
			if len(a.F) > 0 && len(b.F) > 0 && &a.F[0] == &b.F[0] {
				c[i] = c[j]
			}
		}
	}
	return c
}

// floats is a buffer of binary32 elements, and ints one of integers.
func floats(x ...float32) Buf { return Buf{F: x} }
func ints(x ...int32) Buf     { return Buf{I: x} }

// zeros is a buffer of n elements.
func zeros(n int) Buf { return Buf{F: make([]float32, n)} }

// near fails the test unless got is want but for rounding, relative to the largest of want.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	var top float64
	for _, v := range want {
		top = max(top, math.Abs(v))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - v); !(d <= tolerance*top) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, got[i], v)
		}
	}
}

// same fails the test unless got and want are the same bits.
func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, v := range want {
		if math.Float32bits(got[i]) != math.Float32bits(v) && !(v != v && got[i] != got[i]) {
			t.Fatalf("%s[%d] = %v (%08x), want %v (%08x)", what, i,
				got[i], math.Float32bits(got[i]), v, math.Float32bits(v))
		}
	}
}
