package interpreter_test

import (
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
)

func TestARoutineRunsOnAMemoryThatStays(t *testing.T) {
	ctx := t.Context()
	const n = 1024 // a block of an elementwise kernel, which loads 16 bytes at once where it may
	rig := machine(t, 0)
	for skew := range 4 {
		m := rig.Memory(2*n + 4)
		x, y := kernels.Range{Offset: skew, Words: n}, kernels.Range{Offset: n + 4, Words: n}
		plan, err := launch.For(kernels.Add{N: n})
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Record(ctx, launch.Routine{Calls: []launch.Planned{{Plan: plan, Operands: []kernels.Range{x, y, y}}}, In: x, Out: y})
		if err != nil {
			t.Fatal(err)
		}
		in, out := make([]uint32, n), make([]uint32, n)
		for i := range in {
			in[i] = math.Float32bits(float32(i))
		}
		for range 3 {
			if err := m.Run(ctx, r, in, out); err != nil {
				t.Fatalf("skew %d: %v", skew, err)
			}
		}
		for i, w := range out {
			if v := math.Float32frombits(w); v != float32(3*i) {
				t.Fatalf("skew %d: element %d is %v after three additions of %d", skew, i, v, i)
			}
		}
	}
}

func TestAnAccessOutsideOfAnOperandIsAnErrorInsideOfTheMemory(t *testing.T) {
	ctx := t.Context()
	rig := machine(t, 0)
	for _, offset := range []int{0, 5, 64} {
		m := rig.Memory(128)
		plan, err := launch.For(kernels.Zero{N: 33})
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Record(ctx, launch.Routine{Calls: []launch.Planned{{Plan: plan, Operands: []kernels.Range{{Offset: offset, Words: 32}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Run(ctx, r, nil, nil); err == nil || !strings.Contains(err.Error(), "outside of 32 words") {
			t.Errorf("a kernel of 33 words on 32 at %d: %v", offset, err)
		}
	}
}

func TestRangesOutsideOfTheMemoryAreRefused(t *testing.T) {
	kernelstest.TestRanges(t, kernelstest.Interpreter(t))
}

func TestAKernelOfNoModuleIsRefused(t *testing.T) {
	none := launch.Planned{Plan: launch.Plan{Launches: []launch.Launch{{Kernel: "none"}}}}
	if _, err := machine(t, 0).Memory(8).Record(t.Context(), launch.Routine{Calls: []launch.Planned{none}}); err == nil {
		t.Error("accepted")
	}
}
