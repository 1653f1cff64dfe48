package kernels

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"
)

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
