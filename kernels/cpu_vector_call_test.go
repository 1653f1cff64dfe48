package kernels

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// guard is what lies around the slices of a vector loop; nothing may change it.
const guard = -12345.5

// call is one set of arguments of a vector loop.
type call struct {
	args    []reflect.Value
	buffers [][]float32 // with their guards, which the slices among args lie in
}

// newCall draws arguments for loops of type f over n elements, which begin offset elements into
// their buffers. If alias is not 0, the first slice is also that argument.
func newCall(t *testing.T, r *rand.Rand, f reflect.Type, n, offset, alias int) call {
	var c call
	for i := range f.NumIn() {
		switch p := f.In(i); p {
		case reflect.TypeFor[[]float32]():
			if i > 0 && i == alias {
				c.args = append(c.args, c.args[0])
				continue
			}
			b := make([]float32, offset+n+8)
			draw(r, b)
			for j := range offset {
				b[j] = guard
			}
			for j := offset + n; j < len(b); j++ {
				b[j] = guard
			}
			c.buffers = append(c.buffers, b)
			c.args = append(c.args, reflect.ValueOf(b[offset:offset+n]))
		case reflect.TypeFor[[]int32]():
			c.args = append(c.args, reflect.ValueOf(make([]int32, n)))
		case reflect.TypeFor[int](), reflect.TypeFor[int32]():
			c.args = append(c.args, reflect.ValueOf(r.IntN(1000)).Convert(p))
		case reflect.TypeFor[float32]():
			x := []float32{0}
			draw(r, x)
			c.args = append(c.args, reflect.ValueOf(x[0]))
		case reflect.TypeFor[*[9]float32]():
			var s [9]float32
			draw(r, s[:])
			c.args = append(c.args, reflect.ValueOf(&s))
		case reflect.TypeFor[bool]():
			c.args = append(c.args, reflect.ValueOf(r.IntN(2) == 0))
		case reflect.TypeFor[uint32]():
			c.args = append(c.args, reflect.ValueOf(r.Uint32()))
		case reflect.TypeFor[uint64]():
			c.args = append(c.args, reflect.ValueOf(r.Uint64()>>r.IntN(64)&^3))
		case reflect.TypeFor[[4]uint32]():
			c.args = append(c.args, reflect.ValueOf([4]uint32{r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32()}))
		default:
			t.Fatalf("no values for parameters of type %v", p)
		}
	}
	return c
}

// clone is a call with the same arguments in memory of its own.
func (c call) clone() call {
	d := call{args: append([]reflect.Value(nil), c.args...)}
	for _, b := range c.buffers {
		copied := append([]float32(nil), b...)
		for i, a := range c.args {
			s, ok := a.Interface().([]float32)
			if at := cap(b) - cap(s); ok && len(s) > 0 && at >= 0 && &b[at:][0] == &s[0] {
				d.args[i] = reflect.ValueOf(copied[at : at+len(s)])
			}
		}
		d.buffers = append(d.buffers, copied)
	}
	return d
}

// edges are where the functions change branch, and the values that arithmetic treats apart.
var edges = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	0x1p-149, -0x1p-149, 0x1.fffffcp-127, 0x1p-126, math.MaxFloat32, -math.MaxFloat32,
	0.625, 0.96875, 9.125, 3.9375, 1.3700434, 88.72284, 89, 89.00001, -87.33655, -103.97208, -104, -104.00001,
}

// draw fills x with edges, arbitrary bits and ordinary numbers.
func draw(r *rand.Rand, x []float32) {
	ordinary := r.IntN(2) == 0
	for i := range x {
		x[i] = float32(r.NormFloat64() * 2)
		if ordinary {
			continue
		}
		switch r.IntN(4) {
		case 0:
			x[i] = edges[r.IntN(len(edges))]
		case 1:
			x[i] = math.Float32frombits(r.Uint32())
		}
	}
}

// canonical is the bits of x, where every NaN is the same.
func canonical(x float32) uint32 {
	if x != x {
		return 0x7fc00000
	}
	return math.Float32bits(x)
}

// check runs both loops on c and compares the memory and the results.
func (c call) check(t *testing.T, reference, loop reflect.Value) {
	t.Helper()
	d := c.clone()
	want, got := reference.Call(c.args), loop.Call(d.args)
	for i := range want {
		w, g := want[i].Interface().(float32), got[i].Interface().(float32)
		if canonical(w) != canonical(g) {
			t.Fatalf("result %d of %d elements is %x, want %x", i, c.args[0].Len(), g, w)
		}
	}
	for i, b := range c.buffers {
		for j, w := range b {
			if g := d.buffers[i][j]; canonical(w) != canonical(g) {
				t.Fatalf("slice %d of %d elements, at %d of its buffer: %x, want %x", i, c.args[0].Len(), j, g, w)
			}
		}
	}
}
