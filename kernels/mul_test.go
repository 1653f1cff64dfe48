package kernels

import (
	"math"
	"testing"
)

func TestAProductWithOneInPlaceIsTheProduct(t *testing.T) {
	values := []float32{
		1, -1.5, 0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0x7fc00000), math.Float32frombits(0xffa00001),
	}
	for _, isa := range Available() {
		c, err := NewCPU(Options{ISA: isa, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, s := range []float32{1, 0.5, -1, float32(math.NaN())} {
			x, apart := append([]float32(nil), values...), make([]float32, len(values))
			one := Buf{F: []float32{s}}
			for _, y := range [][]float32{apart, x} {
				if err := c.Run(ScaleBy{N: len(x)}, []Buf{{F: x}, one, {F: y}}); err != nil {
					t.Fatal(err)
				}
			}
			for i, v := range x {
				a, b := math.Float32bits(v), math.Float32bits(apart[i])
				if a != b && !(v != v && apart[i] != apart[i]) {
					t.Errorf("%v: %v times %v is %#x in place, %#x apart", isa, values[i], s, a, b)
				}
			}
		}
	}
}
