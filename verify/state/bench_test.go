package state

import (
	"testing"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/program"
)

func benchLayout(b *testing.B, n int) (*Layout, [][]float32) {
	l, err := NewLayout(State, []program.TensorSpec{{Name: "param/w", Shape: []int{n}}})
	if err != nil {
		b.Fatal(err)
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%977) * 0.25
	}
	return l, [][]float32{x}
}

func BenchmarkRoot(b *testing.B) {
	l, x := benchLayout(b, 16<<20)
	h := NewHasher(l, 1)
	b.SetBytes(l.Bytes())
	b.ReportAllocs()
	for b.Loop() {
		h.Root(Counters{}, x)
	}
}

func BenchmarkBLAKE3(b *testing.B) {
	l, x := benchLayout(b, 16<<20)
	h := blake3.New()
	b.SetBytes(l.Bytes())
	for b.Loop() {
		h.Reset()
		h.Write(little.View(x[0]))
	}
}

func BenchmarkFinite(b *testing.B) {
	l, x := benchLayout(b, 16<<20)
	b.SetBytes(l.Bytes())
	for b.Loop() {
		Finite(x[0])
	}
}

func BenchmarkFiniteChunk(b *testing.B) {
	_, x := benchLayout(b, chunk)
	b.SetBytes(4 * chunk)
	for b.Loop() {
		Finite(x[0])
	}
}
