package kernels

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"
)

// guard is what lies around the slices of a vector loop; nothing may change it.
const guard = -12345.5

// vectorLoops calls f with every loop of the table: the reference's and that of each code path here.
func vectorLoops(t *testing.T, f func(t *testing.T, name string, reference, loop reflect.Value)) {
	for _, isa := range native() {
		t.Run(isa.String(), func(t *testing.T) {
			want, got := reflect.ValueOf(generic()).Elem(), reflect.ValueOf(vectorFor(isa)).Elem()
			for i := range want.NumField() {
				if want.Field(i).Kind() != reflect.Func {
					continue
				}
				name := want.Type().Field(i).Name
				t.Run(name, func(t *testing.T) { f(t, name, open(want.Field(i)), open(got.Field(i))) })
			}
		})
	}
}

// open lets a test call an unexported field.
func open(f reflect.Value) reflect.Value {
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

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
		case reflect.TypeFor[stream]():
			c.args = append(c.args, reflect.ValueOf(stream{[2]uint32{r.Uint32(), r.Uint32()}, r.Uint32(), r.Uint32()}))
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

// inPlace lists, for each loop that may overwrite an input, which argument that is.
func inPlace(name string, f reflect.Type) []int {
	switch name {
	case "normParams", "sgd", "sgdMomentum", "adam", "adamW":
		return nil // their outputs are inputs already
	case "addRows":
		return []int{1}
	}
	if f.In(0) != reflect.TypeFor[[]float32]() || f.NumOut() > 0 && name != "expSum" {
		return nil
	}
	var inputs []int
	for i := 1; i < f.NumIn(); i++ {
		if f.In(i) == reflect.TypeFor[[]float32]() {
			inputs = append(inputs, i)
		}
	}
	return inputs
}

func TestVectorLoopsAreTheReference(t *testing.T) {
	vectorLoops(t, func(t *testing.T, name string, reference, loop reflect.Value) {
		if name == "foldRows" || name == "foldColumns" || name == "maxPool2" {
			return // their slices differ in length: the next tests
		}
		r := rand.New(rand.NewPCG(1, 2))
		lengths := []int{127, 128, 129, 191, 192, 193, 255, 256, 257, 511, 1000}
		for n := range 71 {
			lengths = append(lengths, n)
		}
		for _, n := range lengths {
			for offset := range 4 {
				for _, alias := range append([]int{0}, inPlace(name, reference.Type())...) {
					c := newCall(t, r, reference.Type(), n, offset, alias)
					if name == "addRows" {
						c.divideRows(n)
					}
					c.check(t, reference, loop)
				}
			}
		}
	})
}

func TestVectorFoldsAreTheReference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	vectorLoops(t, func(t *testing.T, name string, reference, loop reflect.Value) {
		if name != "foldRows" && name != "foldColumns" {
			return
		}
		for cols := range 90 {
			for _, n := range []int{0, 1, 2, 7, 30} {
				for gap := range 3 {
					stride, rows := cols+gap, n
					if name == "foldColumns" {
						stride, rows = n+gap, cols
					}
					c := call{buffers: [][]float32{make([]float32, cols+4), make([]float32, rows*stride+4)}}
					for _, b := range c.buffers {
						draw(r, b)
					}
					c.args = []reflect.Value{
						reflect.ValueOf(c.buffers[0][1 : 1+cols]), reflect.ValueOf(c.buffers[1][1 : 1+max(rows*stride-gap, 0)]),
						reflect.ValueOf(stride), reflect.ValueOf(n),
					}
					c.check(t, reference, loop)
				}
			}
		}
	})
}

func TestVectorPoolIsTheReference(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	vectorLoops(t, func(t *testing.T, name string, reference, loop reflect.Value) {
		if name != "maxPool2" {
			return
		}
		for n := range 100 {
			for range 20 {
				x := make([]float32, 4*n+3) // the width is odd: a last column without a window
				draw(r, x)
				for i := range x {
					if r.IntN(2) == 0 {
						x[i] = x[r.IntN(len(x))] // equal elements
					}
				}
				c := call{buffers: [][]float32{make([]float32, n+2)}}
				want, got := make([]int32, n+2), make([]int32, n+2)
				index := reflect.ValueOf(want[1 : n+1])
				c.args = []reflect.Value{
					reflect.ValueOf(c.buffers[0][1 : n+1]), index,
					reflect.ValueOf(x[:2*n]), reflect.ValueOf(x[2*n+1 : 4*n+1]),
					reflect.ValueOf(int32(r.Uint32() >> 2)), reflect.ValueOf(int32(2*n + 1)),
				}
				other := c.clone()
				other.args[1] = reflect.ValueOf(got[1 : n+1])
				reference.Call(c.args)
				loop.Call(other.args)
				for i, w := range want {
					if got[i] != w || canonical(c.buffers[0][i]) != canonical(other.buffers[0][i]) {
						t.Fatalf("%d windows, at %d: %x at %d, want %x at %d", n, i-1,
							other.buffers[0][i], got[i], c.buffers[0][i], w)
					}
				}
			}
		}
	})
}

// divideRows shortens the row that addRows adds to a divisor of n.
func (c call) divideRows(n int) {
	cols := max(n, 1)
	for _, d := range []int{7, 5, 3, 2} {
		if n%d == 0 && n > 0 {
			cols = n / d
			break
		}
	}
	b := c.args[2].Interface().([]float32)
	c.args[2] = reflect.ValueOf(b[:min(cols, n)])
}

// Every 997th binary32 goes through each function of one variable, so through every branch; a short
// test takes every 99991st.
func TestVectorFunctionsAreTheReferenceOnAllBinades(t *testing.T) {
	step := uint64(997)
	if testing.Short() {
		step = 99991
	}
	x := make([]float32, 1<<14)
	want, got := make([]float32, len(x)), make([]float32, len(x))
	one := make([]float32, len(x))
	for i := range one {
		one[i] = 1
	}
	vectorLoops(t, func(t *testing.T, name string, reference, loop reflect.Value) {
		var f, g func(y, x []float32)
		switch l := loop.Interface().(type) {
		case func(y, x []float32):
			f, g = reference.Interface().(func(y, x []float32)), l
		case func(dx, x, dy []float32):
			h := reference.Interface().(func(dx, x, dy []float32))
			f, g = func(y, x []float32) { h(y, x, one) }, func(y, x []float32) { l(y, x, one) }
		case func(y, x []float32, m, r, s float32):
			h := reference.Interface().(func(y, x []float32, m, r, s float32))
			f, g = func(y, x []float32) { h(y, x, 0, 1, 1) }, func(y, x []float32) { l(y, x, 0, 1, 1) }
		default:
			return
		}
		for u := uint64(0); u < 1<<32; {
			for i := range x {
				x[i] = math.Float32frombits(uint32(u))
				u += step
			}
			f(want, x)
			g(got, x)
			for i, w := range want {
				if canonical(w) != canonical(got[i]) {
					t.Fatalf("%s(%x) = %x, want %x", name, x[i], got[i], w)
				}
			}
		}
	})
}
