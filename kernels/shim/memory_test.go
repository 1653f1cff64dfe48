package shim_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/shim"
)

// reserved is a memory of a program.
func reserved(t *testing.T, p *shim.Program, words int, descending bool) *shim.Memory {
	t.Helper()
	m, err := p.Memory(t.Context(), words, descending)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

// call is an operator on ranges.
func call(t *testing.T, op kernels.Operator, operands ...kernels.Range) launch.Planned {
	t.Helper()
	plan, err := launch.For(op)
	if err != nil {
		t.Fatal(err)
	}
	return launch.Planned{Plan: plan, Operands: operands}
}

func TestWhatARoutineWritesIsThereForTheNext(t *testing.T) {
	ctx, p := t.Context(), compiled(t)
	for _, descending := range []bool{false, true} {
		m := reserved(t, p, 48, descending)
		a, b, c := kernels.Range{Offset: 0, Words: 16}, kernels.Range{Offset: 16, Words: 16}, kernels.Range{Offset: 32, Words: 16}
		add := kernels.Add{N: 16}
		double, err := m.Record(ctx, launch.Routine{Calls: []launch.Planned{call(t, add, a, a, b)}, In: a})
		if err != nil {
			t.Fatal(err)
		}
		more, err := m.Record(ctx, launch.Routine{Calls: []launch.Planned{call(t, add, a, b, b), call(t, add, b, b, c)}, Out: kernels.Range{Offset: 30, Words: 3}})
		if err != nil {
			t.Fatal(err)
		}
		in := make([]uint32, 16)
		for i := range in {
			in[i] = math.Float32bits(float32(i))
		}
		out := make([]uint32, 3)
		if err := errors.Join(m.Run(ctx, double, in, nil), m.Run(ctx, more, nil, out), m.Run(ctx, more, nil, out)); err != nil {
			t.Fatal(err)
		}
		for i, want := range []float32{14 * 4, 15 * 4, 0} {
			if got := math.Float32frombits(out[i]); got != want {
				t.Errorf("descending %v: word %d is %v, want %v", descending, 30+i, got, want)
			}
		}
		all := make([]uint32, 48)
		if err := errors.Join(m.Write(ctx, 47, []uint32{7}), m.Read(ctx, all, 0)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(all[:16], in) || all[47] != 7 || math.Float32frombits(all[46]) != 14*8 {
			t.Errorf("descending %v: the memory holds %v", descending, all)
		}
	}
}

// scratch is kernels that show a workspace, leave something there, and write behind the memory.
const scratch = `
#include "drn1.cuh"
extern "C" __global__ void scratch_show(const float *w, float *x) { x[threadIdx.x] = w[threadIdx.x]; }
extern "C" __global__ void scratch_leave(float *w) { w[threadIdx.x] = 1.0f; }
extern "C" __global__ void scratch_far(float *x, int at) { x[at] = 1.0f; }
extern "C" __global__ void scratch_forever(float *x) { while (x[0] == 0.0f) ((volatile float *)x)[1] = 1.0f; }
`

// scratchCall is a launch of one thread for each word of a workspace.
func scratchCall(kernel string, args ...launch.Arg) launch.Planned {
	return launch.Planned{
		Plan: launch.Plan{Workspace: 2, Launches: []launch.Launch{
			{Kernel: kernel, Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{2, 1, 1}, Args: args},
		}},
		Operands: []kernels.Range{{Offset: 0, Words: 2}},
	}
}

func TestAWorkspaceIsPoisonedBeforeEachCall(t *testing.T) {
	ctx := t.Context()
	m := reserved(t, with(t, compiled(t), "scratch.cu", scratch), 2, false)
	work, x := launch.Arg{Kind: launch.Workspace}, launch.Arg{Kind: launch.Buffer}
	show := scratchCall("scratch_show", work, x)
	r, err := m.Record(ctx, launch.Routine{Calls: []launch.Planned{show, scratchCall("scratch_leave", work), show}, Out: kernels.Range{Words: 2}})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]uint32, 2)
	for range 2 {
		if err := m.Run(ctx, r, nil, out); err != nil {
			t.Fatal(err)
		}
		if out[0] != 0xffffffff || out[1] != 0xffffffff {
			t.Errorf("a workspace begins as %08x", out)
		}
	}
}

func TestAnAccessOutsideOfTheMemoryLosesIt(t *testing.T) {
	p := with(t, compiled(t), "scratch.cu", scratch)
	for _, c := range []struct {
		at         int
		descending bool
	}{{16, false}, {-1, true}} {
		m := reserved(t, p, 16, c.descending)
		far := scratchCall("scratch_far", launch.Arg{Kind: launch.Buffer}, launch.Arg{Kind: launch.Scalar, Word: uint32(int32(c.at))})
		r, err := m.Record(t.Context(), launch.Routine{Calls: []launch.Planned{far}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Run(t.Context(), r, nil, nil); err == nil || !strings.Contains(err.Error(), "outside of every buffer") {
			t.Errorf("word %d: %v", c.at, err)
		}
		if err := m.Read(t.Context(), make([]uint32, 1), 0); !errors.Is(err, shim.ErrLost) {
			t.Errorf("after word %d: %v", c.at, err)
		}
	}
}

func TestAKernelThatHangsEndsWithItsContext(t *testing.T) {
	m := reserved(t, with(t, compiled(t), "scratch.cu", scratch), 2, false)
	r, err := m.Record(t.Context(), launch.Routine{Calls: []launch.Planned{scratchCall("scratch_forever", launch.Arg{Kind: launch.Buffer})}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Run(ctx, r, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := m.Write(t.Context(), 0, nil); !errors.Is(err, shim.ErrLost) {
		t.Error(err)
	}
}

func TestRangesOutsideOfTheMemoryAreRefused(t *testing.T) {
	kernelstest.TestRanges(t, kernelstest.Shim(t, kernelstest.Ascending))
}
