package optest

import (
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// mutant is a CPU that misbehaves after every run.
type mutant struct {
	Backend
	harm func(op kernels.Operator, bufs []kernels.Buf)
}

func (m mutant) Run(op kernels.Operator, bufs []kernels.Buf) error {
	err := m.Backend.Run(op, bufs)
	m.harm(op, bufs)
	return err
}

func TestEveryKindOfWrongBackendIsCaught(t *testing.T) {
	ref, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	last := func(op kernels.Operator, access kernels.Access) int {
		found := -1
		for i, o := range op.Operands() {
			if o.Access == access && o.Len > 0 && o.Kind == kernels.F32 {
				found = i
			}
		}
		return found
	}
	flip := func(x []float32, i int) { x[i] = math.Float32frombits(math.Float32bits(x[i]) ^ 1) }
	for _, m := range []struct {
		name, caught string
		harm         func(op kernels.Operator, bufs []kernels.Buf)
	}{
		{"the last bit of one output element is wrong", "elements differ", func(op kernels.Operator, bufs []kernels.Buf) {
			x := bufs[last(op, kernels.Out)].F
			flip(x, len(x)-1)
		}},
		{"one element is written after the end", "outside its buffer", func(op kernels.Operator, bufs []kernels.Buf) {
			x := bufs[last(op, kernels.Out)].F
			flip(x[:len(x)+1], len(x))
		}},
		{"an input is changed", "was changed", func(op kernels.Operator, bufs []kernels.Buf) {
			flip(bufs[last(op, kernels.In)].F, 0)
		}},
		{"zero has the wrong sign", "elements differ", func(op kernels.Operator, bufs []kernels.Buf) {
			for i, v := range bufs[last(op, kernels.Out)].F {
				if v == 0 {
					bufs[last(op, kernels.Out)].F[i] = -v
				}
			}
		}},
		{"subnormals are flushed", "elements differ", func(op kernels.Operator, bufs []kernels.Buf) {
			for i, v := range bufs[last(op, kernels.Out)].F {
				if math.Abs(float64(v)) < 0x1p-126 {
					bufs[last(op, kernels.Out)].F[i] = 0
				}
			}
		}},
		{"the last element is left out", "elements differ", func(op kernels.Operator, bufs []kernels.Buf) {
			x := bufs[last(op, kernels.Out)].F
			x[len(x)-1] = math.Float32frombits(poison)
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			caught := 0
			for i, c := range Cases() {
				if i%17 != 0 || c.inPlace != nil || last(c.Op, kernels.Out) < 0 || last(c.Op, kernels.In) < 0 {
					continue
				}
				for _, err := range c.failures(CPU(ref), []Backend{mutant{CPU(ref), m.harm}}) {
					if !strings.Contains(err.Error(), m.caught) {
						t.Errorf("%v: %v, want %q", c, err, m.caught)
					}
					caught++
				}
			}
			if caught == 0 {
				t.Error("nothing was caught")
			}
		})
	}
}

func TestWritingBeforeABufferIsCaught(t *testing.T) {
	for _, b := range []kernels.Buf{{F: make([]float32, 5)}, {I: make([]int32, 5)}} {
		a := place(b, 1)
		if err := a.intact(); err != nil {
			t.Error(err)
		}
		if a.all.F != nil {
			a.all.F[a.from-1] = 0
		} else {
			a.all.I[a.from-1] = 0
		}
		if a.intact() == nil {
			t.Error("a word before the buffer was written, and it was not seen")
		}
	}
}

func TestAnyTwoNaNsAreEqualAndSignedZerosAreNot(t *testing.T) {
	f := func(bits uint32) kernels.Buf { return kernels.Buf{F: []float32{math.Float32frombits(bits)}} }
	if err := compare(f(0x7f800001), f(0xffc12345)); err != nil {
		t.Error(err)
	}
	if compare(f(0), f(1<<31)) == nil {
		t.Error("+0 and -0 were taken for equal")
	}
}
