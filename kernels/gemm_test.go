package kernels

import (
	"fmt"
	"math"
	"testing"
)

// The hashes of the product of two seeded matrices, computed independently in C and in Go.
func TestGemmGivesTheGoldenHashes(t *testing.T) {
	const m, n = 37, 45
	for k, want := range map[int]uint64{
		1: 0x1e8d4a3d68edde2e, 513: 0xb96fb882e107cabc, 1700: 0x21d6b0502e24cdf9, 9000: 0x467b0bef9bfd6419,
	} {
		a, b := fill(m*k, 5), fill(k*n, 7)
		for i := range a {
			if i%7 == 0 {
				a[i] = float32(a[i] * 1e-38)
			}
			if i%11 == 0 {
				a[i] = 0
			}
		}
		everyCPU(t, func(t *testing.T, cpu *CPU) {
			c := make([]float32, m*n)
			runOn(t, cpu, Gemm{M: m, N: n, K: k, Profile: ProfileF32}, a, b, c)
			h := newHash()
			for _, v := range c {
				h.add(v)
			}
			if uint64(h) != want {
				t.Errorf("K=%d: %016x, want %016x", k, h, want)
			}
		})
	}
}

func TestGemmEqualsItsReference(t *testing.T) {
	for _, s := range [][3]int{
		{1, 1, 1}, {1, 17, 5}, {6, 16, 512}, {7, 33, 513}, {13, 31, 1025}, {29, 65, 40}, {150, 47, 64},
		{5, 300, 129}, {64, 48, 96}, {33, 1030, 9}, {31, 37, 8192 + 700}, {97, 130, 300}, {61, 131, 1100}, {3, 4, 0},
	} {
		for i := range 4 {
			op := Gemm{M: s[0], N: s[1], K: s[2], TransA: i&1 != 0, TransB: i&2 != 0, Profile: ProfileF32}
			a, b := hard(op.M*op.K, 1), hard(op.K*op.N, 2)
			sameEverywhere(t, op, a, b, make([]float32, op.M*op.N))
		}
	}
}

func TestGemmDoesNotAllocate(t *testing.T) {
	everyCPU(t, func(t *testing.T, cpu *CPU) {
		var op Operator = Gemm{M: 50, N: 70, K: 600, TransB: true, Profile: ProfileF32} // boxed once
		bufs := []Buf{{F: hard(50*600, 1)}, {F: hard(70*600, 2)}, {F: make([]float32, 50*70)}}
		steady(t, cpu, op, bufs)
	})
}

// steady fails unless op comes to run without allocating. A worker's memory grows when it takes its
// first piece, and that may be late.
func steady(t *testing.T, cpu *CPU, op Operator, bufs []Buf) {
	t.Helper()
	var n float64
	for range 50 {
		n = testing.AllocsPerRun(5, func() {
			if err := cpu.Run(op, bufs); err != nil {
				t.Fatal(err)
			}
		})
		if n == 0 {
			return
		}
	}
	t.Errorf("%s: %v allocations per run", op.Name(), n)
}

// sameEverywhere runs op on every code path and number of threads and compares the last operand with
// what the generic path gave on one thread.
func sameEverywhere(t *testing.T, op Operator, operands ...[]float32) {
	t.Helper()
	ref, err := NewCPU(Options{ISA: Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	out := operands[len(operands)-1]
	runOn(t, ref, op, operands...)
	want := append([]float32(nil), out...)
	everyCPU(t, func(t *testing.T, cpu *CPU) {
		for i := range out {
			out[i] = float32(math.NaN())
		}
		runOn(t, cpu, op, operands...)
		for i := range out {
			if math.Float32bits(out[i]) != math.Float32bits(want[i]) && (out[i] == out[i] || want[i] == want[i]) {
				t.Fatalf("%+v: element %d is %x, want %x", op, i, out[i], want[i])
			}
		}
	})
}

// everyCPU calls f with each code path of this machine on 1, 2 and 8 threads.
func everyCPU(t *testing.T, f func(*testing.T, *CPU)) {
	t.Helper()
	for _, isa := range Available() {
		for _, threads := range []int{1, 2, 8} {
			cpu, err := NewCPU(Options{ISA: isa, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprintf("%v/%d", isa, threads), func(t *testing.T) { f(t, cpu) })
			cpu.Close()
		}
	}
}

func runOn(t *testing.T, cpu *CPU, op Operator, operands ...[]float32) {
	t.Helper()
	bufs := make([]Buf, len(operands))
	for i, f := range operands {
		bufs[i].F = f
	}
	if err := cpu.Run(op, bufs); err != nil {
		t.Fatal(err)
	}
}

// hard returns n numbers of all magnitudes, among them zeros of both signs and subnormals.
func hard(n int, s uint64) []float32 {
	x := fill(n, s)
	for i := range x {
		switch i % 13 {
		case 1:
			x[i] = 0
		case 4:
			x[i] = float32(math.Copysign(0, -1))
		case 6:
			x[i] = float32(x[i] * 0x1p-140)
		case 8:
			x[i] = float32(x[i] * 0x1p50)
		case 11:
			x[i] = float32(x[i] * 0x1p-60)
		}
	}
	return x
}
